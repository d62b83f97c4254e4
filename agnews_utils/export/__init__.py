"""A trained student as one small file, and a classifier that reads it with NumPy alone (no torch, no transformers)."""
