"""A peer as a module of functions: its subjects under the names, and with the arguments, that cases have."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from conformance.accuracy.subjects import SMOOTHING
from conformance.adapters.peer import Peer

#: By function, what a call of it is about: the target's kind, the prediction's form, and the subject.
SUBJECTS: dict[str, dict[tuple[str, str], str]] = {
    "cross_entropy": {
        ("labels", "logits"): "cross entropy, labels, logits",
        ("soft", "logits"): "cross entropy, soft, logits",
        ("labels", "probs"): "cross entropy, labels, probs",
        ("soft", "probs"): "cross entropy, soft, probs",
        ("smoothed", "logits"): "cross entropy, smoothed labels",
    },
    "binary_cross_entropy": {("soft", "logits"): "BCE, soft, logits", ("soft", "probs"): "BCE, soft, probs"},
    "kl_divergence": {
        ("soft", "probs"): "KL, probs",
        ("soft", "logits"): "KL, probs from logits",
        ("soft", "log_probs"): "KL, probs from log_probs",
        ("two", "logits"): "KL, two logits",
    },
    "entropy": {("none", "probs"): "entropy, probs", ("none", "logits"): "entropy, logits"},
    "jensen_shannon_divergence": {("pair", "probs"): "JS"},
    "focal_loss": {("labels", "logits"): "focal, labels, logits"},
    "poly_loss": {("labels", "logits"): "poly, labels, logits"},
    "binary_focal_loss": {("soft", "logits"): "binary focal, logits"},
    **{
        name: {("none", "logits"): name}
        for name in ("softmax", "log_softmax", "logsumexp", "sigmoid", "log_sigmoid")
    },
}  # fmt: skip
#: Other names of a function, for one kind of target.
ALIASES = {
    "categorical_cross_entropy": "cross_entropy",
    "sparse_categorical_cross_entropy": "cross_entropy",
}
#: Options that change nothing, and those that are the loss as its paper has it.
PLAIN = {"axis": -1, "gamma": 2, "epsilon": 1, "beta": 0.5}
ELEMENTS = ("binary_cross_entropy", "binary_focal_loss", "sigmoid", "log_sigmoid")


class Functions:
    """The functions of a peer; what it lacks raises NotImplementedError, and is counted as absent."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.BACKEND = peer.backend

    def __getattr__(self, name: str) -> Callable[..., Any]:
        known = set(SUBJECTS.get(ALIASES.get(name, name), {}).values())
        if not known & set(self.peer.functions):
            raise AttributeError(name)
        return partial(self._call, ALIASES.get(name, name), 0)

    def grad(self, function: Any) -> Callable[..., Any]:
        """Return the gradient of one of the functions."""
        return partial(self._call, function.args[0], 1)

    def _call(self, name: str, which: int, *leading: Any, **named: Any) -> Any:
        kind, form, arrays = _kind(name, leading, named)
        reduction = named.pop("reduction", "none" if kind == "none" else "mean")
        if "16" in str(arrays[0].dtype):  # whose results have other dtypes elsewhere
            raise NotImplementedError("half precision is float32 here")
        function = self.peer.functions.get(SUBJECTS[name].get((kind, form), ""))
        shape = np.shape(arrays[0])
        if function is None or named or (len(shape) != 2 and name not in ELEMENTS):
            raise NotImplementedError(f"{self.peer.name} has no such {name}")
        if reduction == "mean" and kind in ("soft", "two") and name not in ELEMENTS:
            raise NotImplementedError("means over soft targets are by rows here, by mass there")
        with self.peer.session(), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            values, slope = self._both(function, arrays, which)
            if which and slope is None:
                raise NotImplementedError(f"{self.peer.name} has no gradients")
            values = _cast(values, arrays[0].dtype)  # a wider one, as by `Peer.measured`
            if which:
                return slope / _count(shape, name) if reduction == "mean" else slope
            return values if reduction == "none" else getattr(values, reduction)()

    def _both(self, function: Any, arrays: list[Any], which: int) -> Any:
        if which and self.peer.both:
            return self.peer.both(function, arrays)
        if self.BACKEND == "numpy":
            arrays = [self.peer.make(x, str(arrays[0].dtype)) for x in arrays]
        result = function(*arrays)
        return result if isinstance(result, tuple) else (result, None)


def _count(shape: tuple[int, ...], name: str) -> int:
    return int(np.prod(shape if name in ELEMENTS else shape[:-1]))


def _cast(x: Any, dtype: Any) -> Any:
    return x.to(dtype) if hasattr(x, "long") else x.astype(dtype)


def _kind(name: str, leading: Any, named: dict[str, Any]) -> tuple[str, str, list[Any]]:
    """Return the target's kind, the prediction's form and the arrays, which leave ``named``."""
    for option, plain in PLAIN.items():
        if option in named and named[option] == plain:
            del named[option]
    forms = [form for form in ("probs", "logits", "log_probs") if form in named]
    if not forms:
        pair = len(leading) == 2
        return (
            ("pair", "probs", [leading[1], leading[0]]) if pair else ("none", "logits", [*leading])
        )
    x = named.pop(forms[0])
    if "target_logits" in named:
        return "two", forms[0], [x, named.pop("target_logits")]
    if not leading:
        return "none", forms[0], [x]
    (target,) = leading
    if name in ELEMENTS:
        return "soft", forms[0], [x, _cast(target, x.dtype)]
    if len(np.shape(target)) == len(np.shape(x)):
        return "soft", forms[0], [x, target]
    if "float" in str(target.dtype):
        raise NotImplementedError("labels are integers")
    target = target.long() if hasattr(target, "long") else target.astype("int64")
    smoothed = named.get("label_smoothing") == SMOOTHING
    if smoothed:
        del named["label_smoothing"]
    return "smoothed" if smoothed else "labels", forms[0], [x, target]
