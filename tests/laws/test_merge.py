"""The contract of a kernel: two halves of the classes, measured and merged, are the whole."""

from dataclasses import replace
from functools import reduce
from itertools import pairwise

import numpy as np
import pytest

from tests.cases import CASES, filled
from tests.near import BOTH, assert_near, largest
from xent import _dispatch
from xent._made_target import SOFTMAX_OF
from xent._plan import READY
from xent._rounds import of_one
from xent._target import along, ready

CLASSES = 12
CUTS = [(0, 6, 12), (0, 1, 12), (0, 11, 12), (0, 3, 4, 9, 12), tuple(range(13))]
ENGINE = _dispatch.engine_of("x", np.zeros(1))
XP = ENGINE.xp


ROW_CASES = [case for case in CASES if case.merges]


def blocks(case, given, cuts, **options):
    """Return the plan, and what its kernel measures of each block of classes."""
    problem = (
        case.function.problem(**given, **case.each, **options, validate=False)
        if (case.takes("validate"))
        else case.function.problem(**given, **case.each, **options)
    )
    plan, operands = filled(problem)
    parts = []
    for a, b in pairwise(cuts):
        target = operands.target
        if target is not None and not plan.target.by_label:
            target = target[..., a:b]
        block = operands._replace(prediction=operands.prediction[..., a:b], target=target)
        if plan.target is SOFTMAX_OF:  # it is not merged, but known whole
            block = block._replace(target=ready(XP, plan, operands)[1][..., a:b])
        parts.append(block)
    return plan, parts, cuts[:-1]


def of_parts(kernel, inputs, axis):
    """Return the statistics of whole rows; of one block as a kernel measures them where nothing is cut."""
    if len(inputs) == 1:
        return kernel.measure(XP, *inputs[0], axis)[0]

    def measured(now):
        every = [now.kernel.measure(XP, x, now.given(t), axis)[0] for x, t in inputs]
        return reduce(lambda a, b: now.kernel.merge(XP, a, b), every)

    return of_one(kernel, measured)


def run(case, given, cuts):
    """Return value and gradient from blocks of classes."""
    plan, parts, firsts = blocks(case, given, cuts)
    if plan.target is SOFTMAX_OF:
        plan = _ready(plan)
    kernel = plan.kernel
    with np.errstate(all="ignore"):
        inputs = [ready(XP, plan, part, first) for part, first in zip(parts, firsts, strict=True)]
        whole = of_parts(kernel, inputs, plan.axis)
        value = kernel.value(XP, whole)
        w = along(np.ones(value.shape[:-1]), plan.row_axis)
        pieces = [kernel.gradient(XP, *pair, whole, None, w, plan.axis) for pair in inputs]
    return np.asarray(value), np.concatenate(pieces, axis=-1)


def _ready(plan):
    return replace(plan, target=READY)


def assert_merges(case, given, cuts, ulp=BOTH):
    value, gradient = run(case, given, (0, CLASSES))
    there, gradient_there = run(case, given, cuts)
    assert_near(there, value, ulp)
    assert_near(gradient_there, gradient, ulp, scale=largest(gradient))


@pytest.mark.parametrize("cuts", CUTS, ids=str)
@pytest.mark.parametrize("case", ROW_CASES, ids=str)
def test_merged_blocks_are_the_whole(case, cuts):
    assert_merges(case, case.arguments(seed=34, classes=CLASSES), cuts)


@pytest.mark.parametrize("case", ROW_CASES, ids=str)
def test_merge_is_symmetric(case):
    given = case.arguments(seed=35, classes=CLASSES)
    plan, parts, firsts = blocks(case, given, (0, 5, 12))
    plan = _ready(plan) if plan.target is SOFTMAX_OF else plan
    kernel = plan.kernel
    inputs = [ready(XP, plan, part, first) for part, first in zip(parts, firsts, strict=True)]
    values = [
        kernel.value(XP, of_parts(kernel, some, plan.axis)) for some in (inputs, inputs[::-1])
    ]
    assert_near(np.asarray(values[1]), np.asarray(values[0]), 4)


def masked(case, given, out):
    """Return the arguments with classes of probability 0."""
    x, hidden = given[case.form].copy(), np.zeros(CLASSES, bool)
    hidden[list(out)] = True
    x[..., hidden] = 0.0 if case.form in ("probs", "q") else -np.inf
    there = given | {case.form: x}
    if case.kind == "labels":
        there["target"] = np.where(np.isin(given["target"], list(out)), 11, given["target"])
    elif case.target is not None:
        t = given[case.target].copy()
        t[..., hidden] = -np.inf if case.kind == "target_logits" else 0.0
        there[case.target] = t
    return there


HIDDEN = [range(6), range(5), (0, 6), (2, 3, 4, 7, 8)]


@pytest.mark.parametrize("out", HIDDEN, ids=str)
@pytest.mark.parametrize("case", ROW_CASES, ids=str)
def test_halves_of_classes_of_probability_0_merge(case, out):
    """As a mask leaves them: a whole half may be −inf."""
    given = masked(case, case.arguments(seed=36, classes=CLASSES), out)
    for cuts in CUTS:
        there, gradient_there = run(case, given, cuts)
        value, gradient = run(case, given, (0, CLASSES))
        assert np.all(np.isfinite(value))
        assert_near(there, value)
        finite = np.where(np.isfinite(gradient), gradient, 0)
        assert_near(gradient_there, gradient, scale=largest(finite))


LIMITS = [
    [np.inf] + [0.0] * 11,
    [0.0] * 11 + [np.inf],
    [np.inf, *[0.0] * 10, np.inf],
    [-np.inf] * 12,
]


@pytest.mark.parametrize("row", LIMITS, ids=["first", "last", "both", "none"])
@pytest.mark.parametrize("case", [c for c in ROW_CASES if c.form == "logits"], ids=str)
def test_limits_merge(case, row):
    given = case.arguments(seed=37, classes=CLASSES)
    given["logits"] = np.asarray([row] * 3)
    for cuts in CUTS:
        there, gradient_there = run(case, given, cuts)
        value, gradient = run(case, given, (0, CLASSES))
        assert_near(there, value)
        assert_near(gradient_there, gradient)


@pytest.mark.parametrize("case", [c for c in ROW_CASES if c.form == "logits"], ids=str)
def test_far_halves_merge(case):
    """One half so far below the other that its exponentials are lost."""
    given = case.arguments(seed=38, classes=CLASSES)
    for name in ("logits", "target_logits"):
        if name in given:
            given[name] = given[name] + np.where(np.arange(CLASSES) < 6, -800.0, 0.0)
    for cuts in CUTS:
        assert_near(run(case, given, cuts)[0], run(case, given, (0, CLASSES))[0])
