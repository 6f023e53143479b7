"""A progress bar on stderr, so that stdout is the table alone."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any


class Progress:
    """Steps of known number, each with a word on what is being done.

    Without tqdm there is no bar, and all else is the same.
    """

    def __init__(self, total: int) -> None:
        try:
            from tqdm import tqdm
        except ImportError:
            self.bar: Any = None
        else:
            self.bar = tqdm(total=total, file=sys.stderr, leave=False, dynamic_ncols=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.close()

    def say(self, words: str) -> None:
        """Show what is being done."""
        if self.bar is not None:
            self.bar.set_description(words)

    def step(self) -> None:
        """Count one step as done."""
        if self.bar is not None:
            self.bar.update()
