"""Laws of values: the textbook's, row by row, weighed and reduced, whatever stands beside."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from xent.testing.case import CLASSES, ROWS, Case, narrowed
from xent.testing.compare import MODERATE, alike, close, has_rows, largest, law, near, require, zero

ROUNDING = 1e-12
"""By how much a textbook's formula may be off in float64, relative to its largest value."""


def is_wide(case: Case) -> bool:
    """Whether there is a class axis."""
    return not case.elementwise


@law(lambda case: case.textbook is not None)
def value(lib: Any, case: Case) -> None:
    """The value is the textbook's."""
    given = case.draw(seed=1)
    wanted = np.asarray(case.said(given))
    got = lib.run(case.function, **given, **case.each)
    close("the value", got, wanted, ROUNDING, scale=np.max(np.abs(wanted)))
    given = narrowed(given)
    wanted = np.asarray(case.said(given))
    got = lib.run(case.function, **given, **case.each)
    require(got.dtype == np.float32, f"a float32 prediction has a loss of {got.dtype}")
    near("the value in float32", got, wanted, MODERATE, scale=np.max(np.abs(wanted)))


@law(has_rows)
def alone(lib: Any, case: Case) -> None:
    """A row's value is the same whatever rows stand beside it."""
    given = case.draw(seed=2)
    both = lib.run(case.both, **given, **case.each)
    single = lib.run(case.both, **{k: x[1:2] for k, x in given.items()}, **case.each)
    alike(single, [x[1:2] for x in both], 4, word=" alone")


@law(lambda case: case.takes("sample_weight", "reduction"))
def reductions(lib: Any, case: Case) -> None:
    """Reductions are sums of weighed rows, a mean is divided by what they weigh."""
    given, s = case.draw(seed=3), case.options()["sample_weight"]
    rows = lib.run(case.function, **given, **case.each)
    weighed = lib.run(case.function, **given, sample_weight=s, **case.each)
    near("a weighed row", weighed, s * rows, 4)
    total = math.fsum((s * rows).ravel())
    for name, options, wanted in (
        ("the sum", {"reduction": "sum"}, total),
        ("the mean", {"reduction": "mean"}, total / math.fsum(s.ravel())),
        ("the mean by a denominator", {"reduction": "mean", "denominator": 7.0}, total / 7),
    ):
        if case.takes(*options):
            got = lib.run(case.function, **given, sample_weight=s, **options)
            near(name, got, np.asarray(wanted), 16)


@law(lambda case: case.takes("base"))
def base(lib: Any, case: Case) -> None:
    """A base divides value and gradient by its logarithm."""
    given = case.draw(seed=4)
    plain = lib.run(case.both, **given)
    bits = lib.run(case.both, **given, base=2)
    alike(bits, [x / math.log(2) for x in plain], 8)


@law(lambda case: case.takes("class_weight", "reduction") and case.by_label)
def class_weights(lib: Any, case: Case) -> None:
    """The weight of its class multiplies a row, and counts in the divisor."""
    given, c = case.draw(seed=5), case.options()["class_weight"]
    own = c[given[case.target]]
    rows = lib.run(case.function, **given, **case.each)
    weighed = lib.run(case.function, **given, class_weight=c, **case.each)
    near("a row's value", weighed, own * rows, 4)
    mean = lib.run(case.function, **given, class_weight=c, reduction="mean")
    near("the mean", mean, np.asarray(math.fsum(own * rows) / math.fsum(own)), 16)


@law(lambda case: case.by_label and "distributions" in case.kinds)
def one_hot(lib: Any, case: Case) -> None:
    """A label is its one-hot row, smoothed and weighed likewise."""
    given = case.draw(seed=6)
    hot = {**given, case.target: np.eye(CLASSES)[given[case.target]]}
    every = case.options()
    for names in ((), ("label_smoothing",), ("class_weight",), ("label_smoothing", "class_weight")):
        if not case.takes(*names):
            continue
        options = {name: every[name] for name in names}
        of_label = lib.run(case.both, **given, **options)
        of_row = lib.run(case.both, **hot, **options)
        word = f" with {' and '.join(names)}" if names else ""
        alike(of_label, of_row, word=f" of labels{word}")


