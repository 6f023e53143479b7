"""The vocabulary of the losses: what the standard's functions get wrong at the edges, put right once.

Every function here is made of array API operations, and every one that a gradient uses can be
differentiated any number of times: each ``where`` chooses between branches that are both smooth.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from xent._typing import Array, Verbs


def scaled(xp: Verbs, weight: Array, x: Array) -> Array:
    """Return ``weight · x``, where a zero weight silences an infinite ``x`` but never a NaN."""
    if xp.finite:
        return weight * x
    if xp.maybe(lambda: xp.isinf(x)):
        x = xp.where((weight == 0) & xp.isinf(x), xp.zeros_like(x), x)
    return xp.silent(weight, x)


def silent(xp: Verbs, a: Array, b: Array) -> Array:
    """Return ``a · b``, 0 where one of them is 0 and the other infinite."""
    silent = ((a == 0) & xp.isinf(b)) | ((b == 0) & xp.isinf(a))
    return xp.where(silent, xp.zeros_like(a), a * b)


def quotient(xp: Verbs, p: Array, q: Array) -> Array:
    """Return ``p / q``, 0 where both are 0."""
    return xp.divide(p, xp.where((p == 0) & (q == 0), xp.ones_like(q), q))


def lift(xp: Verbs, x: Array, n: int = 64) -> Array:
    """Return 2ⁿ where a product with so small an ``x`` may underflow, or a quotient overflow, else 1."""
    small = x < 2.0**n / float(xp.finfo(x.dtype).max)
    return xp.where(small, xp.full_like(x, 2.0**n), xp.ones_like(x))


def log_or_zero(xp: Verbs, p: Array) -> Array:
    """Return log p, and 0 where ``p`` is 0: what multiplies a zero probability in p log p."""
    absent = p == 0
    return xp.where(absent, xp.zeros_like(p), xp.log(xp.where(absent, xp.ones_like(p), p)))


def mass(xp: Verbs, p: Array, axis: int) -> tuple[Array, Array]:
    """Return Σ p in two parts, that of what p is above one ULP of 1, which adds exactly, and of the rest."""
    high, low = (xp.sum(x, axis=axis, keepdims=True) for x in in_two(xp, p))
    return high, low


def in_two(xp: Verbs, p: Array) -> tuple[Array, Array]:
    """Return probabilities in two parts: what is above one ULP of 1, and the rest."""
    high = xp.settled(1 + p) - 1
    return high, p - high


def magnitude(xp: Verbs, x: Array) -> Array:
    """Return |x|; its derivative at 0 is 1, so that formulas which are smooth at 0 stay so."""
    return xp.where(x < 0, -x, x)


# --- labels ---


def either(xp: Verbs, a: Array, b: Array) -> Array:
    """Return the one of two blocks' entries at the label that is not NaN."""
    return xp.where(xp.isnan(a), b, a)


class Split(NamedTuple):
    """A number in two parts, the first of 12 bits: times one that lacks 12 bits it is exact."""

    high: float
    low: float


class SmoothedLabel(NamedTuple):
    """A label, what each other class and the label weigh when it is smoothed, and the classes."""

    at: Array
    other: Split
    own: Split
    classes: int


class Entries(NamedTuple):
    """Indices, integer, and probabilities, with as many along the class axis as there are entries."""

    at: Array
    probs: Array


def shares(smoothing: Any, classes: int) -> tuple[Split, Split]:
    """Return t′ = ε / K of another class, and 1 − ε + ε / K of the label, each in two parts."""
    share = smoothing / classes
    few = upper(share, 41)
    other = Split(few, (smoothing - few * classes) / classes)
    most = upper(1 - smoothing + share, 41)
    # Not with the share, whose rounding is a whole one beside 1 − ε.
    return other, Split(most, ((1 - most - smoothing) + few) + other.low)


def upper(x: Any, bits: int) -> Any:
    """Return ``x`` but for its last ``bits`` bits (Veltkamp)."""
    c = x * (2.0**bits + 1)
    return c - (c - x)


# --- exponentials, shifted by the peak ---


def lost_below(xp: Verbs, x: Array, peak: Array, d: Array) -> Array:
    """Return what ``d``, the rounded ``x − peak``, lacks: Knuth's exact difference, 0 beside ∞.

    The half ULP that d is off makes exp d wrong by up to |d| / 2 ULP. Five operations an element: for losses
    that no training run loops over, or that lose no time by them. Where all is finite ∞ is not asked for.
    """
    b = x - d
    c = (x - (d + b)) + (b - peak)
    return c if xp.finite else xp.where(xp.abs(c) < xp.inf, c, xp.zeros_like(c))


def fall(xp: Verbs, x: Array, peak: Array) -> Array:
    """Return exp(x − peak) from the exact difference: for numbers of which there is one per row."""
    d = xp.shifted(x, peak)
    return xp.exp(d) * (1 + lost_below(xp, x, peak, d))


class Normaliser(NamedTuple):
    """What softmax needs of a row: its peak, and the sum of the exponentials beside one peak.

    The peak's own exponential, 1, is kept out of ``rest``, which it would drown where it is small.
    ``place`` is where the peak is among the classes of the block, −1 after a merge: an index, or what `put`,
    `parted` and `sum_beside` alone take for one.
    """

    peak: Array
    rest: Array
    place: Any


