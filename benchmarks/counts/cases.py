"""The calls whose work on a device is counted, the same in every library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import xent

Make = Callable[[str, tuple[int, ...], str], Any]
"""From a kind (``"real"``, ``"share"``, ``"label"`` or ``"flag"``), a shape and a dtype to an array."""

MODES = ("forward", "with gradient")


@dataclass(frozen=True)
class Case:
    """A loss, the shape and dtype of its logits, and what is given beside them."""

    name: str
    loss: Callable[..., Any] = xent.cross_entropy
    shape: tuple[int, int] = (8192, 32768)
    dtype: str = "float32"
    target: str = "label"
    options: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, str] = field(default_factory=dict)
    wrt: ClassVar[tuple[str, ...]] = ("logits",)

    def arguments(self, make: Make) -> dict[str, Any]:
        """Return the keyword arguments, each array made by ``make``; labels may not be looked at."""
        rows = self.shape[:1] if self.target == "label" else self.shape
        found = {
            "target": make(self.target, rows, "int64" if self.target == "label" else self.dtype),
            "logits": make("real", self.shape, self.dtype),
            **{name: make(kind, self._shape_of(name), "") for name, kind in self.arrays.items()},
        }
        return found | self.options

    def _shape_of(self, name: str) -> tuple[int, ...]:
        return self.shape[1:] if name == "class_weight" else self.shape[:1]

    @property
    def passed(self) -> int:
        """The bytes of one pass over the logits."""
        size = 2 if self.dtype in ("float16", "bfloat16") else int(self.dtype[-2:]) // 8
        return self.shape[0] * self.shape[1] * size


@dataclass(frozen=True)
class Head(Case):
    """The loss of a linear head, and the width of its features."""

    loss: Callable[..., Any] = xent.linear_cross_entropy
    shape: tuple[int, int] = (8192, 128256)
    dtype: str = "bfloat16"
    width: int = 4096
    bias: bool = False
    wrt = ("features", "weight", "bias")

    def arguments(self, make: Make) -> dict[str, Any]:
        """Return the keyword arguments, likewise."""
        rows, classes = self.shape
        shapes = (rows, self.width), (classes, self.width), *[(classes,)] * self.bias
        parts = {
            name: make("real", n, self.dtype) for name, n in zip(self.wrt, shapes, strict=False)
        }
        return {"target": make("label", (rows,), "int64"), **parts, **self.options}


HEADS = [Head("linear head"), Head("linear head, bias", bias=True)]
CASES = [
    Case("labels"),
    Case("labels, many classes", shape=(8192, 128256), dtype="bfloat16"),
    Case("labels, many rows", shape=(65536, 1000)),
    Case("labels, small", shape=(128, 10)),
    Case("smoothed", options={"label_smoothing": 0.1}),
    Case("weighted", arrays={"class_weight": "share"}),
    Case("sample weights", arrays={"sample_weight": "share"}),
    Case("ignored", options={"ignore_index": -100}),
    Case("masked", arrays={"where": "flag"}),
    Case("softcap", options={"softcap": 30.0}),
    Case("z-loss", options={"z_loss": 1e-4}),
    Case("soft targets", target="share"),
    Case("KL", xent.kl_divergence, target="share"),
    Case("binary", xent.binary_cross_entropy, target="share"),
]
