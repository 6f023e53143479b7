"""Features, weight and bias of several dtypes: the widest computes, each gradient has its own (R19)."""

import ml_dtypes
import numpy as np
import pytest

from tests.linear.textbook import (
    BCE,
    CE,
    assert_truth,
    head,
    labels_of,
    logistic_head,
    run,
    softmax_head,
)

DTYPES = {"bfloat16": ml_dtypes.bfloat16}
HEADS = [
    ("bfloat16", "float32", "float32"),
    ("float32", "float16", "float16"),
    ("float16", "bfloat16", None),
    ("float32", "float64", "float32"),
]
COMPUTED = {HEADS[3]: "float64"}
"""What is computed in, where it is not float32."""


@pytest.fixture(params=HEADS, ids=lambda x: "-".join(map(str, x)))
def mixed(request, backend):
    """Return the dtypes of a head, its arrays, and the same numbers in float64."""
    if not all(name is None or backend.has(name) for name in request.param):
        pytest.skip("a dtype is not here")
    named = zip(head().items(), request.param, strict=True)
    given = {k: x.astype(DTYPES.get(name, name)) for (k, x), name in named if name is not None}
    return request.param, given, {k: x.astype(np.float64) for k, x in given.items()}


@pytest.mark.parametrize("loss", [CE, BCE])
def test_each_gradient_has_the_dtype_of_what_it_is_of(backend, mixed, loss):
    dtypes, given, exact = mixed
    target = labels_of() if loss is CE else np.random.default_rng(4).uniform(size=(6, 5))
    value, gradients = run(backend, loss, target=target, **given)
    assert backend.dtype_of(value) == COMPUTED.get(dtypes, "float32")
    for g, name in zip(gradients, dtypes, strict=True):
        assert name == (None if g is None else backend.dtype_of(g))
    truth = softmax_head if loss is CE else logistic_head
    assert_truth((value, gradients), truth(target, **exact))
