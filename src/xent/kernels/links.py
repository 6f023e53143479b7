"""From logits to probabilities, their logarithms and their normaliser.

They have no target. Those that give one number for each element return its gradient by the product
of their Jacobian and ``w``, which has the shape of the logits.
"""

from __future__ import annotations

from math import inf
from typing import Any, ClassVar

from xent import _math as m
from xent import _series as series
from xent._elementary import LOGSUMEXP, LogSumExp
from xent._kernel import Kernel
from xent._typing import Array, Verbs


class LogSumExpSquared(LogSumExp):
    """The square of the logarithm of the sum, which z-loss adds to a row.

    It keeps the logits from drifting (Chowdhery et al., PaLM, 2022, section 5). Statistics and merge are
    those of the logarithm.
    """

    def value(self, xp: Verbs, s: m.Normaliser) -> Array:
        """Return (log Σₖ exp zₖ)²."""
        lse = super().value(xp, s)
        return lse * lse

    def gradient(
        self,
        xp: Verbs,
        logits: Array,
        target: None,
        s: m.Normaliser,
        made: Any,
        w: Array,
        axis: int,
    ) -> Array:
        """Return 2 · logsumexp · softmax, of which the first product may be more than any number."""
        w = m.scaled(xp, 2 * w, super().value(xp, s))
        return super().gradient(xp, logits, None, s, made, w, axis)


def softmax_and_complement(xp: Verbs, logits: Array, axis: int) -> tuple[Array, Array]:
    """Return the softmax a, and 1 − a: at the peak rest / (1 + rest)."""
    s, _, e = m.exponentiated(xp, logits, axis)
    rest = m.limited(xp, s)
    a = e / (1 + rest)
    return a, xp.put(1 - a, s.place, rest / (1 + rest), axis)


class Softmax(Kernel):
    """The softmax of a row, a = exp(z) / Σ exp z.

    Its Jacobian is aᵢ (δᵢⱼ − aⱼ), symmetric, and so the same for both modes of differentiation.
    """

    shape = "block"
    merges = False

    def measure(self, xp: Verbs, logits: Array, target: None, axis: int) -> tuple[Array, Any]:
        """Return exp(z − peak) / (1 + rest), and the peak's place, an index where a gradient takes it."""
        s, _, e = m.exponentiated(xp, logits, axis)
        return e / (1 + m.limited(xp, s)), s.place

    def gradient(
        self, xp: Verbs, logits: Array, target: None, a: Array, made: Any, w: Array, axis: int
    ) -> Array:
        """Return a (v − Σ a v), v = w − w_peak: constants, which softmax does not feel, drop exactly.

        Where no class has half of the mass w_peak may be larger than all that is left: there v counts
        from the mean Σ a w, and what that was rounded by is small the second time.
        """
        index = xp.first_peak(logits, axis) if made is None else made
        w_peak, a_peak = xp.pick(w, index, axis), xp.pick(a, index, axis)
        mean = xp.sum(a * (w - w_peak), axis=axis, keepdims=True)
        v = w - (w_peak + xp.where(a_peak < 0.5, mean, xp.zeros_like(mean)))
        return a * (v - xp.sum(a * v, axis=axis, keepdims=True))


class LogSoftmax(Kernel):
    """The logarithm of the softmax of a row, z − peak − log1p(rest).

    At the peak it is −log1p(rest), as small as it should be of a row that is nearly certain.
    """

    shape = "block"
    merges = False

    def measure(self, xp: Verbs, logits: Array, target: None, axis: int) -> tuple[Array, Any]:
        """Return z − peak − log1p(rest), and what it is made of."""
        made = m.exponentiated(xp, logits, axis)
        return made[1] - xp.log1p(m.limited(xp, made[0])), made

    def gradient(
        self, xp: Verbs, logits: Array, target: None, s: Array, made: Any, w: Array, axis: int
    ) -> Array:
        """Return w − a Σ w as w (1 − a) − a (Σ w − w), which the peak's own w does not drown.

        Among classes that are nearly tied, as ((K v − Σ v) + (w Σ E − E Σ w)) / Z with v = w − Σ w / K,
        E = expm1 d, Z = Σ exp d: of what equal classes have in common nothing is left in it. Which of
        the two is taken depends on the logits alone: a derivative is linear in w.

        What is left are the roundings of a and of two products, κ times over: two units, as anywhere. To
        take the products in two parts would double the operations.
        """
        softmax, d, e = m.exponentiated(xp, logits, axis) if made is None else made
        rest, size = m.limited(xp, softmax), logits.shape[axis]
        a = e / (1 + rest)
        # In this order: transposed, for forward mode, a w and − Σ a w meet before the rest is added.
        own = w * xp.put(1 - a, softmax.place, rest / (1 + rest), axis)
        all_w = xp.sum(w, axis=axis, keepdims=True)
        far = own - a * (all_w - w)

        def tied() -> Array:
            excess, v = xp.expm1(d), w - all_w / size
            even = size * v - xp.sum(v, axis=axis, keepdims=True)
            beside = w * xp.sum(excess, axis=axis, keepdims=True) - excess * all_w
            return xp.where(excess > -0.5, (even + beside) / (1 + rest), far)

        return series.chosen(xp, 1 + rest > 0.75 * size, tied, lambda: far)


