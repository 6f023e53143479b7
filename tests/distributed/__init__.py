"""Arrays that lie on many processes or devices."""
