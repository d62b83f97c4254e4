"""The interactive panels of the notebooks."""
