"""A graph is computed by whichever process it is sent to."""

import pickle

import dask.array as da
import numpy as np
import pytest

import xent
from tests.cases import CASES, in_brief
from tests.laws.test_names import KERNELS, ROWS, Y, Z, loss_of
from tests.near import assert_near, assert_same


def lazy(x):
    return da.from_array(x, chunks=tuple(max(1, (n + 1) // 2) for n in x.shape))


def sent(x):
    """Return a lazy array as another process has it."""
    cloudpickle = pytest.importorskip("cloudpickle")
    return pickle.loads(cloudpickle.dumps(x))


@pytest.mark.parametrize("case", [c for c in CASES if in_brief(c)], ids=str)
def test_value_and_gradient(case):
    given = {k: lazy(x) if isinstance(x, np.ndarray) else x for k, x in case.arguments().items()}
    for x in case.both(**given):
        assert_same(np.asarray(sent(x).compute()), np.asarray(x.compute()))


@pytest.mark.parametrize("apart", ["numbers", "strings", "names", "hashes"])
def test_losses_of_a_users_own(apart):
    made = [
        (sent(loss_of(kernel)(lazy(Y), logits=lazy(Z), reduction="none")), slope)
        for kernel, slope in KERNELS[apart]
    ]
    for rows, slope in made:
        assert_near(rows.compute(), slope * ROWS)


def test_other_processes():
    rows = xent.cross_entropy(lazy(Y), logits=lazy(Z), reduction="none", label_smoothing=0.0)
    there = rows.compute(scheduler="processes", num_workers=1)
    assert_same(there, rows.compute())
