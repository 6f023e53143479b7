"""Numbers as options and parameters: what each takes, and what is handed on."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any

from xent import _dispatch, _dtype
from xent._check import arguments
from xent._namespace import Sight
from xent._typing import Number

Rule = tuple[str, Callable[[float], bool]]


_SHARE = ("a number in [0, 1]", lambda n: 0 <= n <= 1)


# By a smaller one every logit but 0 becomes infinite, and a row with two infinite ones is NaN.
DIVISOR: Rule = (
    "a positive number, and not one so small that 1 over it is no number",
    lambda n: 0 < n < math.inf and 1 / n < math.inf,
)


_AT_LEAST_0 = ("a number that is not negative", lambda n: n >= 0)


_POWER = ("a finite number that is not negative", lambda n: 0 <= n < math.inf)


# Not by math.isfinite, which torch.compile does not follow.
FINITE: Rule = ("a finite number", lambda n: -math.inf < n < math.inf)


_RULES: dict[str, Rule] = {
    **dict.fromkeys(("label_smoothing", "smoothing", "alpha", "beta", "q", "skew"), _SHARE),
    "base": ("any positive number but 1, or None for nats", lambda n: 0 < n < math.inf and n != 1),
    "softcap": ("a positive number", lambda n: 0 < n < math.inf),
    "temperature": DIVISOR,
    **dict.fromkeys(("z_loss", "atol", "order"), _AT_LEAST_0),
    **dict.fromkeys(("gamma", "gamma_negative", "gamma_positive"), _POWER),
    "epsilon": FINITE,
    "margin": ("a number in [0, 1), 1 left out", lambda n: 0 <= n < 1),
}
"""Of each option and parameter that is a number what it takes, in words and as a predicate."""


def is_array(number: Any) -> bool:
    """Whether a number is an array, whose library counts; a compiler's symbol of a number is none."""
    return not isinstance(number, Real) and hasattr(number, "shape")


def number(name: str, x: Any, form: str = "logits", rule: Rule | None = None) -> Number:
    """Return an option as a float; an array as it is, as its value may have to be waited for."""
    if form != "logits" and name in ("softcap", "temperature", "z_loss"):
        raise ValueError(f"{name} acts on logits; the prediction was given as {form}")
    if isinstance(x, Real) and not isinstance(x, bool):
        takes, holds = rule or _RULES[name]
        try:
            plain = float(x)
        except OverflowError:  # of an int or a fraction beyond all floats, which no rule takes
            plain = math.nan
        if not holds(plain):
            raise ValueError(f"{name} is {arguments.shown(x)}; it takes {takes}")
        return plain
    if getattr(x, "shape", None) == () and (_dtype.is_floating(x) or _dtype.is_integer(x)):
        if type(x).__module__ == "numpy":
            return number(name, x.item(), form, rule)
        return looked_at(name, undifferentiated(name, x), rule)
    raise TypeError(f"{name} is {type(x).__qualname__}; it takes a number")


def looked_at(name: str, x: Any, rule: Rule | None = None) -> Any:
    """Return a number that is an array, which is checked where its value can be read."""
    if _dispatch.engine_of(name, x).sight([x]) is Sight.READABLE:
        number(name, x.item() if hasattr(x, "item") else float(x), rule=rule)
    return x


_LEAST, _MOST = 2.0**-126, 2.0**128 - 2.0**103
"""The least number that every device holds in float32, and the least that it rounds to ∞."""


def held(name: str, x: Any, dtype: Any) -> None:
    """Raise for a number that is computed with in float32, as logits of ``dtype`` are, and is none there.

    Or is 0, of those that divide. Half precision is computed in float32 too.
    """
    if not isinstance(x, float) or _dtype.name(dtype) == "float64":
        return
    if abs(x) >= _MOST or (name in ("softcap", "temperature") and x < _LEAST):
        raise ValueError(
            f"{name} is {arguments.shown(x)}; it is computed with in float32, which holds 1.2e-38 to 3.4e38"
        )


def operand(x: Any) -> Number:
    """Return a parameter of a kernel as a float: NumPy's numbers would decide the dtype of the result."""
    if isinstance(x, Real):
        return float(x)
    if type(x).__module__ == "numpy" and x.shape == ():
        return x.item()
    return undifferentiated("a kernel's parameter", x)


def undifferentiated(name: str, x: Any) -> Any:
    """Return ``x``, of which no derivative is asked for by autograd: none would reach it."""
    if getattr(x, "requires_grad", False):
        instead = ", or divide the logits by it" if name == "temperature" else ""
        raise TypeError(
            f"{name} requires a gradient, and a number has none here; detach it{instead}"
        )
    return x
