"""What a distribution of a few classes is to a kernel: its entries, or the row that they stand for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from xent import _dtype
from xent import _math as m
from xent._check import values
from xent._math import Entries
from xent._plan import Operands, Plan, Target
from xent._target import along, smooth, weighted, without
from xent._typing import Array, Verbs


class Sparse(Target):
    """A few classes of each row: the kernel takes their indices in the block, and their probabilities."""

    by_label = True
    counts = True
    checks = True

    @property
    def alone(self) -> Target:
        """The row, for a kernel that takes no entries."""
        return DENSE

    def ready(self, xp: Verbs, plan: Plan, operands: Operands, first: Any) -> Any:
        """Return the entries, class weights in them."""
        index, p = _entries(xp, plan, operands, first)
        if operands.class_weight is not None:
            p = xp.silent(p, _weights(xp, operands, index, p.dtype))
        return _turned(xp, plan, index, p)

    def mass(self, xp: Verbs, plan: Plan, operands: Operands) -> Array:
        """Return Σⱼ cⱼ pⱼ."""
        index, p = _entries(xp, plan, operands, 0)
        if operands.class_weight is not None:
            p = xp.silent(p, _weights(xp, operands, index, p.dtype))
        return xp.sum(p, axis=p.ndim - 1)

    def check(
        self, xp: Verbs, plan: Plan, operands: Operands, name: str, validate: bool | None
    ) -> None:
        """Raise for an index out of range, what is no probability, and a sum beyond 1."""
        index, keep = operands.target, operands.where
        probs: Any = operands.target_probs
        of_probs, last = probs_of(name), index.ndim - 1
        wide = None if keep is None else xp.broadcast_to(keep[..., None], index.shape)
        values.labels(xp, name, index, plan.classes, wide)
        values.of_form(xp, "probs", of_probs, probs, last, keep)
        values.at_most_one(xp, of_probs, probs, last, keep)


class Dense(Sparse):
    """The same for a kernel of distributions: the row of a block, smoothing and class weights in it."""

    def ready(self, xp: Verbs, plan: Plan, operands: Operands, first: Any) -> Any:
        """Return the smoothed and weighted distribution."""
        t, smoothing = self._row(xp, plan, operands, first), operands.numbers.smoothing
        if smoothing is not None:
            t = smooth(t, smoothing, plan.classes)
        return t if operands.class_weight is None else weighted(xp, plan, operands, t)

    def _row(self, xp: Verbs, plan: Plan, operands: Operands, first: Any) -> Array:
        assert plan.axis is not None
        index, p = _turned(xp, plan, *_entries(xp, plan, operands, first))
        return xp.added(_zeros(xp, operands), index, p, plan.axis)


class Spread(Dense):
    """The same, with what a row lacks to 1 spread evenly over its other classes."""

    @property
    def alone(self) -> Target:
        """Itself."""
        return self

    def mass(self, xp: Verbs, plan: Plan, operands: Operands) -> Array:
        """Return Σₖ cₖ tₖ, all of it 1 without class weights unless the entries have more."""
        index, p = _entries(xp, plan, operands, 0)
        at, named = _named(xp, plan, index, p)
        last, share = p.ndim - 1, _share(xp, plan, operands, p, named)
        if operands.class_weight is None:
            rest = plan.classes - _count(xp, named, p)
            return xp.sum(p, axis=last) + share * rest
        p = xp.silent(p, _weights(xp, operands, index, p.dtype))
        has = xp.where(named, _weights(xp, operands, at, p.dtype), xp.zeros_like(p))
        rest = xp.sum(_dtype.cast(xp, operands.class_weight, p.dtype), axis=None)
        return xp.sum(p, axis=last) + share * (rest - xp.sum(has, axis=last))

    def _row(self, xp: Verbs, plan: Plan, operands: Operands, first: Any) -> Array:
        assert plan.axis is not None
        index, p = _entries(xp, plan, operands, first)
        named = _named(xp, plan, index, p)[1]
        share = along(_share(xp, plan, operands, p, named), plan.axis)
        index, p = _turned(xp, plan, index, p)
        t = xp.added(_zeros(xp, operands), index, p, plan.axis)
        given = xp.added(_zeros(xp, operands), index, xp.astype(p > 0, p.dtype), plan.axis)
        known = xp.iota(t, plan.axis) + first < plan.classes  # of none a process has one
        return xp.where(known & (given == 0), share, t)


SPARSE = Sparse("SPARSE")
DENSE = Dense("DENSE")
SPREAD = Spread("SPREAD")


def apart(call: Any) -> tuple[Any, dict[str, Any]]:
    """Return a call whose target is the indices of a sparse distribution, and its two arrays by name."""
    target, name = call.target, f"{call.target_name}.indices"
    arrays = {name: target.indices, probs_of(name): target.probs}
    return replace(call, target_name=name, sparse_target=target.rest or "lost"), arrays


def probs_of(name: str) -> str:
    """Return what the probabilities are called whose indices have a ``name``."""
    return name.replace(".indices", ".probs")


def _entries(xp: Verbs, plan: Plan, operands: Operands, first: Any) -> tuple[Array, Array]:
    """Return indices in the block and probabilities, nothing of rows taken out, NaN of what is no class.

    The entries are along the last axis. One that is no class stands for the first: its row is NaN.
    """
    index = _dtype.cast(xp, operands.target, xp.integer)
    probs: Any = operands.target_probs
    p = _dtype.cast(xp, probs, _dtype.compute_dtype(xp, operands.prediction))
    if operands.where is not None:
        last = index.ndim - 1
        index = without(xp, index, operands.where, last, 0)
        p = without(xp, p, operands.where, last, 0.0)
    inside = (index >= 0) & (index < plan.classes)
    index = xp.where(inside, index, xp.zeros_like(index))
    return index - first, xp.where(inside, p, xp.full_like(p, xp.nan))


def _turned(xp: Verbs, plan: Plan, index: Array, p: Array) -> Entries:
    """Return the entries along the class axis."""
    assert plan.axis is not None
    if plan.axis == index.ndim - 1:
        return Entries(index, p)
    return Entries(*(xp.moveaxis(x, -1, plan.axis) for x in (index, p)))


def _weights(xp: Verbs, operands: Operands, index: Array, dtype: Any) -> Array:
    """Return the weights of the entries' classes, and of one of another block any."""
    weights: Any = operands.class_weight
    near = xp.clip(index, 0, weights.shape[0] - 1)
    flat = xp.pick(_dtype.cast(xp, weights, dtype), xp.reshape(near, (-1,)), 0)
    return xp.reshape(flat, index.shape)


