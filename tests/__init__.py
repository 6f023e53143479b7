"""The laws that every loss keeps on every library, and what is said when a call is wrong."""
