"""JAX as it is by default, without 64-bit numbers."""

from contextlib import contextmanager
from functools import partial

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


@pytest.mark.parametrize(
    "labels", [np.asarray([0, 2**40]), np.asarray([0, 2**64 - 1], "u8"), [0, 2**40]]
)
def test_no_label_becomes_another_class(labels):
    """JAX itself keeps the last 32 bits."""
    with pytest.raises(ValueError, match=r"target holds an integer beyond.*out of bounds"):
        xent.cross_entropy(labels, logits=jnp.zeros((2, 3)), validate=False)


class Variable:
    """What holds an array, as frameworks on JAX have it."""

    def __init__(self, x):
        self.x = x

    def __jax_array__(self):
        if self.x is None:
            raise ValueError("it is symbolic")
        return jnp.asarray(self.x)


def test_variables_are_arrays():
    z, y, w = np.asarray([[0.0, 1.0]], "f4"), np.asarray([0]), np.eye(2, dtype="f4")
    want = xent.cross_entropy(jnp.asarray(y), logits=jnp.asarray(z))
    for target, logits in ((Variable(y), z), (y, Variable(z))):
        call = partial(xent.cross_entropy, target, logits=logits)
        for got in (call(), jax.jit(call)()):
            assert isinstance(got, jax.Array)
            assert_near(np.asarray(got), np.asarray(want))
    _, slopes = xent.value_and_grad(xent.linear_cross_entropy)(y, z, Variable(w))
    assert slopes.weight.shape == w.shape
    with pytest.raises(TypeError, match=r"logits is .*Variable; it takes an array"):
        xent.cross_entropy(y, logits=Variable(None))


@pytest.mark.parametrize(
    "setting",
    [
        lambda: jax.numpy_rank_promotion("raise"),
        lambda: jax.numpy_dtype_promotion("strict"),
        lambda: jax.debug_nans(True),
        jax.check_tracer_leaks,
    ],
)
def test_under_strict_settings(setting):
    draw = np.random.default_rng(66)
    x, w, b = (jnp.asarray(draw.normal(size=shape)) for shape in ((5, 3), (4, 3), (4,)))
    y, t = jnp.asarray(draw.integers(0, 4, 5)), jnp.asarray(draw.uniform(size=(5, 4)))
    with setting():
        xent.value_and_grad(xent.linear_cross_entropy)(y, x, w, b, sample_weight=t[:, 0])
        xent.value_and_grad(xent.binary_cross_entropy)(t, logits=t, pos_weight=b * b)
