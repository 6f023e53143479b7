"""Keras's losses, on each of its backends."""
