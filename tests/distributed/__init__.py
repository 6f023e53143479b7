"""Arrays in pieces: on several devices, in several processes, in chunks."""
