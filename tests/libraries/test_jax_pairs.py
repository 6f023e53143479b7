"""Every transform of JAX goes through a loss of pairs, and its memory is not that of the logits."""

import jax
import jax.numpy as jnp
import pytest
from jax import export

import xent
from tests.backends import converted
from tests.libraries.derivatives import assert_close
from tests.linear.pairs import NUMBERS, SIGMOID, SOFTMAX, pairs

BUDGET = 2 * 6 * 8


def softmax(a, b, temperature):
    z = a @ b.T / temperature
    rows = jax.nn.logsumexp(z, axis=1) + jax.nn.logsumexp(z, axis=0) - 2 * jnp.diag(z)
    return jnp.mean(rows) / 2


def sigmoid(a, b, scale, bias):
    signs = 2 * jnp.eye(len(a)) - 1
    return -jnp.sum(jax.nn.log_sigmoid(signs * (scale * a @ b.T + bias))) / len(a)


@pytest.fixture(params=[(SOFTMAX, softmax), (SIGMOID, sigmoid)], ids=["softmax", "sigmoid"])
def both(request):
    """Return a loss of (a, b, numbers), the same of all its logits, and these."""
    loss, whole = request.param

    def ours(a, b, *numbers):
        named = dict(zip(NUMBERS[loss], numbers, strict=True))
        return loss(a, b, **named, chunk_bytes=BUDGET)

    given = converted(pairs() | NUMBERS[loss], jnp.asarray)
    return ours, whole, list(given.values())


TRANSFORMS = {
    "hessian": jax.hessian,
    "vmap": lambda f, which: (
        lambda a, *x: jax.vmap(jax.value_and_grad(f, which), (0, *(None for _ in x)))(
            jnp.stack((a, 2 * a)), *x
        )
    ),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transform(both, name):
    ours, whole, given = both
    which = tuple(range(len(given)))
    results = (jax.tree.leaves(jax.jit(TRANSFORMS[name](f, which))(*given)) for f in (ours, whole))
    for got, want in zip(*results, strict=True):
        assert_close(got, want)


def test_export_of_any_number_of_pairs(both):
    ours, whole, given = both
    (n,) = export.symbolic_shape("n")
    rows = jax.ShapeDtypeStruct((n, given[0].shape[1]), given[0].dtype)
    numbers = [jax.ShapeDtypeStruct((), x.dtype) for x in given[2:]]
    which = tuple(range(len(given)))
    exported = export.export(jax.jit(jax.grad(ours, which)))(rows, rows, *numbers)
    for got, want in zip(exported.call(*given), jax.grad(whole, which)(*given), strict=True):
        assert_close(got, want)


ROWS, WIDTH, CHUNK = 8192, 16, 2 << 20


@pytest.mark.parametrize("loss", [SOFTMAX, SIGMOID], ids=["softmax", "sigmoid"])
def test_memory(loss):
    """By the compiler's own report: some chunks and gradients, 1/8 of the logits at the most."""

    def made(a, b, *numbers):
        named = dict(zip(NUMBERS[loss], numbers, strict=True))
        return tuple(xent.value_and_grad(loss)(a, b, **named, chunk_bytes=CHUNK)[1])

    array, number = (
        jax.ShapeDtypeStruct((ROWS, WIDTH), "float32"),
        jax.ShapeDtypeStruct((), "float32"),
    )
    numbers = [number for _ in NUMBERS[loss]]
    used = jax.jit(made).lower(array, array, *numbers).compile().memory_analysis()
    assert used.temp_size_in_bytes <= 2 * CHUNK + 8 * 4 * ROWS * WIDTH < 4 * ROWS * ROWS / 8
