"""From logits to probabilities, their logarithms and their normaliser."""

from __future__ import annotations

from xent import _math as m
from xent._kernel import Kernel, add, itself
from xent._typing import Array, Namespace

# --- logsumexp ---


def _value_logsumexp(xp: Namespace, s: m.Normaliser) -> Array:
    """Return peak + log1p(rest); an infinite peak is the result itself (R5)."""
    return s.peak + xp.where(xp.isinf(s.peak), xp.zeros_like(s.rest), xp.log1p(s.rest))


def _measure_logsumexp(xp: Namespace, logits: Array, target: None, axis: int) -> m.Normaliser:
    return m.normaliser(xp, logits, axis)[0]


def _gradient_logsumexp(
    xp: Namespace, logits: Array, target: None, s: m.Normaliser, w: Array, axis: int
) -> Array:
    """Return the softmax."""
    e = xp.exp(xp.shifted(logits, s.peak))
    return e * (w / (1 + m.limited(xp, s)))


LOGSUMEXP = Kernel(_measure_logsumexp, m.merge_normalisers, _value_logsumexp, _gradient_logsumexp)

# --- its square, which z-loss adds to a row ---


def _value_squared(xp: Namespace, s: m.Normaliser) -> Array:
    lse = _value_logsumexp(xp, s)
    return lse * lse


def _gradient_squared(
    xp: Namespace, logits: Array, target: None, s: m.Normaliser, w: Array, axis: int
) -> Array:
    """Return 2 · logsumexp · softmax."""
    w = m.scaled(xp, w, 2 * _value_logsumexp(xp, s))
    return _gradient_logsumexp(xp, logits, None, s, w, axis)


LOGSUMEXP_SQUARED = Kernel(
    _measure_logsumexp, m.merge_normalisers, _value_squared, _gradient_squared
)

# --- softmax and its logarithm ---


def _measure_softmax(xp: Namespace, logits: Array, target: None, axis: int) -> Array:
    return m.softmax(xp, logits, axis)


def _gradient_softmax(
    xp: Namespace, logits: Array, target: None, a: Array, w: Array, axis: int
) -> Array:
    """Return a (v − Σ a v), v = w − w_peak: constants, which softmax does not feel, drop exactly.

    Where no class has half of the mass w_peak may be larger than all that is left: there v counts
    from the mean Σ a w, and what that was rounded by is small the second time.
    """
    index = xp.first_peak(logits, axis)
    w_peak, a_peak = xp.pick(w, index, axis), xp.pick(a, index, axis)
    mean = xp.sum(a * (w - w_peak), axis=axis, keepdims=True)
    v = w - (w_peak + xp.where(a_peak < 0.5, mean, xp.zeros_like(mean)))
    return a * (v - xp.sum(a * v, axis=axis, keepdims=True))


SOFTMAX = Kernel(_measure_softmax, add, itself, _gradient_softmax, shape="block")


def _measure_log_softmax(xp: Namespace, logits: Array, target: None, axis: int) -> Array:
    softmax, d = m.normaliser(xp, logits, axis)
    return d - xp.log1p(m.limited(xp, softmax))


def _gradient_log_softmax(
    xp: Namespace, logits: Array, target: None, s: Array, w: Array, axis: int
) -> Array:
    """Return w − a Σ w as w (1 − a) − a (Σ w − w), which the peak's own w does not drown.

    Among classes that are nearly tied, as ((K v − Σ v) + (w Σ E − E Σ w)) / Z with v = w − Σ w / K,
    E = expm1 d, Z = Σ exp d: of what equal classes have in common nothing is left in it. Which of
    the two is taken depends on the logits alone: a derivative is linear in w.

    What is left are the roundings of a and of two products, κ times over: two units, as anywhere. To
    take the products in two parts would double the operations.
    """
    softmax, d = m.normaliser(xp, logits, axis)
    rest, index, size = m.limited(xp, softmax), xp.first_peak(logits, axis), logits.shape[axis]
    a, excess = xp.exp(d) / (1 + rest), xp.expm1(d)
    # In this order: transposed, for forward mode, a w and − Σ a w meet before the rest is added.
    own = w * xp.put(1 - a, index, rest / (1 + rest), axis)
    all_w, all_excess = (xp.sum(x, axis=axis, keepdims=True) for x in (w, excess))
    v = w - all_w / size
    even = size * v - xp.sum(v, axis=axis, keepdims=True)
    tied = (even + (w * all_excess - excess * all_w)) / (1 + rest)
    near = (excess > -0.5) & (all_excess > -0.25 * size)
    return xp.where(near, tied, own - a * (all_w - w))


LOG_SOFTMAX = Kernel(_measure_log_softmax, add, itself, _gradient_log_softmax, shape="block")

# --- the logistic function and its logarithm ---


def _measure_sigmoid(xp: Namespace, logits: Array, target: None, axis: None) -> Array:
    return m.sigmoid(xp, logits)


def _gradient_sigmoid(
    xp: Namespace, logits: Array, target: None, s: Array, w: Array, axis: None
) -> Array:
    return w * (m.sigmoid(xp, logits) * m.sigmoid(xp, -logits))


SIGMOID = Kernel(_measure_sigmoid, add, itself, _gradient_sigmoid, shape="element")


def _measure_log_sigmoid(xp: Namespace, logits: Array, target: None, axis: None) -> Array:
    return 0 - m.softplus(xp, -logits)


def _gradient_log_sigmoid(
    xp: Namespace, logits: Array, target: None, s: Array, w: Array, axis: None
) -> Array:
    return w * m.sigmoid(xp, -logits)


LOG_SIGMOID = Kernel(_measure_log_sigmoid, add, itself, _gradient_log_sigmoid, shape="element")
