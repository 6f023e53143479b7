"""Arrays in many chunks, on many devices and in many processes."""
