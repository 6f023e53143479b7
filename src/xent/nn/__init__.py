"""Losses as the objects of a framework: `xent.nn.torch`, `xent.nn.keras`. Each is imported by itself."""

from xent._check import names as _names

globals()["__getattr__"] = _names.lacks(  # which no checker can read: it would take any name
    __name__, {"torch": "xent.nn.torch", "keras": "xent.nn.keras"}
)
