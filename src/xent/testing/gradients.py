"""Laws of gradients: central differences of the value, in float64, extrapolated once."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from xent.testing.case import Case, narrowed
from xent.testing.compare import MODERATE, close, has_rows, largest, law, near, require

STEP = 1e-3
ACCURACY = 1e-8
"""Relative to the largest entry of a row: STEP⁴ of truncation, and eps / STEP of rounding."""


def differences(function: Callable[[Any], Any], x: Any) -> Any:
    """Return the derivative of a sum of values with respect to each entry of ``x``.

    All rows at once where each has its value, and so no entry of another matters.
    """

    def rows(y: Any) -> Any:
        made = np.asarray(function(y))
        return made if made.ndim < 2 else made.sum(axis=-1)

    with np.errstate(all="ignore"):  # of what a wrong loss makes
        if np.shape(function(x))[:1] == x.shape[:1] and x.ndim == 2:
            columns = [_along(rows, x, (slice(None), k)) for k in range(x.shape[1])]
            return np.stack(columns, axis=-1)
        each = [_along(rows, x, i).sum() for i in np.ndindex(x.shape)]
        return np.asarray(each).reshape(x.shape)


def _along(function: Callable[[Any], Any], x: Any, at: Any) -> Any:
    """Return the derivative along the entries at a place, by differences that are extrapolated once."""
    h = STEP * np.minimum(1.0, np.abs(x[at]))

    def value(k: int) -> Any:
        y = x.copy()
        y[at] += k * h
        return function(y)

    return (8 * (value(1) - value(-1)) - (value(2) - value(-2))) / (12 * h)


def settings(case: Case) -> list[dict[str, Any]]:
    """Return the options that a gradient is tried with: the default, rows, all."""
    every = case.options()
    tried = [case.each, {k: x for k, x in every.items() if k != "where"}, every, {}]
    return [x for i, x in enumerate(tried) if x not in tried[:i]]


def said(options: dict[str, Any]) -> str:
    """Return options in words: arrays by their names, numbers with them."""
    words = (k if isinstance(x, np.ndarray) else f"{k}={x!r}" for k, x in options.items())
    return f" with {', '.join(words)}" if options else ""


@lru_cache(maxsize=256)
def expected(case: Case, setting: int) -> Any:
    """Return arguments, value and gradient by differences, on NumPy."""
    given, options = case.draw(seed=20), settings(case)[setting]
    x = given[case.form]

    def function(y: Any) -> Any:
        return case.function(**{**given, case.form: y}, **options)

    return {**given, **options}, np.asarray(function(x)), differences(function, x)


def hold(what: str, gradient: Any, wanted: Any, value: Any) -> None:
    """Raise unless a gradient is the wanted one."""
    scale = np.maximum(largest(wanted), np.max(np.abs(value)))
    close(what, gradient, wanted, ACCURACY, scale=scale)


@law()
def gradient(lib: Any, case: Case) -> None:
    """The gradient is the derivative of the value."""
    for i, options in enumerate(settings(case)):
        given, value, wanted = expected(case, i)
        got = lib.run(case.both, **given)
        word = said(options)
        close(f"the value{word}", got[0], value, 1e-13, scale=np.max(np.abs(value)))
        hold(f"the gradient{word}", got[1], wanted, value)


@law()
def narrow(lib: Any, case: Case) -> None:
    """The gradient in float32 is that in float64, and of its dtype."""
    given = narrowed(case.draw(seed=21))
    wide = {k: x.astype(np.float64) if x.dtype.kind == "f" else x for k, x in given.items()}
    got, wanted = lib.run(case.both, **given), lib.run(case.both, **wide)
    require(got[1].dtype == np.float32, f"the gradient of a float32 prediction is {got[1].dtype}")
    scale = np.maximum(largest(wanted[1]), np.max(np.abs(wanted[0])))
    near("the gradient in float32", got[1], wanted[1], MODERATE, scale=scale)


@law(has_rows)
def pulled(lib: Any, case: Case) -> None:
    """What multiplies a row's value multiplies its gradient, whatever its sign."""
    given = case.draw(seed=26)
    value, wanted = lib.run(case.both, **given, **case.each)
    cotangent = -(2.0 ** np.arange(np.size(value)).reshape(np.shape(value)))
    got = lib.run(case.pulled, **given, **case.each, cotangent=cotangent)[1]
    w = cotangent if case.elementwise else cotangent[:, None]
    near("the gradient times a negative number", got, w * wanted, 4, scale=largest(w * wanted))


