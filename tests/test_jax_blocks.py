"""On a CPU, JAX measures a block of rows at a time: nothing else may come of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import xent
from tests.derivatives import assert_close
from xent.engines import jax_derivative

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


@pytest.fixture(params=CASES)
def function(request):
    loss, target, options = CASES[request.param]
    given = {k: jnp.asarray(x) if isinstance(x, np.ndarray) else x for k, x in options.items()}
    target = jnp.asarray(target)
    return lambda z: jnp.sum(loss(target, logits=z, **given))


@pytest.mark.parametrize("rows", [1, 5])
def test_blocks_are_the_whole(function, rows, monkeypatch):
    z = jnp.asarray(LOGITS)
    want = [transform(function)(z) for transform in TRANSFORMS.values()]
    jax.clear_caches()
    monkeypatch.setattr(jax_derivative, "BLOCK", rows * LOGITS[0, :1].nbytes)
    got = [transform(function)(z) for transform in TRANSFORMS.values()]
    jax.clear_caches()
    for mine, right in zip(got, want, strict=True):
        assert_close(mine, right)


def test_what_is_made_of_the_logits_is_never_stored():
    shape = jax.ShapeDtypeStruct((512, 100_000), jnp.float32)
    labels = jax.ShapeDtypeStruct((512,), jnp.int32)

    def loss(z, y):
        return xent.cross_entropy(y, logits=z)

    compiled = jax.jit(loss).lower(shape, labels).compile()
    assert compiled.memory_analysis().temp_size_in_bytes <= 2 * jax_derivative.BLOCK
