"""What JAX gives a device is counted, and is no more than it was."""

import re

import pytest

import xent
from benchmarks.counts.cases import CASES, MODES

counts = pytest.importorskip("benchmarks.counts.jax")
jax = counts.jax
jnp = jax.numpy

ALL = {case.name: case for case in CASES}
CHOSEN = ("labels", "labels, small", "smoothed", "soft targets", "KL", "binary")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CHOSEN)
def test_no_more_than_is_held(name, mode):
    got, held = counts.JAX.contenders["xent"](ALL[name], mode), counts.JAX.held[name, mode]
    assert got.passes <= 1.01 * held.passes
    assert got.launches <= held.launches
    assert got.waits == 0


def test_every_case_is_held():
    assert set(counts.JAX.held) == {(name, mode) for name in ALL for mode in MODES}


def test_a_wait_is_seen():
    def stops(x):
        return jax.pure_callback(lambda x: x, jax.ShapeDtypeStruct((), jnp.float32), x)

    assert counts.waits(jax.make_jaxpr(stops)(1.0)) == 1
    assert counts.waits(jax.make_jaxpr(jnp.sin)(1.0)) == 0


@pytest.mark.parametrize("wrt", [None, (1, 2)])
def test_a_head_on_a_device_has_few_large_products(wrt):
    rows, width, classes = 8192, 4096, 128256
    given = (
        jax.ShapeDtypeStruct((rows,), jnp.int32),
        jax.ShapeDtypeStruct((rows, width), jnp.bfloat16),
        jax.ShapeDtypeStruct((classes, width), jnp.bfloat16),
    )
    loss = xent.linear_cross_entropy
    traced = jax.jit(loss if wrt is None else jax.value_and_grad(loss, argnums=wrt)).trace(*given)
    program = traced.lower(lowering_platforms=("cuda",)).as_text()
    assert program.count("stablehlo.while") == 1  # over the rows
    products = re.findall(r"dot_general.*-> tensor<(\d+)x(\d+)xf32>", program)
    assert len(products) == (1 if wrt is None else 3)
    assert {int(size) for size in sum(products, ())} <= {2048, width, classes}
