"""The runs of the study: what they are, what is kept of them, and how one is loaded or made."""
