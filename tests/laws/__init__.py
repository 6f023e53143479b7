"""What every loss keeps on every library."""
