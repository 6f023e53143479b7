"""Each kernel's gradient with respect to its target is that of its value, by differences."""

from dataclasses import replace

import numpy as np
import pytest

from tests.cases import CASES
from tests.laws.test_finite_differences import assert_derivative, derivative
from xent import _dispatch
from xent._kernel import Kernel
from xent._target import along, ready

XP = _dispatch.engine_of("x", np.zeros(1)).xp


def prepared(case):
    """Return the plan of a case, and prediction and target as its kernel takes them."""
    problem = case.function.problem(**case.arguments(seed=60), **case.each)
    kernel = problem.plan.kernel.filled(problem.operands.numbers.kernel)
    return replace(problem.plan, kernel=kernel), *ready(XP, problem.plan, problem.operands)


def has_target_gradient(kernel):
    """Whether a kernel has one: the contract's own raises."""
    return type(kernel).target_gradient is not Kernel.target_gradient


WITH_TARGETS = [case for case in CASES if has_target_gradient(prepared(case)[0].kernel)]


def test_soft_targets_have_a_gradient():
    """R17: it flows to a soft target of every loss that takes one."""
    soft = {case for case in CASES if case.kind not in ("labels", "nothing")}
    assert set(WITH_TARGETS) == soft


@pytest.mark.parametrize("case", WITH_TARGETS, ids=str)
def test_gradient_of_the_target(case):
    plan, x, target = prepared(case)
    kernel, parts = plan.kernel, target if isinstance(target, tuple) else (target,)

    def value(*there):
        whole = there if isinstance(target, tuple) else there[0]
        return kernel.value(XP, kernel.measure(XP, x, whole, plan.axis)[0])

    rows = value(*parts)
    w = along(np.ones(rows.shape if plan.row_axis is None else rows.shape[:-1]), plan.row_axis)
    statistics, _ = kernel.measure(XP, x, target, plan.axis)
    got = kernel.target_gradient(XP, x, target, statistics, w, plan.axis)
    for i, gradient in enumerate(got if isinstance(got, tuple) else (got,)):

        def of_part(y, i=i):
            return value(*parts[:i], y, *parts[i + 1 :])

        assert_derivative(np.asarray(gradient), derivative(of_part, parts[i]), rows)
