"""JAX as it is by default, without 64-bit numbers."""

from contextlib import contextmanager

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import xent
from tests.cases import CASES, in_brief
from tests.near import assert_near, largest


@contextmanager
def x32():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", False)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)


@pytest.fixture(autouse=True)
def _without_x64():
    with x32():
        yield


@pytest.mark.parametrize("case", [c for c in CASES if in_brief(c)], ids=str)
def test_float32_is_numpys(case):
    given = {k: x.astype("f4") if x.dtype.kind == "f" else x for k, x in case.arguments().items()}
    value, gradient = case.both(**{k: jnp.asarray(x) for k, x in given.items()})
    assert value.dtype == gradient.dtype == jnp.float32
    wanted, wanted_gradient = case.both(**given)
    assert_near(np.asarray(value), wanted)
    assert_near(np.asarray(gradient), wanted_gradient, scale=largest(wanted_gradient))


def test_default_dtypes_are_of_32_bits():
    assert xent.one_hot(jnp.asarray([0, 1]), 2).dtype == jnp.float32
    z = jnp.zeros((1, 2))
    assert z.dtype == jnp.float32
    value = xent.cross_entropy([0], logits=z, sample_weight=[0.5], class_weight=[1.0, 2.0])
    assert value.dtype == jnp.float32


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint8", "uint32"])
def test_labels_of_each_dtype_that_there_is(dtype):
    z = jnp.asarray([[0.0, 1.0, 2.0]])
    wanted = xent.cross_entropy(np.asarray([2]), logits=np.asarray(z))
    assert_near(np.asarray(xent.cross_entropy(jnp.asarray([2], dtype), logits=z)), wanted, 3)


def test_a_huge_label_is_out_of_range():
    labels = jnp.asarray([1, 2**32 - 1], jnp.uint32)
    z = jnp.zeros((2, 2))
    with pytest.raises(ValueError, match=r"label 4294967295 at \(1,\)"):
        xent.cross_entropy(labels, logits=z)
    rows = xent.cross_entropy(labels, logits=z, validate=False, reduction="none")
    assert np.isnan(rows[1])
    rows = xent.cross_entropy(labels, logits=z, ignore_index=2**32 - 1, reduction="none")
    assert float(rows[1]) == 0


def test_both_settings_in_one_process():
    z, y = np.asarray([[0.0, 1.0]]), np.asarray([0])
    for enabled, dtype in ((True, "float64"), (False, "float32"), (True, "float64")):
        jax.config.update("jax_enable_x64", enabled)
        value = xent.cross_entropy(jnp.asarray(y), logits=jnp.asarray(z))
        assert value.dtype == dtype
        assert_near(np.asarray(value), np.asarray(np.log1p(np.e), dtype), 4)
