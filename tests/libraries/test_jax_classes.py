"""Parts of classes in one program of JAX for all devices: `xent.part` with its place traced."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

import xent
from tests.cases import NAMED
from tests.laws.parts import CLASSES
from tests.near import assert_near, largest

NAMES = (
    "cross_entropy-labels-logits",
    "cross_entropy-distributions-logits",
    "entropy-nothing-logits",
)
of_cases = pytest.mark.parametrize("case", [NAMED[name] for name in NAMES], ids=str)


def arguments(case):
    """Return the arrays that are cut along the classes, the others, and what is no array."""
    given = case.arguments(seed=101, classes=CLASSES) | case.options(classes=CLASSES)
    shape = given[case.form].shape
    arrays = {k: jnp.asarray(x) for k, x in given.items() if isinstance(x, np.ndarray)}
    cut = {k: arrays.pop(k) for k in (case.form, case.target) if k and given[k].shape == shape}
    return cut, arrays, {k: x for k, x in given.items() if k not in cut and k not in arrays}


def whole(case, numbers, gather, cut, others):
    """Return the value and this device's gradient."""
    size = cut[case.form].shape[-1]
    first = jax.lax.axis_index("classes") * size
    part = xent.part(case.function)(**cut, **others, **numbers, first=first, classes=CLASSES)
    every = gather(part.statistics, "classes")
    return part.merged(every).value_and_gradient()


def assert_whole(case, value, gradient):
    cut, others, numbers = arguments(case)
    wanted, slope = case.both(**cut, **others, **numbers)
    assert_near(np.asarray(value), np.asarray(wanted), 8)
    assert_near(np.asarray(gradient), np.asarray(slope), 8, scale=largest(slope))


@of_cases
def test_parts_of_a_mesh(case):
    """With the checks of `shard_map` on: the value is known to be the same on all devices."""
    cut, others, numbers = arguments(case)
    mesh = Mesh(np.asarray(jax.devices()[:1]), ("classes",))
    split = P(None, "classes")
    specs = {"in_specs": (split, P()), "out_specs": (P(), split)}
    gather = partial(jax.lax.all_gather, to="invarying")
    both = jax.shard_map(partial(whole, case, numbers, gather), mesh=mesh, **specs)
    assert_whole(case, *jax.jit(both)(cut, others))


@of_cases
def test_parts_of_a_named_axis(case):
    """Four of them, which meet in the same collective as devices do."""
    cut, others, numbers = arguments(case)
    parts = {k: jnp.stack(jnp.split(x, 4, axis=-1)) for k, x in cut.items()}
    mine = partial(whole, case, numbers, jax.lax.all_gather)
    both = jax.jit(jax.vmap(mine, in_axes=(0, None), axis_name="classes"))
    values, gradients = both(parts, others)
    assert np.all(np.asarray(values) == np.asarray(values)[0])
    assert_whole(case, values[0], np.concatenate(np.asarray(gradients), axis=-1))
