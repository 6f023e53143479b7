"""What is checked of a call, and what is said when it is wrong."""