class Sigmoid(Kernel):
    """The logistic function of each element, σ(z) = 1 / (1 + e⁻ᶻ), 0 at −inf and 1 at +inf."""

    shape = "element"

    def measure(self, xp: Verbs, logits: Array, target: None, axis: int) -> tuple[Array, None]:
        """Return σ(z), from e^−|z|."""
        return _sigmoid(xp, logits), None

    def gradient(
        self, xp: Verbs, logits: Array, target: None, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return σ(z) σ(−z), which is σ (1 − σ) without the difference.

        For |z| < 1 it is (1 − tanh²(z/2))/4, whose derivative is −tanh(z/2) times itself; that of the product
        would be a difference of two products that are nearly equal.
        """
        size = xp.abs(logits)
        # Clipped only where the other branch is taken: at the bound itself a derivative is halved.
        t = xp.tanh(xp.clip(logits, -2.0, 2.0) / 2)
        e = xp.exp(-size)  # not clipped, as a NaN would have a derivative of 0
        return w * xp.where(size < 1, (1 - t * t) / 4, e / ((1 + e) * (1 + e)))


class LogSigmoid(Kernel):
    """The logarithm of the logistic function of each element, log σ(z) = −log(1 + e⁻ᶻ).

    It is z where z is far below 0, and −e⁻ᶻ far above, to all digits: log(σ(z)) would be −inf and 0.
    """

    shape = "element"

    def measure(self, xp: Verbs, logits: Array, target: None, axis: int) -> tuple[Array, None]:
        """Return −log(1 + e⁻ᶻ) as min(z, 0) − log1p(e^−|z|)."""
        return 0 - m.softplus(xp, -logits), None

    def gradient(
        self, xp: Verbs, logits: Array, target: None, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return σ(−z)."""
        return w * _sigmoid(xp, -logits)


def _sigmoid(xp: Verbs, z: Array) -> Array:
    """Return 1 / (1 + e⁻ᶻ), from e^−|z| so that nothing overflows.

    Without a ``where``, which takes ten times an exponential where the signs are mixed.
    """
    below = xp.astype(z < 0, z.dtype)
    e = xp.exp((2 * below - 1) * z)
    return (below * e + (1 - below)) / (1 + e)


LOGSUMEXP_SQUARED = LogSumExpSquared()
SOFTMAX, LOG_SOFTMAX = Softmax(), LogSoftmax()
SIGMOID, LOG_SIGMOID = Sigmoid(), LogSigmoid()


class Among(Kernel):
    """A link of the classes that a mask keeps, its target; the others are as if they were not there.

    It stands before the link among what a kernel inherits from.

    Attributes
    ----------
    out : the value of a class that is out, where each class has one
    """

    out: ClassVar[float]

    def measure(self, xp: Verbs, logits: Array, target: Any, axis: int) -> tuple[Any, Any]:
        """Return the statistics of logits that are −inf where they are out."""
        s, made = super().measure(xp, xp.where(target, logits, -xp.inf), None, axis)
        return (xp.where(target, s, self.out) if self.shape == "block" else s), made

    def gradient(
        self, xp: Verbs, logits: Array, target: Any, s: Any, made: Any, w: Array, axis: int
    ) -> Array:
        """Return the link's, 0 where a class is out; of the value that it has there nothing is a function."""
        w = xp.where(target, w, 0.0) if self.shape == "block" else w
        logits = xp.where(target, logits, -xp.inf)
        g: Array = super().gradient(xp, logits, None, s, made, w, axis)
        return xp.where(target, g, 0.0)


class SoftmaxAmong(Among, Softmax):
    """The softmax of some classes, 0 of the others."""

    out = 0.0


class LogSoftmaxAmong(Among, LogSoftmax):
    """The logarithm of the softmax of some classes, −inf of the others."""

    out = -inf


class LogSumExpAmong(Among, LogSumExp):
    """The logarithm of the sum of the exponentials of some classes, −inf of none."""


AMONG: dict[Kernel, Kernel] = {
    SOFTMAX: SoftmaxAmong(),
    LOG_SOFTMAX: LogSoftmaxAmong(),
    LOGSUMEXP: LogSumExpAmong(),
}
"""Of each link that of some classes."""
