"""Losses as the objects of a framework: `xent.nn.torch`, `xent.nn.keras`. Each is imported by itself."""
