"""The vocabulary of the losses: what the standard's functions get wrong at the edges, put right once.

Every function here is made of array API operations, and every one that a gradient uses can be
differentiated any number of times: each ``where`` chooses between branches that are both smooth.
"""

from __future__ import annotations

from math import factorial
from typing import Any, NamedTuple

from xent._typing import Array, Namespace

NEAR = 0.25
"""|r| below which the series in r = (p − q)/(p + q) replace the logarithms."""

_TERMS = 14
"""Terms of the series: 0.25²⁸ / 29 is below half an ULP of float64."""


def scaled(xp: Namespace, weight: Array, x: Array) -> Array:
    """Return ``weight · x``, where a zero weight silences an infinite ``x`` but never a NaN."""
    if xp.maybe(lambda: xp.isinf(x)):
        x = xp.where((weight == 0) & xp.isinf(x), xp.zeros_like(x), x)
    return xp.silent(weight, x)


def silent(xp: Namespace, a: Array, b: Array) -> Array:
    """Return ``a · b``, 0 where one of them is 0 and the other infinite."""
    silent = ((a == 0) & xp.isinf(b)) | ((b == 0) & xp.isinf(a))
    return xp.where(silent, xp.zeros_like(a), a * b)


def quotient(xp: Namespace, p: Array, q: Array) -> Array:
    """Return ``p / q``, 0 where both are 0."""
    return xp.divide(p, xp.where((p == 0) & (q == 0), xp.ones_like(q), q))


def log_or_zero(xp: Namespace, p: Array) -> Array:
    """Return log p, and 0 where ``p`` is 0: what multiplies a zero probability in p log p."""
    absent = p == 0
    return xp.where(absent, xp.zeros_like(p), xp.log(xp.where(absent, xp.ones_like(p), p)))


def magnitude(xp: Namespace, x: Array) -> Array:
    """Return |x|; its derivative at 0 is 1, so that formulas which are smooth at 0 stay so."""
    return xp.where(x < 0, -x, x)


def log1m(xp: Namespace, p: Array) -> Array:
    """Return log(1 − p).

    ``log1p`` only below ¼, because XLA's is off by 128 ULP near −0.414. Above it what 1 − p loses,
    up to 1.4 ULP of the logarithm, is added back: log(h + l) = log h + l/h for l so small.
    """
    small = p < NEAR
    h = 1 - p
    lost = ((1 - h) - p) / xp.where(h == 0, xp.ones_like(h), h)
    return xp.where(small, xp.log1p(xp.where(small, -p, xp.zeros_like(p))), xp.log(h) + lost)


# --- series for two nearly equal probabilities, r = (p − q) / (p + q) ---


def contrast(xp: Namespace, p: Array, q: Array) -> Array:
    """Return r = (p − q) / (p + q), 0 where both are 0."""
    both = p + q
    return (p - q) / xp.where(both == 0, xp.ones_like(both), both)


def log_ratio(xp: Namespace, p: Array, q: Array) -> Array:
    """Return log(p / q), to its last digits also where p is nearly q; 0 where both are 0."""
    r = contrast(xp, p, q)
    near = magnitude(xp, r) < NEAR
    ratio = xp.where(near, xp.ones_like(p), p) / xp.where(near, xp.ones_like(q), q)
    plain = (ratio > 0) & (ratio < xp.inf)
    one = xp.ones_like(ratio)
    beyond = xp.log(xp.where(plain, one, p)) - xp.log(xp.where(plain, one, q))
    apart = xp.where(plain, xp.log(xp.where(plain, ratio, one)), beyond)
    r = xp.where(near, r, xp.zeros_like(r))
    return xp.where(near, 2 * r * (1 + odd_tail(xp, r)), apart)


def odd_tail(xp: Namespace, r: Array) -> Array:
    """Return artanh(r)/r − 1 = r²/3 + r⁴/5 + …, for |r| < ¼."""
    return _series(r * r, [1 / (2 * k + 1) for k in range(1, _TERMS)])


def even_tail(xp: Namespace, r: Array) -> Array:
    """Return ((1 + r) log(1 + r) + (1 − r) log(1 − r)) = Σₖ r²ᵏ / (k(2k − 1)), for |r| < ¼."""
    return _series(r * r, [1 / (k * (2 * k - 1)) for k in range(1, _TERMS)])


def expm1_tail(xp: Namespace, x: Array) -> Array:
    """Return expm1(x) − x = x²/2! + x³/3! + …, for |x| < ¼."""
    return x * _series(x, [1 / factorial(k + 1) for k in range(1, _TERMS)])


def _series(x: Array, coefficients: list[float]) -> Array:
    """Return Σₖ cₖ xᵏ for k = 1, 2, …, by Horner's rule from the smallest term."""
    total = x * 0 + coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = total * x + c
    return total * x


# --- labels ---


def is_inside(index: Array, x: Array, axis: int) -> Array:
    """Whether ``index`` is one of the classes of ``x``."""
    return (index >= 0) & (index < x.shape[axis])


def at_label(xp: Namespace, x: Array, index: Array, axis: int) -> Array:
    """Return the entry of ``x`` at the label, NaN where the label is not among its classes."""
    if not xp.maybe(lambda: ~is_inside(index, x, axis)):
        return xp.pick(x, index, axis)
    inside = is_inside(index, x, axis)
    entry = xp.pick(x, xp.where(inside, index, xp.zeros_like(index)), axis)
    return xp.where(inside, entry, xp.full_like(entry, xp.nan))


def either(xp: Namespace, a: Array, b: Array) -> Array:
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