def _named(xp: Verbs, plan: Plan, index: Array, p: Array) -> tuple[Array, Array]:
    """Return the classes of the entries in order, and which of them are there for the first time.

    Of an entry without probability there is none: it is padding.
    """
    at = xp.sort(xp.where(p > 0, index, xp.full_like(index, plan.classes)))
    # The first entry is always new.
    once = xp.concat([at[..., :1] == at[..., :1], at[..., 1:] != at[..., :-1]], axis=-1)
    return at, once & (at < plan.classes)


def _count(xp: Verbs, named: Array, p: Array) -> Array:
    """Return how many classes of each row the entries name, in the dtype to compute in."""
    return xp.sum(xp.astype(named, p.dtype), axis=p.ndim - 1)


def _share(xp: Verbs, plan: Plan, operands: Operands, p: Array, named: Array) -> Array:
    """Return what each class that no entry gives any has of what a row lacks to 1, one number a row."""
    last = p.ndim - 1
    high, low = m.mass(xp, p, last)
    lack = xp.squeeze((1 - high) - low, axis=last)
    others = plan.classes - _count(xp, named, p)
    lack = xp.where(lack < 0, xp.zeros_like(lack), lack)
    share = lack / xp.where(others == 0, xp.ones_like(others), others)
    return without(xp, share, operands.where, None, 0.0)


def _zeros(xp: Verbs, operands: Operands) -> Array:
    """Return zeros in the shape of the prediction and the dtype to compute in."""
    x = operands.prediction
    return xp.zeros_like(x, dtype=_dtype.compute_dtype(xp, x))