@law(has_rows, of=("numpy",))
def curvature(lib: Any, case: Case) -> None:
    """The second derivative is symmetric, and that of `xent.hvp`."""
    given = case.draw(seed=22)
    x = given[case.form]

    def gradient_of(y: Any) -> Any:
        return case.gradient(**{**given, case.form: y}, **case.each)

    h = _columns(gradient_of, x)
    scale = np.max(np.abs(h), axis=(-1, -2), keepdims=True) + np.max(np.abs(gradient_of(x)))
    close("∂²/∂zᵢ∂zⱼ", h, np.swapaxes(h, -1, -2), ACCURACY, scale=scale)
    v = np.linspace(-1.0, 1.0, x.size).reshape(x.shape)
    try:
        got = np.asarray(case.curved(**given, **case.each, tangent=v))
    except TypeError as error:
        require("no derivative is known" in str(error), f"it raises {error}")
        return
    wanted = np.sum(h * v[:, None, :], axis=-1)
    close("the product of `xent.hvp`", got, wanted, len(v) * ACCURACY, scale=scale[..., 0])


def _columns(function: Callable[[Any], Any], x: Any) -> Any:
    """Return the derivatives of a function of vectors along each of their entries, side by side."""
    places = [(slice(None), slice(k, k + 1)) for k in range(x.shape[-1])]
    return np.stack([_along(function, x, at) for at in places], axis=-1)


@lru_cache(maxsize=256)
def expected_hessian(case: Case) -> Any:
    """Return arguments of one row, and the second derivative of its value by differences."""
    given = case.draw(seed=23, rows=1)

    def gradient_of(y: Any) -> Any:
        return case.gradient(**{**given, case.form: y})

    x = given[case.form]
    return given, _columns(gradient_of, x)[0], gradient_of(x)


# --- what a library's autograd makes of the same call ---


@law(of=("torch", "jax"))
def autograd(lib: Any, case: Case) -> None:
    """The library's own autograd gives the gradient, backwards and forwards."""
    for i, options in [*enumerate(settings(case))][-2:]:
        given, value, wanted = expected(case, i)
        word = said(options)
        for mode, got in lib.gradients(case.function, given, case.form).items():
            hold(f"the gradient {mode}{word}", got, wanted, value)


@law(of=("torch", "jax"))
def hessian(lib: Any, case: Case) -> None:
    """The library's autograd differentiates the gradient."""
    given, wanted, gradient_of = expected_hessian(case)
    got = lib.hessian(case.function, given, case.form)
    scale = np.max(np.abs(wanted)) + np.max(np.abs(gradient_of))
    close("∂²/∂zᵢ∂zⱼ", got, wanted, ACCURACY, scale=scale)


@law(lambda case: case.kind in ("distributions", "target_logits", "binary"), of=("torch", "jax"))
def target(lib: Any, case: Case) -> None:
    """The library's autograd differentiates the target, or says that it cannot."""
    _of_another(lib, case, case.target)


@law(lambda case: case.takes("sample_weight"), of=("torch", "jax"))
def weights(lib: Any, case: Case) -> None:
    """The library's autograd differentiates the sample weights."""
    _of_another(lib, case, "sample_weight")


def _of_another(lib: Any, case: Case, name: str) -> None:
    given = case.draw(seed=24)
    if case.takes("sample_weight"):
        given["sample_weight"] = case.options()["sample_weight"]

    def function(x: Any) -> Any:
        return case.function(**{**given, name: x}, **({} if scalar else {"validate": False}))

    scalar = "validate" not in case.names
    wanted = differences(function, given[name])
    try:
        found = lib.gradients(case.function, given, name)
    except TypeError as error:
        require("gradient" in str(error), f"it cannot, and does not say so: {error}")
        return
    for mode, got in found.items():
        hold(f"the gradient of {name} {mode}", got, wanted, case.function(**given))
