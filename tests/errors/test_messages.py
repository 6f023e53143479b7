"""No message without its test: each that these files can make is made by a call of these tables."""

import ast
import inspect
import sys
from types import SimpleNamespace

import array_api_strict
import numpy as np
import pytest

import xent
from tests.errors import (
    test_habits,
    test_linear,
    test_made,
    test_options,
    test_own_calls,
    test_own_loss,
    test_structure,
    test_weights,
)
from xent._check import arguments, calls, metrics, structure, values

Z, Y, P = np.zeros((2, 3)), np.asarray([0, 1]), np.full((2, 3), 0.25)
OF_VALUES = [
    lambda: xent.cross_entropy([0, 3], logits=Z),
    lambda: xent.cross_entropy(Y, P + 1),
    lambda: xent.cross_entropy(Y, log_probs=P),
    lambda: xent.cross_entropy(Y, P, validate=True),
    lambda: xent.cross_entropy(np.ma.masked_array(Y, [True, False]), P),
    lambda: structure.axis_of("probs", SimpleNamespace(shape=(2, np.nan), ndim=2), -1),
    lambda: xent.cross_entropy(Y, logits=Z, foo=1),
    lambda: xent.with_metrics(np.sum),
    lambda: xent.with_metrics(xent.grad(xent.cross_entropy)),
    lambda: xent.with_metrics(xent.cross_entropy)(Y, P),
    lambda: xent.cross_entropy(Y, P, Z),
    lambda: xent.cross_entropy(Y, logits=Z, denominator=-1),
    lambda: xent.cross_entropy(Y, logits=array_api_strict.asarray(Z)),
    lambda: xent.cross_entropy(
        array_api_strict.asarray(Y),
        logits=array_api_strict.asarray(Z, device=array_api_strict.Device("device1")),
    ),
]
"""As `test_mixed`, `test_validation` and `test_transforms` have them, on the libraries at hand."""
MODULES = (
    test_structure,
    test_options,
    test_weights,
    test_own_calls,
    test_own_loss,
    test_made,
    test_linear,
    test_habits,
)
CHECKS = (arguments, calls, metrics, structure, values)
FILES = {module.__file__ for module in CHECKS}
NOT_HERE = {
    "not_dense": "of torch's layouts: test_torch_arguments",
    "unreadable": "of a tracer: test_validation",
    "too_large": "of integers that JAX lacks: test_jax_x32",
}


def messages():
    """Return where each error of `_check` is made, by its function."""
    for module in CHECKS:
        for function in ast.parse(inspect.getsource(module)).body:
            for node in ast.walk(function):
                made = isinstance(node, ast.Call) and getattr(node.func, "id", "")
                if made in ("TypeError", "ValueError") and function.name not in NOT_HERE:
                    yield function.name, (module.__file__, node.lineno)


def lines_run(made):
    """Return the lines of `_check` that calls that raise have run."""
    seen = set()

    def trace(frame, event, _):
        file = frame.f_code.co_filename
        if file not in FILES:
            return None
        seen.add((file, frame.f_lineno))
        return trace

    before = sys.gettrace()
    for call in made:
        sys.settrace(trace)
        try:
            call()
        except (TypeError, ValueError):
            continue
        finally:
            sys.settrace(before)
        pytest.fail("a call of the tables raised nothing")
    return seen


def test_every_message_has_its_test():
    tables = [t for m in MODULES for t in m.TABLES]
    made = [row[0] for table in tables for row in table]
    seen = lines_run(made + OF_VALUES)
    wanted = list(messages())
    assert len(wanted) > 20
    assert [name for name, line in wanted if line not in seen] == []
