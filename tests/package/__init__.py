"""What the package holds: its names, its imports, its registry."""
