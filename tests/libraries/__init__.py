"""What only one library has: its transforms, its compiler, its laziness."""
