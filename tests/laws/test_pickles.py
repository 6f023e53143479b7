"""What describes a call survives pickling: functions, kernels, targets and plans."""

import functools
import pickle

import numpy as np
import pytest

import xent
from tests.cases import CASES, NAMED
from tests.laws.test_names import Colliding, Times
from tests.near import assert_same
from xent import _target as targets
from xent import kernels
from xent._plan import NOTHING, READY

PUBLIC = [name for name, f in vars(xent).items() if callable(f) and not name.startswith("_")]
MAIN = NAMED["cross_entropy-labels-logits"]


def again(x):
    return pickle.loads(pickle.dumps(x))


@pytest.mark.parametrize("name", PUBLIC)
def test_public_functions(name):
    assert again(getattr(xent, name)) is getattr(xent, name)


def test_a_function_that_has_some_arguments():
    given = MAIN.arguments()
    loss = again(functools.partial(xent.cross_entropy, reduction="none"))
    assert_same(loss(**given), xent.cross_entropy(**given, reduction="none"))


@pytest.mark.parametrize("make", [xent.grad, xent.value_and_grad])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients(case, make):
    given = case.arguments()
    function = make(case.function)
    assert again(function).__name__ == function.__name__
    for a, b in zip(again(function)(**given), function(**given), strict=True):
        assert_same(a, b)


def test_parts():
    part = xent.part(functools.partial(xent.cross_entropy, label_smoothing=0.25))
    given = {"target": [0], "logits": [[1.0]], "first": 0, "classes": 2}
    assert_same(again(part)(**given).statistics, part(**given).statistics)


@pytest.mark.parametrize("make", [lambda loss: loss, xent.grad, xent.value_and_grad])
def test_heads(make):
    given = np.asarray([0, 1]), np.eye(2), np.ones((3, 2))
    head = make(xent.linear_head(functools.partial(xent.cross_entropy, label_smoothing=0.25)))
    assert pickle.dumps(again(head)(*given)) == pickle.dumps(head(*given))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_plans(case):
    plan = case.function.problem(**case.arguments(), **case.options()).plan
    assert again(plan) == plan
    assert hash(again(plan)) == hash(plan)
    assert again(plan).target is plan.target
    assert again(plan).kernel == plan.kernel


@pytest.mark.parametrize("kernel", [Times(2.0, "half"), Colliding(2.0), Times(3.0).structure])
def test_kernels_of_a_users_own(kernel):
    assert again(kernel) == kernel
    assert hash(again(kernel)) == hash(kernel)
    assert again(kernel).key == kernel.key


def test_kernels():
    modules = [m for m in vars(kernels).values() if hasattr(m, "KERNELS")]
    assert modules
    for kernel in (k for module in modules for k in module.KERNELS.values()):
        assert again(kernel) == kernel


def test_targets_are_themselves():
    known = [x for x in vars(targets).values() if isinstance(x, type(NOTHING))]
    assert NOTHING in known or known
    for target in (*known, NOTHING, READY):
        assert again(target) is target


def test_a_plan_that_was_used_runs_elsewhere():
    """What is cached on it is no part of what is pickled wrongly."""
    problem = MAIN.function.problem(**MAIN.arguments(), label_smoothing=0.25)
    want = problem.value()
    there = again(problem.plan)
    assert_same(problem.engine.value(there, problem.operands), np.asarray(want))
