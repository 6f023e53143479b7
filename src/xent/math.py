"""What a formula needs beside the array API: its edges put right, for kernels of your own.

Each takes the `xp` that a kernel is given, and each can be differentiated any number of times.
"""

from xent._math import (
    Normaliser,
    either,
    exponentials,
    limited,
    merge_normalisers,
    normaliser,
    quotient,
    scaled,
    softplus,
)

__all__ = [
    "Normaliser",
    "either",
    "exponentials",
    "limited",
    "merge_normalisers",
    "normaliser",
    "quotient",
    "scaled",
    "softplus",
]
