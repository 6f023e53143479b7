"""Every transform of JAX goes through a linear loss, chunk by chunk, and within its memory."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import xent
from tests import cases
from tests.backends import converted
from tests.libraries.derivatives import assert_close
from tests.linear.textbook import BCE, CE, all_options, head, labels_of, soft_of
from xent._linear import STRIP

N, K, BUDGET = 6, 5, 2 * 5 * 8
DRAW = np.random.default_rng(19)
EVERY = all_options(DRAW, N, K)
LOSSES = {
    "labels": (CE, xent.cross_entropy, labels_of(), EVERY),
    "distributions": (CE, xent.cross_entropy, soft_of(), EVERY),
    "binary": (
        BCE,
        xent.binary_cross_entropy,
        DRAW.uniform(size=(N, K)),
        {"label_smoothing": 0.25},
    ),
}
WHICH = (0, 1, 2)


@pytest.fixture(params=["plain", "every"])
def every(request):
    return request.param == "every"


@pytest.fixture(params=LOSSES)
def pair(request, every):
    """Return a linear loss of (features, weight, bias), the same by its whole logits, and these."""
    ours, whole, target, options = LOSSES[request.param]
    options, target = converted(options if every else {}, jnp.asarray), jnp.asarray(target)

    def chunked(x, w, b, **more):
        return ours(target, x, w, b, chunk_bytes=BUDGET, **options, **more)

    def plain(x, w, b, **more):
        return whole(target, logits=x @ w.T + b, **options, **more)

    return chunked, plain, tuple(map(jnp.asarray, head().values()))


def along(function):
    return lambda *x: jax.jvp(function, x, tuple(map(jnp.cos, x)))


def scanned(function):
    def all_steps(x, w, b):
        def step(total, factor):
            value, slopes = jax.value_and_grad(function, WHICH)(factor * x, w, b)
            return total + value, slopes

        return jax.lax.scan(step, 0.0, jnp.asarray([1.0, 2.0]))

    return all_steps


TRANSFORMS = {
    "grad": lambda f: jax.grad(f, WHICH),
    "jit": lambda f: jax.jit(jax.value_and_grad(f, WHICH)),
    "jvp": along,
    "jacfwd": lambda f: jax.jacfwd(f, WHICH),
    "jacrev": lambda f: jax.jacrev(lambda *x: f(*x, reduction="none"), WHICH),
    "hessian": lambda f: jax.hessian(f, WHICH),
    "vmap": lambda f: (
        lambda x, w, b: jax.vmap(jax.grad(f, WHICH), (0, None, None))(jnp.stack((x, 2 * x)), w, b)
    ),
    "checkpoint": lambda f: jax.grad(jax.checkpoint(f), WHICH),
    "scan": scanned,
    "vjp": lambda f: (
        lambda *x: jax.vjp(lambda *y: f(*y, reduction="none"), *x)[1](
            jnp.linspace(-1.0, 3.0, f(*x, reduction="none").size).reshape(
                f(*x, reduction="none").shape
            )
        )
    ),
}


PAIRS = (
    list(product(("plain", "every"), LOSSES))
    if cases.EVERY
    else [("every", "labels"), ("plain", "binary")]
)


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize(("every", "pair"), PAIRS, indirect=True)
def test_transform(pair, name):
    made = TRANSFORMS[name]
    results = [jax.tree.leaves(jax.jit(made(function))(*pair[2])) for function in pair[:2]]
    for got, want in zip(*results, strict=True):
        assert_close(got, want)


@pytest.mark.parametrize(("every", "pair"), PAIRS if cases.EVERY else PAIRS[:1], indirect=True)
@pytest.mark.parametrize("reduction", ["mean", "none"] if cases.EVERY else ["mean"])
def test_derivative_checkers(pair, reduction):
    def function(*x):  # of NumPy's arrays too, which the checker makes
        return pair[0](*map(jnp.asarray, x), reduction=reduction)

    check_grads(function, pair[2], order=2 if cases.EVERY else 1)


def test_target_and_weights_have_derivatives():
    x, w, b = map(jnp.asarray, head().values())
    given = jnp.asarray(soft_of()), jnp.asarray(EVERY["sample_weight"])

    def ours(x, t, s):
        return CE(t, x, w, b, sample_weight=s, chunk_bytes=BUDGET, validate=False)

    def whole(x, t, s):
        return xent.cross_entropy(t, logits=x @ w.T + b, sample_weight=s, validate=False)

    pairs = zip(*(jax.grad(f, WHICH)(x, *given) for f in (ours, whole)), strict=True)
    for got, want in pairs:
        assert_close(got, want)


@pytest.mark.parametrize("stored", [True, False])
def test_strips(stored):
    """Of logits that are stored whole, or made again for each strip."""
    classes = 2 * STRIP + 5
    x, w, b = map(jnp.asarray, head(classes=classes).values())
    labels = jnp.asarray(labels_of(classes=classes))

    def gradients(function):
        return jax.grad(function, WHICH)(x, w, b)

    want = gradients(lambda *y: xent.cross_entropy(labels, logits=y[0] @ y[1].T + y[2]))
    budget = (1 << 26) if stored else 16 * classes
    got = gradients(lambda *y: CE(labels, *y, chunk_bytes=budget))
    for mine, right in zip(got, want, strict=True):
        assert_close(mine, right)


# --- memory, by the compiler's own report ---

ROWS, WIDTH, CLASSES, CHUNK = 2048, 64, 50_000, 8 << 20


def temporary(function, dtype):
    """Return the bytes that a compiled function holds beside its inputs and its results."""
    shapes = (ROWS, WIDTH), (CLASSES, WIDTH), (CLASSES,)
    given = [jax.ShapeDtypeStruct(shape, dtype) for shape in shapes]
    labels = jax.ShapeDtypeStruct((ROWS,), jnp.int32)
    compiled = jax.jit(function).lower(labels, *given).compile()
    return compiled.memory_analysis().temp_size_in_bytes


def ours(labels, *given):
    return CE(labels, *given, chunk_bytes=CHUNK)


SUMS = 4 * (CLASSES * (WIDTH + 1) + ROWS * WIDTH)
"""Bytes of the gradients in float32, in which half precision is summed."""
SLACK = 1 << 20


@pytest.mark.parametrize(("dtype", "more"), [("float32", 0), ("bfloat16", SUMS)])
def test_memory(dtype, more):
    """A float32's gradients are results, made in place; what half precision is summed in is not."""
    logits = 4 * ROWS * CLASSES
    for function in (
        ours,
        jax.value_and_grad(ours, (1, 2, 3)),
        lambda *x: tuple(xent.value_and_grad(CE)(*x, chunk_bytes=CHUNK)[1]),
    ):
        used = temporary(function, dtype)
        assert used <= 2 * CHUNK + more + SLACK < logits / 8


def test_memory_of_rows_each_with_its_own_incoming_gradient():
    """XLA makes the weight's cotangent of a chunk beside their sum."""

    def weighed(labels, *given):
        rows = CE(labels, *given, chunk_bytes=CHUNK, reduction="none")
        return jnp.sum(rows * jnp.arange(ROWS))

    used = temporary(jax.value_and_grad(weighed, (1, 2, 3)), "float32")
    assert used <= 2 * CHUNK + SUMS + SLACK
