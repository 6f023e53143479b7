"""Losses as modules of torch."""