def normaliser(
    xp: Verbs, logits: Array, axis: int, *, indexed: bool = False
) -> tuple[Normaliser, Array, Array]:
    """Return the normaliser of each row, z − peak, and the exponentials that it sums, 0 at the peak.

    The peak is taken by its index, so that it is a smooth function of the logits also in a tie; where nothing
    is differentiated as a compiler finds it faster, unless the place is to be ``indexed``.
    """
    rest: Any = None
    if xp.alone and not indexed:
        peak, index, rest = xp.peak_and_place(logits, axis, partial(xp.decayed, logits))
    else:
        peak = xp.pick(logits, index := xp.first_peak(logits, axis), axis)
    d = xp.shifted(logits, peak)
    put = partial(_put_alone, xp) if logits.shape[axis] == 1 else xp.put
    e = put(xp.exp(d), index, 0.0, axis)
    if not xp.finite:  # else it is 0 there
        # An int is never put by arithmetic: d is −∞ there in a part of a row that has no other class.
        d = put(d, index, 0, axis)
    if rest is None:
        rest = xp.sum(e, axis=axis, keepdims=True)
    return Normaliser(peak, rest, index), d, e


def exact_normaliser(xp: Verbs, logits: Array, axis: int) -> tuple[Normaliser, Array, Array]:
    """Return the normaliser, d = z − peak, and the exponentials exp(d) · (1 + what d lacks)."""
    peak, index, rest = xp.peak_and_place(logits, axis, lambda peak: _exact(xp, logits, peak)[1])
    d, e = _exact(xp, logits, peak)
    if rest is None:
        e = xp.put(e, index, 0.0, axis)
        rest = xp.sum(e, axis=axis, keepdims=True)
    softmax = Normaliser(peak, rest, index)
    again = xp.anew(logits, peak)
    if again is not logits:
        d, e = _exact(xp, again, peak)
    return softmax, d, exponentials(xp, logits, softmax, e, axis)


def _exact(xp: Verbs, logits: Array, peak: Array) -> tuple[Array, Array]:
    d = xp.shifted(logits, peak)
    e = xp.exp(d)
    return d, e + e * lost_below(xp, logits, peak, d)


def below(xp: Verbs, logits: Array, softmax: Normaliser, axis: int) -> Array:
    """Return z − peak, 0 at its place: a compiler that makes logits anew has an ULP of the peak there."""
    put = partial(_put_alone, xp) if logits.shape[axis] == 1 else xp.put
    return put(xp.shifted(logits, softmax.peak), softmax.place, 0.0, axis)


def _put_alone(xp: Verbs, x: Array, place: Array, value: float, axis: int) -> Array:
    """Return ``x``, of one class, with ``value`` at the peak; what is no number is the row's, and stays."""
    return xp.where((place == 0) & (xp.abs(x) < xp.inf), xp.full_like(x, value), x)


def exponentials(
    xp: Verbs, logits: Array, softmax: Normaliser, made: Array | None, axis: int
) -> Array:
    """Return exp(z − peak), of what `normaliser` made of the same logits where it is given."""
    peak, place = softmax.peak, softmax.place
    e = xp.exp(xp.shifted(logits, peak)) if made is None else made  # which nobody else needs
    return xp.put(e, place, xp.exp(xp.shifted(peak, peak)), axis)  # 1, NaN of a NaN


def merge_normalisers(xp: Verbs, a: Normaliser, b: Normaliser) -> Normaliser:
    """Return the normaliser of a row from those of its halves; the lower peak joins the rest."""
    peak = xp.maximum(a.peak, b.peak)
    fa, fb = fall(xp, a.peak, peak), fall(xp, b.peak, peak)
    rest = a.rest * fa + b.rest * fb + xp.minimum(fa, fb)
    return Normaliser(peak, rest, xp.full_like(peak, -1, dtype=xp.integer))


def is_lost(xp: Verbs, peak: Array, total: Array) -> Array:
    """Whether a row has no limit (R5): all its logits are −inf, or the sum counts two of +inf."""
    return xp.isinf(peak) & ((peak < 0) | (total > 1))


def limited(xp: Verbs, softmax: Normaliser) -> Array:
    """Return the normaliser's rest, NaN where the row has no limit."""
    if xp.finite:
        return softmax.rest
    lost = is_lost(xp, softmax.peak, 1 + softmax.rest)
    return xp.where(lost, xp.full_like(softmax.rest, xp.nan), softmax.rest)


def exponentiated(xp: Verbs, logits: Array, axis: int) -> tuple[Normaliser, Array, Array]:
    """Return the normaliser of each row, d = z − peak, and exp d."""
    softmax, d, made = normaliser(xp, logits, axis)
    if xp.finite:
        return softmax, d, exponentials(xp, logits, softmax, made, axis)
    return softmax, d, xp.exp(d)  # a compiler would store those that the normaliser sums


def root(xp: Verbs, d: Array) -> Array:
    """Return exp(d / 2), of e · x as (root · x) · root: a subnormal e = exp d has lost its digits."""
    return xp.exp(d / 2)


# --- the logistic function ---


def softplus(xp: Verbs, z: Array) -> Array:
    """Return log(1 + eᶻ) as max(z, 0) + log1p(e^−|z|)."""
    return xp.where(z < 0, xp.zeros_like(z), z) + xp.log1p(xp.exp(-magnitude(xp, z)))
