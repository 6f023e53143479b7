"""The boosters grow the trees of their own objectives from `grad_and_hessian_diagonal`."""

import re

import pytest

from tests.documents.script import EXAMPLES, run


def test_trees_are_those_of_the_own_objective():
    for library in ("lightgbm", "xgboost"):
        pytest.importorskip(library)
    done = run(EXAMPLES / "boosting.py")
    assert done.returncode == 0, done.stderr
    line = r"^(\w+) +(\w+) +the same (\d+) splits, leaves within (\S+)$"
    found = {tuple(x[:2]): x[2:] for x in re.findall(line, done.stdout, re.MULTILINE)}
    wanted = {(a, b) for a in ("xgboost", "lightgbm") for b in ("softmax", "logistic")}
    assert set(found) == wanted, done.stdout
    for splits, apart in found.values():
        assert int(splits) > 30
        assert float(apart) <= 4 * 2.0**-23  # of float32
