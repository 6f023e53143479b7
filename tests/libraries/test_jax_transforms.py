"""JAX's transforms and programs: vmap, scan, checkpoint, donation, sharding, and what is compiled."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import xent
from tests.cases import CASES, LOSSES, in_brief
from tests.libraries.derivatives import assert_close
from tests.libraries.test_jax_gradients import arrays
from xent.engines.jax import engine

BRIEF = list(filter(in_brief, CASES))

SHARDED = """
import jax, jax.numpy as jnp, numpy as np, xent
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P

N, K = 64, 48
mesh = Mesh(np.array(jax.devices()), ("batch",))
split, whole = NamedSharding(mesh, P("batch")), NamedSharding(mesh, P())
draw = np.random.default_rng(0)
z, y = draw.normal(size=(N, K)).astype("float32"), draw.integers(0, K, N)
p = draw.dirichlet(np.ones(K), N).astype("float32")
assert len(mesh.devices) == 8
for target in (y, p):
    for options in ({}, {"label_smoothing": 0.1}, {"class_weight": jnp.ones(K) / 2}):
        def loss(t, z):
            return xent.cross_entropy(t, logits=z, **options)

        step = jax.jit(jax.value_and_grad(loss, argnums=1))
        one, g = step(target, z)
        shared = jax.device_put(target, split), jax.device_put(z, split)
        program = step.lower(*shared).compile()
        value, g8 = program(*shared)
        assert g8.sharding.is_equivalent_to(split, 2), g8.sharding
        np.testing.assert_allclose(value, one, rtol=1e-6)
        np.testing.assert_allclose(g8, g, rtol=1e-5)
        np.testing.assert_allclose(loss(*shared), one, rtol=1e-6)
        text = program.as_text()
        gathers = [line for line in text.splitlines() if "all-gather" in line or "all-to-all" in line]
        assert not any(f"[{N},{K}]" in line for line in gathers), gathers
        assert "all-reduce" in text