def smoothed_label(index: Array, smoothing: float, classes: int) -> SmoothedLabel:
    """Return the label with t′ = ε / K beside it and 1 − ε + ε / K on it."""
    share = smoothing / classes
    few = upper(share, 41)
    other = Split(few, (smoothing - few * classes) / classes)
    most = upper(1 - smoothing + share, 41)
    return SmoothedLabel(index, other, Split(most, (1 - most - smoothing) + share), classes)


def upper(x: Any, bits: int) -> Any:
    """Return ``x`` but for its last ``bits`` bits (Veltkamp)."""
    c = x * (2.0**bits + 1)
    return c - (c - x)


# --- exponentials, shifted by the peak ---


def lost_below(xp: Namespace, x: Array, peak: Array, d: Array) -> Array:
    """Return what ``d``, the rounded ``x − peak``, lacks: Knuth's exact difference, 0 beside ∞.

    The half ULP that d is off makes exp d wrong by up to |d| / 2 ULP, which is all of the error of
    a loss near certainty. Five more operations for each element: for losses that are not the loop
    of a training run, or where no time is lost by them.
    """
    b = x - d
    c = (x - (d + b)) + (b - peak)
    return xp.where(xp.isnan(c), xp.zeros_like(c), c)


class Normaliser(NamedTuple):
    """What softmax needs of a row: its peak, and the sum of the exponentials beside one peak.

    The peak's own exponential, 1, is kept out of ``rest``, which it would drown where it is small.
    """

    peak: Array
    rest: Array


def normaliser(xp: Namespace, logits: Array, axis: int) -> tuple[Normaliser, Array]:
    """Return the normaliser of each row, and the exponentials that it sums.

    The peak is taken by its index, so that it is a smooth function of the logits also in a tie.
    """
    index = xp.first_peak(logits, axis)
    peak = xp.pick(logits, index, axis)
    d = xp.shifted(logits, peak)
    rest = xp.sum(xp.put(xp.exp(d), index, 0.0, axis), axis=axis, keepdims=True)
    return Normaliser(peak, rest), d


def exact_normaliser(xp: Namespace, logits: Array, axis: int) -> tuple[Normaliser, Array, Array]:
    """Return the same from exact differences, and the exponentials e · (1 + what d lacks)."""
    index = xp.first_peak(logits, axis)
    peak = xp.pick(logits, index, axis)
    d = xp.shifted(logits, peak)
    e = xp.exp(d)
    e = e + e * lost_below(xp, logits, peak, d)
    rest = xp.sum(xp.put(e + 0, index, 0.0, axis), axis=axis, keepdims=True)
    return Normaliser(peak, rest), d, e


def merge_normalisers(xp: Namespace, a: Normaliser, b: Normaliser) -> Normaliser:
    """Return the normaliser of a row from those of its halves; the lower peak joins the rest.

    By exact differences: they are one per row here, and cost nothing.
    """
    peak = xp.maximum(a.peak, b.peak)
    downs = [(x.peak, xp.shifted(x.peak, peak)) for x in (a, b)]
    fa, fb = (xp.exp(d) * (1 + lost_below(xp, x, peak, d)) for x, d in downs)
    return Normaliser(peak, a.rest * fa + b.rest * fb + xp.minimum(fa, fb))


def is_lost(xp: Namespace, peak: Array, total: Array) -> Array:
    """Whether a row has no limit (R5): all its logits are −inf, or the sum counts two of +inf."""
    return xp.isinf(peak) & ((peak < 0) | (total > 1))


def limited(xp: Namespace, softmax: Normaliser) -> Array:
    """Return the normaliser's rest, NaN where the row has no limit."""
    lost = is_lost(xp, softmax.peak, 1 + softmax.rest)
    return xp.where(lost, xp.full_like(softmax.rest, xp.nan), softmax.rest)


def root(xp: Namespace, d: Array) -> Array:
    """Return exp(d / 2), half of a product ``e · x`` that is taken in two steps, (root · x) · root.

    Where e = exp d is subnormal it has lost its digits before x, which may be large, multiplies it.
    """
    r: Array = xp.exp(d / 2)
    return r


# --- the logistic function ---


def sigmoid(xp: Namespace, z: Array) -> Array:
    """Return 1 / (1 + e⁻ᶻ), from e^−|z| so that nothing overflows.

    Without a ``where``, which takes ten times an exponential where the signs are mixed.
    """
    below = xp.astype(z < 0, z.dtype)
    e = xp.exp((2 * below - 1) * z)
    return (below * e + (1 - below)) / (1 + e)


def softplus(xp: Namespace, z: Array) -> Array:
    """Return log(1 + eᶻ) as max(z, 0) + log1p(e^−|z|)."""
    return xp.where(z < 0, xp.zeros_like(z), z) + xp.log1p(xp.exp(-magnitude(xp, z)))


# --- the softmax itself ---


def softmax(xp: Namespace, logits: Array, axis: int) -> Array:
    """Return exp(z − peak) / (1 + rest)."""
    s, d = normaliser(xp, logits, axis)
    return xp.exp(d) / (1 + limited(xp, s))


def softmax_and_complement(xp: Namespace, logits: Array, axis: int) -> tuple[Array, Array]:
    """Return the softmax a, and 1 − a: at the peak rest / (1 + rest)."""
    s, d = normaliser(xp, logits, axis)
    rest = limited(xp, s)
    a = xp.exp(d) / (1 + rest)
    index = xp.first_peak(logits, axis)
    return a, xp.put(1 - a, index, rest / (1 + rest), axis)
