"""One file or folder per way of running a plan; `xent._dispatch` imports the one that a call needs."""
