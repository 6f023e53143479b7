"""The losses of a linear head."""