@law(lambda case: case.kind == "distributions" and case.form in ("probs", "q") and bool(case.each))
def nearly_equal(lib: Any, case: Case) -> None:
    """What is 0 of equal distributions keeps its digits where they are nearly equal."""
    given = narrowed(case.draw(seed=12))
    p = given[case.form]
    equal = {**given, case.target: p.copy()}
    if not np.all(lib.run(case.function, **equal, **case.each) == 0):
        return
    for step in (1, 16, 1024):
        shift = (1 + step * 2.0**-23 * np.asarray([1, -1, 2, -2, 1][:CLASSES])).astype(np.float32)
        there = {**equal, case.form: p * shift}
        wide = {k: x.astype(np.float64) for k, x in there.items()}
        wanted = lib.run(case.function, **wide, **case.each)
        got = lib.run(case.function, **there, **case.each)
        near(f"the value in float32, {step} ULP from equality,", got, wanted)


@law(lambda case: case.takes("pos_weight") and case.kind == "binary")
def positive_weights(lib: Any, case: Case) -> None:
    """The weight of the positive class multiplies the elements that are positive."""
    given, c = case.draw(seed=5), case.options()["pos_weight"]
    yes = np.arange(given[case.target].size).reshape(given[case.target].shape) % 2 == 1
    given[case.target] = yes.astype(np.float64)
    plain = lib.run(case.both, **given, **case.each)
    got = lib.run(case.both, **given, pos_weight=c, **case.each)
    alike(got, [np.where(yes, c, 1.0) * x for x in plain], 8)


@law(lambda case: case.takes("label_smoothing") and case.kind in ("distributions", "binary"))
def smoothing(lib: Any, case: Case) -> None:
    """Smoothing mixes the target with the uniform distribution."""
    given, part = case.draw(seed=7), 0.125
    mixed = (1 - part) * given[case.target] + part / (2 if case.elementwise else CLASSES)
    wanted = lib.run(case.both, **{**given, case.target: mixed})
    got = lib.run(case.both, **given, label_smoothing=part)
    alike(got, wanted)


@law(lambda case: is_wide(case) and case.permutes)
def permutation(lib: Any, case: Case) -> None:
    """Classes in another order have their gradients in that order, and the value is the same."""
    given, order = case.draw(seed=8), np.asarray([3, 0, 4, 1, 2])
    there = {k: x if x.ndim == 1 else x[..., order] for k, x in given.items()}
    if case.by_label:
        there[case.target] = np.argsort(order)[given[case.target]]
    value, gradient = lib.run(case.both, **given)
    got = lib.run(case.both, **there)
    if got[0].ndim == value.ndim == 2:
        value = value[..., order]
    near("the value", got[0], value, 16, scale=np.max(np.abs(value)))
    near("the gradient", got[1], gradient[..., order], scale=largest(gradient))


@law(is_wide)
def axis(lib: Any, case: Case) -> None:
    """The class axis may be the first."""
    given = case.draw(seed=9)
    there = {k: np.moveaxis(x, -1, 0) if x.ndim == 2 else x for k, x in given.items()}
    value, gradient = lib.run(case.both, **given)
    got = lib.run(case.both, **there, axis=0)
    value = np.moveaxis(value, -1, 0) if value.ndim == 2 else value
    alike((got[0], np.moveaxis(got[1], 0, -1)), (value, gradient), 16)


@law(lambda case: is_wide(case) and case.form == "logits")
def no_class(lib: Any, case: Case) -> None:
    """A class with a logit of −inf changes nothing."""
    given = case.draw(seed=10)
    there = dict(given)
    for name, x in given.items():
        if x.ndim == 2:
            filler = 0.0 if name == case.target and case.kind == "distributions" else -np.inf
            there[name] = np.concatenate([x, np.full((ROWS, 1), filler)], axis=-1)
    value, gradient = lib.run(case.both, **given)
    got = lib.run(case.both, **there)
    if got[0].ndim == 2:
        return
    alike((got[0], got[1][..., :-1]), (value, gradient), 16)
    zero("the gradient of that class", got[1][..., -1:])


@law(lambda case: case.kind == "labels" and case.form == "logits")
def namesake(lib: Any, case: Case) -> None:
    """Another loss of the same name keeps its own numbers."""
    import xent

    def body(target: Any, *, logits: Any) -> Any:
        return vars(xent.cross_entropy)["call"](target, logits=logits)

    body.__name__ = body.__qualname__ = getattr(case.loss, "__name__", "loss")
    other = replace(case, loss=xent.loss()(body), items=())
    given = case.draw(seed=14)
    own = lib.run(case.function, **given)
    near(
        "the namesake's value",
        lib.run(other.function, **given),
        lib.run(xent.cross_entropy, **given),
        2,
    )
    near("the value after it", lib.run(case.function, **given), own, 2)