print("same")
"""


def test_batch_over_eight_devices_gathers_no_logits():
    root = Path(__file__).parents[2]
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", SHARDED],
        env={**os.environ, **flags},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stdout.strip() == "same", done.stderr


@pytest.mark.parametrize("case", BRIEF, ids=str)
def test_transforms_of_both_grads_agree(case):
    given, _ = arrays(case, {})
    x = given.pop(case.form)

    def loss(y, rest):
        return case.function(**rest, **{case.form: y}).sum()

    def own(y, rest):
        return case.grad(**rest, **{case.form: y})

    @jax.jit
    def all_of_them(x, given):
        many = [jax.tree.map(lambda y: jnp.stack((y, y)), of) for of in (x, given)]
        both = [jax.vmap(f)(*many) for f in (own, jax.grad(loss))]
        again = jax.grad(jax.checkpoint(loss))(x, given)
        slopes = jax.jacrev(own)(x, given), jax.hessian(loss)(x, given)
        return jax.grad(loss)(x, given), both, again, slopes

    want, both, again, (slope, curvature) = all_of_them(x, given)
    for together in both:
        assert_close(together, jnp.stack((want, want)))
    assert_close(again, want)
    assert_close(slope, curvature)


HEAD = jnp.asarray(np.random.default_rng(4).normal(size=(4, 4)))
OUTSIDE = {
    "rows": (xent.cross_entropy, lambda z: {"logits": z}, lambda g: g),
    "beyond a cap": (
        xent.cross_entropy,
        lambda z: {"logits": 60 * z, "softcap": 30.0},
        lambda g: 60 * g,
    ),
    "a linear head": (
        xent.linear_cross_entropy,
        lambda z: {"features": z, "weight": HEAD},
        lambda g: g.features,
    ),
}
"""A loss, its arguments made of one array, and what its own gradient is in that."""


@pytest.mark.parametrize(("loss", "given", "slope"), OUTSIDE.values(), ids=OUTSIDE)
def test_transforms_outside_of_jit(loss, given, slope):
    x, y = jnp.asarray(np.random.default_rng(3).normal(size=(3, 4))), jnp.asarray([0, 3, 1])

    def number(z):
        return loss(y, **given(z)).sum()

    def own(z):
        return slope(xent.value_and_grad(loss)(y, **given(z))[1])

    want, curvature = own(x), jax.hessian(number)(x)
    for f in (jax.grad(number), own):
        assert_close(f(x), want)
        assert_close(jax.vmap(f)(jnp.stack((x, x))), jnp.stack((want, want)))
        assert_close(jax.jacrev(f)(x), curvature)
        assert_close(jax.jacfwd(f)(x), curvature)
    assert_close(jax.grad(jax.checkpoint(number))(x), want)


@pytest.mark.parametrize("case", [c for c in BRIEF if not c.elementwise], ids=str)
def test_any_axis(case):
    given, moving = arrays(case, {}, rows=(2, 3))
    want = jax.grad(lambda x: case.function(**{**given, case.form: x}).sum())(given[case.form])
    for axis in (0, -2):
        moved = {k: jnp.moveaxis(given[k], -1, axis) for k in moving}

        def number(x, moved=moved, axis=axis):
            return case.function(**{**given, **moved, case.form: x}, axis=axis).sum()

        got = jax.grad(number)(moved[case.form])
        assert_close(got, jnp.moveaxis(want, -1, axis))


def test_training_by_scan_with_donated_weights():
    draw = np.random.default_rng(0)
    x, y = jnp.asarray(draw.normal(size=(6, 8, 5))), jnp.asarray(draw.integers(0, 3, (6, 8)))

    def loss(weight, batch):
        return xent.cross_entropy(batch[1], logits=batch[0] @ weight)

    def step(weight, batch):
        value, g = jax.value_and_grad(loss)(weight, batch)
        return weight - 0.1 * g, value

    weight, curve = jnp.zeros((5, 3)), []
    for batch in zip(x, y, strict=True):
        weight, value = step(weight, batch)
        curve.append(value)
    scan = jax.jit(lambda w: jax.lax.scan(step, w, (x, y)), donate_argnums=0)
    last, values = scan(jnp.zeros((5, 3)))
    assert_close(last, weight)
    assert_close(values, jnp.stack(curve))


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy", "entropy"])
def test_eager_calls_compile_once_for_equal_options(name):
    case = next(c for c in CASES if c.loss == name and c.form == "logits")
    given, _ = arrays(case, case.options())

    def calls():
        for _ in "twice":
            new = {k: x.copy() if isinstance(x, jax.Array) else x for k, x in given.items()}
            LOSSES[name](**new)
            xent.value_and_grad(LOSSES[name])(**new)

    calls()
    sizes = engine._value._cache_size(), engine._value_and_gradient._cache_size()
    calls()
    assert sizes == (engine._value._cache_size(), engine._value_and_gradient._cache_size())
    numbers = {"base": 3.0, "label_smoothing": 0.25, "softcap": 5.0, "z_loss": 0.5}
    LOSSES[name](**given | {k: x for k, x in numbers.items() if case.takes(k)})
    assert engine._value._cache_size() == sizes[0]  # numbers are operands
    given.pop("denominator", None)
    LOSSES[name](**given | {"reduction": "sum"})
    assert engine._value._cache_size() == sizes[0] + 1


def test_a_list_of_tracers_keeps_their_derivatives():
    """As of numbers in a list, and of rows."""

    def entropy(p, q):
        return xent.entropy([p, q], base=2)

    want = [-np.log2(p) - 1 / np.log(2) for p in (0.25, 0.75)]
    for transform in (jax.grad, lambda f, which: jax.jit(jax.grad(f, which))):
        got = transform(entropy, (0, 1))(0.25, 0.75)
        assert_close(np.stack(got), np.asarray(want))
