"""The conformance suite and the accuracy goals, and that each can fail."""
