"""Peers side by side in one run: time, memory, floors, and the error beside each of them."""
