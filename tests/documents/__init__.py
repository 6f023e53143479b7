"""What the documents and the examples say, run as a reader runs it."""
