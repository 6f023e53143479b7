"""A loss of a linear head, chunk by chunk: a matmul makes some rows of logits, the loss drops them.

A chunk is at most 512 rows, enough to keep the products compute-bound, or more where rows are short,
and at most a budget of bytes; where a few rows are too long for that, their classes are cut too and
their statistics merged. The divisor of a mean is known before the first product, so that each
chunk's share of the value and its gradient are final.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, NamedTuple

from xent import _dtype
from xent._plan import Operands, Plan, along, kept, penalty, raw_gradient, ready
from xent._reduce import cotangents, divided_by, reduced
from xent._typing import Array

ROWS = 512
"""Rows of a chunk at the most, but for short ones."""

SHORT = 1 << 21
"""Bytes that a chunk's features, and its logits, may have without being cut for their many rows."""

FEW = 64
"""Rows below which a chunk is not cut for its bytes: its classes are."""

PIECES = 4
"""Pieces of a sum of half precision: few, so that a system takes back each that is dropped."""

STRIP = 1024
"""Classes of the weight's gradient that are added to at a time."""


class Gradients(NamedTuple):
    """The gradients of a linear loss, None where there is no bias, and for what is not wanted."""

    features: Any
    weight: Any
    bias: Any


ALL = (True, True, True)
"""All three gradients are wanted."""


class Head(NamedTuple):
    """What makes the logits: ``features @ weight.T + bias``, (N, D), (K, D) and (K,)."""

    features: Array
    weight: Array
    bias: Array | None = None


