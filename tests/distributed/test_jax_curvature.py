"""Second derivatives on eight devices are those of one, lie as what they are of, and gather nothing."""

from contextlib import nullcontext

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P

import xent
from tests.distributed import test_jax_linear as linear
from tests.distributed.jax import SHARE, Placed, compiled, sent, ulps
from tests.distributed.test_jax import CHOSEN, Work, of_cases, on_eight, placements

pytestmark = on_eight
kinds = pytest.mark.parametrize(
    "kind", [AxisType.Auto, AxisType.Explicit], ids=["automatic", "explicit"]
)


def run_on(mesh, kind, function, *args):
    """Return what a function makes on a mesh, and its program."""
    with jax.set_mesh(mesh) if kind is AxisType.Explicit else nullcontext():
        program = compiled(function, *args)
        return program(*args), program


def lies_as(x, like):
    return x.sharding.is_equivalent_to(like.sharding, like.ndim)


@of_cases
@placements
@kinds
def test_products_and_diagonals(case, placement, kind):
    """At a label that is unlikely they are small differences of numbers of the gradient's size."""
    work, placed = Work(case), Placed(placement, kind)
    arrays = placed.put(work.arrays)

    def run(arrays, cos=jnp.cos):
        given, x = arrays | work.rest, arrays[case.form]
        product = xent.hvp(case.function)(**given, tangent=cos(x))
        return product, *xent.grad_and_hessian_diagonal(case.function)(**given)

    made, program = run_on(placed.mesh, kind, run, arrays)
    wanted = run(work.arrays, np.cos)
    for got, want in zip(made, wanted, strict=True):
        assert ulps(got, want, wanted[1]) <= 64
        assert lies_as(got, arrays[case.form])
    assert all(count < SHARE for _, count in sent(program))


@placements
@kinds
@pytest.mark.parametrize("case", [c for c in CHOSEN if c.form == "logits"], ids=str)
def test_derivatives_of_gradients(case, placement, kind):
    """A Hessian times a vector, by JAX's own forward mode, is that of one device, by the same measure."""
    work, placed = Work(case), Placed(placement, kind)
    arrays = placed.put(work.arrays)

    def along(arrays):
        def slope(x):
            return jax.grad(lambda x: work.run(arrays | {case.form: x})[1][0])(x)

        return jax.jvp(slope, (arrays[case.form],), (jnp.cos(arrays[case.form]),))

    (_, got), program = run_on(placed.mesh, kind, along, arrays)
    slope, want = jax.jit(along)(work.arrays)
    assert ulps(got, want, slope) <= 64
    assert all(count < SHARE for _, count in sent(program))


@pytest.mark.parametrize("product", [xent.hvp, xent.gauss_newton], ids=lambda f: f.__name__)
def test_products_of_heads_in_shard_map(product):
    """Each device has some rows, and makes of the weight what those make of it."""
    function, target, _ = linear.CALLS["labels"]
    head = {k: linear.HEAD[k] for k in ("features", "weight")}
    along = [np.cos(np.arange(x.size)).reshape(x.shape) for x in head.values()]

    def run(target, features, weight, v, w):
        made = product(function)(target, features, weight, tangent=(v, w, None), reduction="sum")
        return made.features, jax.lax.psum(made.weight, "rows")

    rows, whole = P("rows"), P()
    mapped = jax.shard_map(
        run,
        mesh=Placed("rows").mesh,
        in_specs=(rows, rows, whole, rows, whole),
        out_specs=(rows, whole),
    )
    got = jax.jit(mapped)(target, *head.values(), *along)
    want = product(function)(target, **head, tangent=(*along, None), reduction="sum")
    for mine, right in zip(got, want[:2], strict=True):
        assert ulps(mine, right) <= 64


@pytest.mark.parametrize(
    "placement", ["rows", "classes", "both", "weight by classes", "weight by both"]
)
@kinds
@pytest.mark.parametrize("product", [xent.hvp, xent.gauss_newton], ids=lambda f: f.__name__)
@pytest.mark.parametrize("call", ["labels", "two rounds"])
def test_products_of_heads(call, product, placement, kind):
    """A weight is gathered where it must be, for all chunks, and logits and features are not."""
    function, target, options = linear.CALLS[call]
    mesh, given = linear.placed(placement, kind, target, options)
    along = [np.cos(np.arange(x.size)).reshape(x.shape) for x in linear.HEAD.values()]
    there = [
        jax.device_put(v, given[name].sharding) for name, v in zip(linear.HEAD, along, strict=True)
    ]

    def run(given, along):
        return product(function)(**given, tangent=tuple(along), chunk_bytes=linear.BUDGET)

    made, program = run_on(mesh, kind, run, given, there)
    wants = product(function)(target, **linear.HEAD, tangent=tuple(along))
    for name, got, want in zip(linear.HEAD, made, wants, strict=True):
        assert ulps(got, want) <= 64
        assert lies_as(got, given[name])
    moved = [count for kind, count in sent(program) if kind != "all-reduce"]
    assert all(count <= linear.K * linear.D for count in moved)
    gathered = sum(count >= linear.N * linear.D for count in moved)
    assert gathered <= (5 if placement.startswith("weight") else 0)
