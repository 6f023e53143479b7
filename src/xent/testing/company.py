"""Laws of good company: dtypes, libraries, inputs that stay as they are, errors, linear heads."""

from __future__ import annotations

from typing import Any

import numpy as np

import xent
from xent import _dtype
from xent.testing.case import CLASSES, ROWS, Case, narrowed
from xent.testing.compare import MODERATE, alike, largest, law, near, require


@law()
def halves(lib: Any, case: Case) -> None:
    """Half precision is computed in float32, and the gradient rounded once."""
    given = case.draw(seed=40)
    for dtype in lib.halves:
        arrays = lib.arrays(given)
        arrays[case.form] = lib.half(given[case.form], dtype)
        value, gradient = case.both(**arrays)
        rounded = narrowed({**given, case.form: _plain(lib, arrays[case.form])})
        wanted = lib.run(case.both, **rounded)
        require(
            lib.dtype_of(gradient) == dtype, f"the gradient of {dtype} is {lib.dtype_of(gradient)}"
        )
        one = _dtype.EPS[dtype] * 2.0**23
        if lib.dtype_of(value) == "float32":
            near(f"the value of {dtype}", lib.numbers(value), wanted[0])
        else:  # as a link's
            require(lib.dtype_of(value) == dtype, f"the loss of {dtype} is {lib.dtype_of(value)}")
            near(f"the value of {dtype}", _plain(lib, value), wanted[0], one)
        with np.errstate(over="ignore"):
            beyond = np.isinf(_plain(lib, lib.half(wanted[1], dtype)))
        g = np.where(beyond, np.copysign(np.inf, wanted[1]), wanted[1])
        near(f"the gradient of {dtype}", _plain(lib, gradient), g, one, scale=largest(g))


def _plain(lib: Any, x: Any) -> Any:
    return lib.numbers(lib.float32(x) if hasattr(lib, "float32") else x).astype(np.float32)


@law()
def library(lib: Any, case: Case) -> None:
    """The result has the library and the device of what was given, which is not written to."""
    arrays = lib.arrays(case.draw(seed=41))
    before = {k: np.array(lib.numbers(x)) for k, x in arrays.items()}
    made = case.both(**arrays)
    for what, x in zip(("value", "gradient"), made, strict=True):
        require(lib.owns(x), f"the {what} is a {type(x).__module__}.{type(x).__qualname__}")
        place, wanted = lib.place_of(x), lib.place_of(arrays[case.form])
        require(place == wanted, f"the {what} is on {place}, not on {wanted}")
    for name, x in before.items():
        near(f"{name}, after the call,", lib.numbers(arrays[name]), x, 0)


@law(of=("numpy",))
def read_only(lib: Any, case: Case) -> None:
    """Arrays that can't be written to, or lie in steps, are taken."""
    given = case.draw(seed=42)
    wanted = case.both(**given)
    for x in given.values():
        x.flags.writeable = False
    strided = {k: np.repeat(x, 2, axis=-1)[..., ::2] for k, x in given.items()}
    for what, there in (("read-only", given), ("strided", strided)):
        got = case.both(**there)
        alike(got, wanted, 4, word=f" of {what} arrays")


@law()
def errors(lib: Any, case: Case) -> None:
    """What cannot be meant raises an error that names the argument."""
    given = case.draw(seed=43)
    ints = {**given, case.form: np.ones((ROWS, CLASSES), int)}
    _raises(lib, case, ints, TypeError, case.form, "an integer prediction")
    _raises(lib, case, {**given, "reductoin": "sum"}, TypeError, "reductoin", "an unknown option")
    if case.each:
        _raises(
            lib, case, {**given, "reduction": "avg"}, ValueError, "reduction", "reduction='avg'"
        )
    if case.kind == "nothing":
        return
    short = {**given, case.target: given[case.target][:2]}
    _raises(lib, case, short, ValueError, case.target, "a target of another shape")
    if case.by_label and lib.name not in ("dask", "cupy"):
        wrong = {**given, case.target: np.asarray([0, CLASSES, 1])}
        _raises(lib, case, wrong, ValueError, str(CLASSES), "a label out of range")


def _raises(
    lib: Any, case: Case, given: dict[str, Any], kind: type[Exception], name: str, what: str
) -> None:
    try:
        lib.run(case.function, **given)
    except kind as error:
        require(name in str(error), f"the error for {what} does not name {name}: {error}")
        return
    raise AssertionError(f"{what} raises no {kind.__name__}")


@law(lambda case: case.form == "logits" and {"target", "validate"} <= set(case.names))
def head(lib: Any, case: Case) -> None:
    """The loss of a linear head is that of its product, in value and gradients, chunk by chunk."""
    random = np.random.default_rng(44)
    given = case.draw(seed=44)
    del given[case.form]
    x, weight, bias = (random.uniform(-1, 1, n) for n in ((ROWS, 2), (CLASSES, 2), (CLASSES,)))
    z = x @ weight.T + bias
    wanted, g = case.both(**given, logits=z)
    value_and_grad: Any = xent.value_and_grad(xent.linear_head(case.loss))
    first = {"target": None, **given} if "target" not in given else given

    def both(**arrays: Any) -> Any:
        value, g = value_and_grad(**arrays, **case.parameters, chunk_bytes=64)
        return (value, *g)

    got = lib.run(both, **first, features=x, weight=weight, bias=bias)
    near("the value", got[0], wanted, MODERATE, scale=np.max(np.abs(wanted)))
    for name, mine, right in zip(
        ("features", "weight", "bias"), got[1:], (g @ weight, g.T @ x, g.sum(axis=0)), strict=True
    ):
        scale = np.max(np.abs(g)) * ROWS
        near(f"the gradient of {name}", mine, right, MODERATE, scale=scale)
