"""Every check of what a caller passes, and every message."""