@dataclass(frozen=True)
class Chunks:
    """How the rows and classes of the logits are cut.

    Attributes
    ----------
    budget : bytes of a chunk of logits
    shape : (N, K)
    size : bytes of a logit
    width : D
    """

    budget: int
    shape: tuple[int, int]
    size: int
    width: int

    @property
    def rows(self) -> int:
        """Rows of a chunk."""
        return self._even(max(FEW, self._fitting))

    @property
    def whole_rows(self) -> int:
        """Rows of a chunk whose classes are not cut.

        A compiler keeps memory of their own for rows that are left over: none are where that can be
        had, and all are fewer where not.
        """
        return self._divisor(self._fitting)

    @property
    def strip_rows(self) -> int:
        """Rows of a chunk of which a compiler never makes more than a strip of classes at a time."""
        return self._divisor(max(FEW, self._entries // (4 * STRIP)))

    def _divisor(self, rows: int) -> int:
        rows = self._even(rows)
        divisors = (n for n in range(rows, rows // 2, -1) if self.shape[0] % n == 0)
        return next(divisors, max(1, rows // 2))

    @property
    def classes(self) -> int:
        """Classes of a chunk, all of them unless a few rows are too long.

        A part of a row is held four times: as it is, made ready, its exponentials and its gradient.
        """
        if self.rows <= self._fitting:
            return self.shape[1]
        return max(1, self._entries // (4 * self.rows))

    def _even(self, rows: int) -> int:
        """Return at most ``rows``, so many that no chunk is much smaller than the others."""
        most = max(ROWS, SHORT // (self.size * max(self.width, self.shape[1])))
        count = -(-self.shape[0] // max(1, min(most, rows)))
        return -(-self.shape[0] // max(1, count)) or 1

    @property
    def _fitting(self) -> int:
        return self._entries // self.shape[1]

    @property
    def _entries(self) -> int:
        return max(1, self.budget // self.size)

    def of_classes(self) -> Iterator[slice]:
        """Cut the classes."""
        return cuts(self.shape[1], self.classes)


def cuts(stop: int, step: int) -> Iterator[slice]:
    """Cut 0 to ``stop`` into slices of ``step``."""
    for start in range(0, stop, step):
        yield slice(start, min(start + step, stop))


def part(plan: Plan, operands: Operands, logits: Any, rows: Any) -> Operands:
    """Return the operands of some rows, with their logits as the prediction."""
    one = {
        name: None if x is None or x.ndim == 0 else x[rows, ...]
        for name, x in operands._asdict().items()
        if name in ("target", "sample_weight", "where")
    }
    pos_weight = operands.pos_weight
    if pos_weight is not None and pos_weight.ndim == 2 and pos_weight.shape[0] > 1:
        pos_weight = pos_weight[rows, ...]
    return operands._replace(prediction=logits, pos_weight=pos_weight, **one)


def clean(xp: Any, plan: Plan, operands: Operands, features: Array) -> Array:
    """Return features, 0 in rows taken out: 0 · NaN would reach the weight's gradient (R9)."""
    keep = kept(plan, operands)
    if keep is None:
        return features
    keep = keep if plan.row_axis is not None else xp.any(keep, axis=1)
    return xp.where(along(keep, 1), features, xp.zeros_like(features))


def run(
    engine: Any,
    plan: Plan,
    head: Head,
    operands: Operands,
    chunks: Chunks,
    wanted: tuple[bool, bool, bool] | None = None,
) -> tuple[Array, Any]:
    """Return the value, and the `Gradients` that are ``wanted``, on arrays that can be written to.

    Of ``operands`` the prediction is not used, and all with an entry per row are flat in the rows.
    """
    xp = engine.xp
    shape = chunks.shape if plan.row_axis is None else chunks.shape[:1]
    operands = divided_by(xp, plan, operands, shape)
    plan = replace(plan, overwrites=plan.penalty is None)
    present = None if plan.row_axis is None else engine.present(kept(plan, operands))
    out = _Totals(engine, plan, head, chunks, wanted)
    room: Any = None
    for cut in cuts(chunks.shape[0] if present is None else present.shape[0], chunks.rows):
        rows = cut if present is None else present[cut]
        whole = part(plan, operands, None, rows)
        features = head.features[rows, ...]
        if present is None:
            features = clean(xp, plan, whole, features)
        if plan.row_axis is None or chunks.classes == chunks.shape[1]:
            for classes in chunks.of_classes():
                logits = _logits(engine, head, features, classes, room)
                if engine.has_room and logits.shape[1] == chunks.classes:
                    room = logits if room is None else room
                some = of_classes(plan, whole, logits, _cutting(classes))
                del logits  # no name holds a chunk beside the next one, if it has not its room
                out.add(rows, features, classes, *_one_block(engine, plan, some, wanted))
                del some
        else:
            _by_classes(engine, plan, head, whole, rows, features, chunks, out)
    return out.result()


def _one_block(engine: Any, plan: Plan, operands: Operands, wanted: Any) -> Any:
    """Return value and gradient of a block of logits that needs nothing beside it."""
    if wanted is None:
        return engine.value(plan, operands), None
    return engine.value_and_gradient(plan, operands)


def _logits(
    engine: Any, head: Head, features: Array, classes: slice, room: Array | None = None
) -> Array:
    """Return the logits of some classes, in the first rows of ``room`` where they fit."""
    bias = None if head.bias is None else head.bias[classes]
    out = None
    if room is not None and room.shape[1] == classes.stop - classes.start:
        out = room[: features.shape[0]]
    logits: Array = engine.product(features, head.weight[classes, ...], bias, out=out)
    return logits


def _by_classes(
    engine: Any,
    plan: Plan,
    head: Head,
    operands: Operands,
    rows: Any,
    features: Array,
    chunks: Chunks,
    out: _Totals,
) -> None:
    """Measure the chunk's classes part by part, merge, and make the gradient in a second round."""
    xp = engine.xp
    plans = [(plan, operands, kept(plan, operands))]
    if plan.penalty is not None:
        own, _ = penalty(plan, operands)
        plans.append((own, Operands(features, where=kept(plan, operands)), plans[0][2]))

    def blocks() -> Iterator[tuple[slice, list[Any]]]:
        for classes in chunks.of_classes():
            logits, cut = _logits(engine, head, features, classes), _cutting(classes)
            made = [
                ready(xp, p, of_classes(p, o, logits, cut), keep, classes.start)
                for p, o, keep in plans
            ]
            yield classes, made

    merged: list[Any] = [None] * len(plans)
    for _, made in blocks():
        for i, ((p, _, _), (z, t)) in enumerate(zip(plans, made, strict=True)):
            statistics = p.kernel.measure(xp, z, t, 1)
            merged[i] = (
                statistics if merged[i] is None else p.kernel.merge(xp, merged[i], statistics)
            )
    values = [
        xp.squeeze(p.kernel.value(xp, s), axis=1)
        for (p, _, _), s in zip(plans, merged, strict=True)
    ]
    value = reduced(xp, plan, operands._replace(prediction=features), *values)
    out.add(rows, features, slice(None), value, None)
    if out.wanted is None:
        return
    one = xp.ones_like(values[0])
    shares: tuple[Any, ...] = cotangents(xp, plan, operands._replace(prediction=features), one)
    for classes, made in blocks():
        gradients = [
            raw_gradient(xp, p, z, p.kernel.gradient(xp, z, t, s, along(w, 1), 1))
            for (p, _, _), (z, t), s, w in zip(plans, made, merged, shares, strict=False)
        ]
        g = reduce(lambda a, b: a + b, gradients)
        out.add(rows, features, classes, None, _dtype.cast(xp, g, features.dtype))


def _cutting(classes: slice) -> Callable[[Array], Array]:
    return lambda x: x[..., classes]


def of_classes(
    plan: Plan, operands: Operands, logits: Array, cut: Callable[[Array], Array]
) -> Operands:
    """Return operands cut to some classes; where each is a row by itself, weights and masks too."""
    wide = ["sample_weight", "where", "pos_weight"] if plan.row_axis is None else []
    wide += ["class_weight"] if plan.by_label else ["class_weight", "target"]
    of_some = {
        name: cut(x)
        for name, x in operands._asdict().items()
        if name in wide and x is not None and x.ndim > 0 and x.shape[-1] != 1
    }
    return operands._replace(prediction=logits, **of_some)


class _Totals:
    """What the chunks add up to: the value, and the gradients, each of which exists once."""

    def __init__(self, engine: Any, plan: Plan, head: Head, chunks: Chunks, wanted: Any) -> None:
        self.engine, self.head, self.wanted = engine, head, wanted
        shape = chunks.shape if plan.row_axis is None else chunks.shape[:1]
        xp = self.xp = engine.xp
        features = head.features
        self.dtype = _dtype.compute_dtype(xp, features)
        self.value = xp.zeros(
            shape if plan.reduction == "none" else (),
            dtype=self.dtype,
            device=engine.device(features),
        )
        self.each = plan.reduction == "none"
        features_too, weight_too, bias_too = wanted or (False, False, False)
        self.features = xp.zeros_like(features) if features_too else None
        self.down: Any = 0
        self.weight = _Weight(engine, head.weight, self.dtype, chunks) if weight_too else None
        self.bias = None
        if bias_too and head.bias is not None:
            self.bias = xp.zeros_like(head.bias, dtype=self.dtype)

    def add(self, rows: Any, features: Array, classes: Any, value: Any, g: Any) -> None:
        """Add what one chunk contributes."""
        if value is not None and self.each:
            self.value[(rows, classes) if self.value.ndim == 2 else rows] = value
        elif value is not None:
            self.value = self.value + value
        if g is None:
            return
        if self.features is not None:
            down = self.engine.product(g, self.head.weight[classes, ...], transposed=False)
            self.down = down + self.down if classes.start else down
            self.features[rows, ...] = _dtype.cast(self.xp, self.down, self.features.dtype)
        if self.weight is not None:
            self.weight.add(classes.start or 0, g, features)
        if self.bias is not None:
            first = classes.start or 0
            for cut in cuts(g.shape[1], STRIP):  # a library may cast all that it sums
                total = self.xp.sum(g[:, cut], axis=0, dtype=self.dtype)
                self.bias[first + cut.start : first + cut.stop] += total

    def result(self) -> tuple[Array, Gradients | None]:
        """Return value and gradients, each gradient in the dtype of what it is of."""
        if self.wanted is None:
            return self.value, None
        weight = None if self.weight is None else self.weight.result()
        bias = self.bias
        if bias is not None:
            bias = _dtype.cast(self.xp, bias, self.head.weight.dtype)
        return self.value, Gradients(self.features, weight, bias)


class _Weight:
    """The weight's gradient: one array, but for the sum of several chunks in half precision.

    That is made of pieces of float32, which go one by one as they are rounded: so the gradient
    never stands beside a copy of itself.
    """

    def __init__(self, engine: Any, weight: Array, dtype: Any, chunks: Chunks) -> None:
        self.engine, self.like = engine, weight
        parts = [slice(0, weight.shape[0])]
        if chunks.rows >= chunks.shape[0]:  # each class is added to once
            dtype = weight.dtype
        elif weight.dtype != dtype:
            parts = list(cuts(weight.shape[0], max(STRIP, -(-weight.shape[0] // PIECES))))
        zeros = engine.xp.zeros_like
        self.pieces = [(p, zeros(weight[p, ...], dtype=dtype)) for p in parts]

    def add(self, first: int, g: Array, features: Array) -> None:
        """Add the gradient of the logits of some classes, from ``first``, times the features."""
        end = first + g.shape[1]
        for part, piece in self.pieces:
            start, stop = max(first, part.start), min(end, part.stop)
            if start < stop:
                total = piece[start - part.start : stop - part.start, ...]
                self.engine.accumulate(total, g[:, start - first : stop - first], features)

    def result(self) -> Array:
        """Return the gradient in the weight's dtype."""
        if len(self.pieces) == 1:
            return _dtype.cast(self.engine.xp, self.pieces[0][1], self.like.dtype)
        rounded = self.engine.xp.empty_like(self.like)
        while self.pieces:
            part, piece = self.pieces.pop()
            for cut in cuts(piece.shape[0], STRIP):
                strip = _dtype.cast(self.engine.xp, piece[cut, ...], self.like.dtype)
                rounded[part.start + cut.start : part.start + cut.stop, ...] = strip
        return rounded
