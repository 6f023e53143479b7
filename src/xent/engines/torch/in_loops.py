"""What torch's compiler makes of rows in a processor's loops: in few of them, and by what vectors have.

No derivative is made of these, but of what is `stored`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from xent._namespace import Namespace
from xent.engines.torch import tensor

PLACES = 1024
"""How many places of a row a compiled loop has the numbers of: 4 KiB, which stay in the first cache."""


def stored(x: Any) -> Any:
    """Return an equal tensor, of which torch's compiler needs the numbers in memory.

    A copy, as strides are those of what a view is of: torch's compiler forgets where in that it begins.
    """
    x = x.clone()
    return x.as_strided(x.shape, x.stride())


class Place(NamedTuple):
    """Where the peak of a row is: what is ``near`` it, if one is ``alone`` there, which is ``here`` then.

    What is near is known in the loop that asks whether it is alone, the others only after it.
    """

    near: Any
    alone: Any
    here: Any


def peak_and_place(x: Any, axis: int, decayed: Callable[[Any], Any]) -> tuple[Any, Place, Any]:
    """Return the peak, its place, and the sum beside it of what is ``decayed`` from a peak.

    What a compiler makes twice it may round twice: the peak is what is within 2 to 4 ULP, if nothing else
    is within twice as much; never so much that the exponentials of two such are far apart. Where logits
    are rounded by more, as differences, the peak may not be found: it loses digits then, but not itself.

    Two sums, with and without what is near, tell in one loop whether one alone is: their difference is 1
    then, and at least exp(−½) more if two are. Where what is beside is 1 or more that is not asked: a sum
    that large may hide the difference, and the whole one less 1 has all digits.
    """
    peak = torch.amax(x, axis, keepdim=True)
    ulps = torch.clamp(2 * torch.finfo(x.dtype).eps * torch.abs(peak), max=0.25)
    near = x >= peak - 2 * ulps
    e = decayed(peak)
    beside = torch.sum(torch.where(near, 0.0, e), axis, keepdim=True)
    total = torch.sum(e, axis, keepdim=True)
    alone = (beside < 1) & (torch.abs(total - beside - 1) < 0.5)
    here = x >= torch.where(alone, peak - ulps, torch.nan)
    rest = torch.where(alone, beside, torch.clamp(total - 1, min=0.0))
    return peak, Place(near, alone, here), rest


def is_at(x: Any, index: Any, axis: int) -> Any:
    """Return where ``x`` is at ``index``, by int32: of them a vector has as many as of float32."""
    size, shape = x.shape[axis], [1] * x.ndim
    shape[axis] = size
    return _places(size, x).reshape(shape) == _narrow(index, size)


def _narrow(index: Any, size: Any) -> Any:
    """Return an index as int32, out of range where it was."""
    return torch.clamp(index, -1, size).to(torch.int32)


def _places(size: Any, like: Any) -> Any:
    """Return 0, 1, …, ``size`` − 1, read from memory: to make them in each vector takes longer.

    Where the number is a compiler's symbol they are made.
    """
    places = torch.arange(size, dtype=torch.int32, device=like.device)
    return stored(places) if tensor.is_static(size) else places


def log1p(x: Any) -> Any:
    """Return log(1 + x) by a logarithm: a processor's vectors take longer for log1p.

    What 1 + x is rounded by is exact, and added back where 1 + x is neither 0 nor infinite.
    """
    u = 1 + x
    rest = (x - (u - 1)) / u
    return torch.log(u) + torch.where(torch.abs(rest) < 1, rest, 0.0)


def log_near_or_far(near: Any, x: Any, log_b: Any, p: Any) -> Any:
    """Return log(1 + x) where |x| < ¼, ``near``, and log b − log p elsewhere, by one logarithm.

    What 1 + x is rounded by is added back times 1 − x, which is 1 / (1 + x) to a sixteenth there.
    """
    u = torch.where(near, 1 + x, p)
    log = torch.log(u)
    return torch.where(near, log + (x - (u - 1)) * (2 - u), log_b - log)


def beside(xp: Namespace, x: Any, index: Any, axis: int) -> tuple[Any, Any]:
    """Return the peak beside ``index``, and the sum, from all of ``x`` less the term at ``index``.

    To find an index takes the processor longer than an exponential. No exponent is above 0: the term
    that is subtracted is at most 1, and the others together at least that, so that nothing cancels.
    """
    peak = _peak_beside(xp, x, index, axis).detach()
    total = torch.sum(_at_most_one(x, peak), axis, keepdim=True)
    inside = (index >= 0) & (index < x.shape[axis])
    own = torch.gather(x, axis, torch.where(inside, index, 0))
    own = torch.where(inside, _at_most_one(own, peak), 0.0)
    return peak, torch.where(peak == -torch.inf, 0.0, total - own)


def _peak_beside(xp: Namespace, x: Any, index: Any, axis: int) -> Any:
    """Return the largest entry of ``x`` beside ``index``, of a row in parts.

    Where the number of classes is a compiler's symbol the row is whole.
    """
    size = x.shape[axis]
    if axis % x.ndim != x.ndim - 1 or not tensor.is_static(size):
        return torch.amax(xp.replaced(x, index, -torch.inf, axis), axis, keepdim=True)
    places = _places(min(size, PLACES), x)
    index = _narrow(index, size)
    whole = size - size % len(places)
    parts = x[..., :whole].reshape(*x.shape[:-1], whole // len(places), len(places))
    first = torch.arange(0, whole, len(places), dtype=torch.int32, device=x.device)
    rest = torch.where(places == (index - first)[..., None], -torch.inf, parts)
    peak = torch.amax(rest, (-2, -1))[..., None]
    if whole < size:
        last = torch.where(places[: size - whole] == index - whole, -torch.inf, x[..., whole:])
        peak = torch.maximum(peak, torch.amax(last, -1, keepdim=True))
    return peak


def _at_most_one(x: Any, peak: Any) -> Any:
    """Return min(1, exp(x − peak)), with the limits of `shifted`, NaN of a NaN."""
    large = torch.finfo(x.dtype).max
    near = torch.clamp(peak, -large, large)
    # Else the largest number would count as one of those at +∞; together the two may overflow.
    far = torch.where(peak == torch.inf, near, 0.0)
    return torch.exp(-torch.relu(near - x + far))  # which is one step
