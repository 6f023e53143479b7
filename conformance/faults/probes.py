"""Calls of many kinds, edges among them, that tell a fault that changes a number from one that does not.

No value is expected of them: what the formulas return is compared with what those with a fault return. The
options of a function are read from its signature, so that a new one is probed without a word here.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from conformance.call import called
from conformance.case import Case
from conformance.exact import FORMATS
from conformance.faults.arrays import WIDTH, calls

#: ULP by which two roundings of one number may differ: the goal of a gradient, once for each of them.
ROUNDING = 16
#: What is tried of an option that is a number or a word, one at a time.
TRIED: dict[str, tuple[Any, ...]] = {
    "base": (2,), "label_smoothing": (0.1, 1.0), "softcap": (5.0,), "z_loss": (0.01,),
    "reduction": ("sum", "mean"),
    "temperature": (0.5,), "gamma": (0.0, 0.5, 1.0, 3.5), "q": (0.0, 0.3, 1.0),
    "epsilon": (-1.0, 2.5), "alpha": (0.25,), "beta": (0.0, 0.3, 1.0), "skew": (0.25, 1.0),
    "reverse": (True,),
    "gamma_negative": (0.0, 1.5), "gamma_positive": (1.0, 2.5), "margin": (0.0, 0.4), "ignore_index": (1,),
    "chunk_bytes": (64,), "sequence_axis": (0,),
    "order": (0.0, 0.25, 0.999999, 1.0, 1.000001, 2.0, 3.5, np.inf),
}  # fmt: skip
NEEDED = {
    "order": 0.5,
    "temperature": 0.25,
    "scale": 3.0,
    "bias": -1.0,
    "smoothing": 0.1,
    "num_classes": WIDTH,
}
#: What no formula but the weights of rows, their sum and a factor depend on.
OF_ROWS = (
    "base",
    "reduction",
    "sample_weight",
    "where",
    "ignore_index",
    "label_smoothing",
    "softcap",
)


class Probe(NamedTuple):
    """A call: the function and what is made of it, its arrays and its options."""

    case: Case
    arrays: Mapping[str, Any]

    def __str__(self) -> str:
        name, quantity, options = self.case.function, self.case.quantity, dict(self.case.options)
        return f"{name}({', '.join(self.arrays)}) {quantity} {options}"

    def results(self, implementation: Any) -> Any:
        """Return the results, or the name of what was raised."""
        try:
            return [np.array(x) for x in called(self.case, implementation, self.arrays)]
        except Exception as error:
            return type(error).__name__


def differ(a: Any, b: Any) -> bool:
    """Whether two results of a probe differ by more than their roundings."""
    if isinstance(a, str) or isinstance(b, str):
        return type(a) is not type(b) or (isinstance(a, str) and a != b)
    return len(a) != len(b) or any(_apart(x, y) for x, y in zip(a, b, strict=True))


def _apart(a: Any, b: Any) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return True
    if a.dtype.kind != "f":
        return not np.array_equal(a, b)
    with np.errstate(all="ignore"):
        near = np.abs(a - b) <= ROUNDING * np.spacing(np.minimum(np.abs(a), np.abs(b)))
    return not np.all(near | (a == b) | (np.isnan(a) & np.isnan(b)))


def probes(implementation: Any, seed: int = 0) -> Iterator[Probe]:
    """Yield, in any order, the probes of every function that is listed and whose arguments are known."""
    rng = np.random.default_rng(seed)
    every = list(_probes(implementation, rng))
    yield from (every[i] for i in rng.permutation(len(every)))


def _probes(implementation: Any, rng: Any) -> Iterator[Probe]:
    for name in implementation.__all__:
        function = getattr(implementation, name)
        if inspect.isfunction(function) and "categorical" not in name:  # which are other names
            taken = inspect.signature(function).parameters
            for arrays in calls(rng, name, taken):
                yield from _varied(rng, name, taken, arrays)


def _varied(
    rng: Any, name: str, taken: Mapping[str, Any], arrays: Mapping[str, Any]
) -> Iterator[Probe]:
    """Yield one call with each of its options by itself."""
    given = {key: NEEDED[key] for key, x in taken.items() if key in NEEDED and x.default is x.empty}
    given = {key: x for key, x in given.items() if key not in arrays}
    if "reduction" in taken and name not in ("contrastive_loss", "sigmoid_contrastive_loss"):
        given["reduction"] = "none"
    rows = next(iter(arrays.values())).shape[0]
    shape = arrays["target"].shape if "target" in arrays else (rows,)
    shape = shape if "binary" in name or name == "asymmetric_loss" else shape[:1]
    extra = {
        "sample_weight": rng.choice([0.0, 0.5, 2.0], shape),
        "where": rng.random(shape) < 0.7,
        "class_weight": np.array([0.0, 0.5, 1.0, 3.0]),
        "pos_weight": 2.5,
    }
    options = [{}, *({key: value} for key in taken for value in TRIED.get(key, ())),
               *({key: extra[key]} for key in taken if key in extra)]  # fmt: skip
    for option in options:
        numbers = {k: v for k, v in {**given, **option}.items() if not isinstance(v, np.ndarray)}
        more = {k: v for k, v in option.items() if isinstance(v, np.ndarray)}
        for quantity, dtype in _kinds(option):
            cast = {k: _as(v, dtype) for k, v in {**arrays, **more}.items()}
            yield Probe(_case(name, quantity, numbers), cast)


def _kinds(option: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the quantities and dtypes in which a call with an option is made."""
    kinds = [("value", "float64"), ("gradient", "float64")]
    if not set(option) & set(OF_ROWS):
        kinds += [("diagonal", "float64"), ("parts", "float64")]
    return kinds if option else [*kinds, ("value", "float32"), ("gradient", "float32")]


def _as(x: Any, dtype: str) -> Any:
    return x.astype(dtype) if x.dtype.kind == "f" else x


def _case(name: str, quantity: str, options: Mapping[str, Any]) -> Case:
    return Case("probe", name, {}, tuple(FORMATS), {}, ROUNDING, {}, quantity, options)
