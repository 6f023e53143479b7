"""On a CPU, JAX measures a block of rows at a time: nothing else may come of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import xent
from tests.backends import converted
from tests.libraries.derivatives import assert_close
from xent.engines.jax import measured

DRAW = np.random.default_rng(5)
SHAPE = (3, 5, 4)
LOGITS = DRAW.normal(size=SHAPE)
LABELS = DRAW.integers(0, 4, SHAPE[:-1])
SOFT = DRAW.dirichlet(np.ones(4), SHAPE[:-1])
BITS = DRAW.uniform(size=SHAPE)
CASES = {
    "labels": (xent.cross_entropy, LABELS, {}),
    "smoothed": (xent.cross_entropy, LABELS, {"label_smoothing": 0.125}),
    "rows": (xent.cross_entropy, LABELS, {"reduction": "none"}),
    "distributions": (xent.cross_entropy, SOFT, {"class_weight": np.arange(1.0, 5.0)}),
    "divergence": (xent.kl_divergence, SOFT, {}),
    "binary": (xent.binary_cross_entropy, BITS, {"pos_weight": np.arange(1.0, 5.0)}),
    "masked": (xent.cross_entropy, LABELS, {"where": LABELS != 1}),
}
TRANSFORMS = {
    "value": lambda f: f,
    "grad": jax.grad,
    "hessian": jax.hessian,
    "vmap": lambda f: lambda z: jax.vmap(jax.grad(f))(jnp.stack((z, 2 * z))),
}


def derived(name, shape):
    """Return what each transform makes of a loss whose rows have this shape, as one array each."""
    loss, target, options = CASES[name]

    def shaped(x):
        per_row = isinstance(x, np.ndarray) and x.ndim > 1
        return jnp.asarray(x.reshape(*shape, *x.shape[2:]) if per_row else x)

    given = converted(options, shaped)

    def function(z):
        return jnp.sum(loss(shaped(target), logits=z, **given))

    made = jax.jit(lambda z: [transform(function)(z) for transform in TRANSFORMS.values()])
    return list(map(np.ravel, made(shaped(LOGITS))))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    ("rows", "shape", "small"),
    [(1, (1, 1, 3, 5), measured.SMALL), (5, (3, 1, 1, 5), 0)],
)
def test_blocks_are_the_whole(name, rows, shape, small, monkeypatch):
    want = derived(name, SHAPE[:2])
    monkeypatch.setattr(measured, "LONG", 1)
    monkeypatch.setattr(measured, "SMALL", small)
    monkeypatch.setattr(measured, "BLOCK", rows * LOGITS[0, :1].nbytes)
    got = derived(name, shape)  # another shape, so that it is not compiled yet
    for mine, right in zip(got, want, strict=True):
        assert_close(mine, right)


def test_what_is_made_of_the_logits_is_never_stored():
    shape = jax.ShapeDtypeStruct((512, 100_000), jnp.float32)
    labels = jax.ShapeDtypeStruct((512,), jnp.int32)

    def loss(z, y):
        return xent.cross_entropy(y, logits=z)

    compiled = jax.jit(loss).lower(shape, labels).compile()
    assert compiled.memory_analysis().temp_size_in_bytes <= 2 * measured.BLOCK
