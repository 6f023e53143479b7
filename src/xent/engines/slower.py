"""What an engine says once: that it goes the longer way."""

from __future__ import annotations

import warnings


class Slower:
    """Warns once that losses are computed operation by operation, as what makes one of all failed.

    Attributes
    ----------
    maker : what makes one
    said : whether it was said
    """

    def __init__(self, maker: str) -> None:
        self.maker, self.said = maker, False

    def say(self, error: Exception) -> None:
        """Warn, the first time."""
        if not self.said:
            self.said = True
            why = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            warnings.warn(
                "xent computes this loss operation by operation, in more time and memory, since "
                f"{self.maker} failed on this device: {why}",
                RuntimeWarning,
                stacklevel=3,
            )
