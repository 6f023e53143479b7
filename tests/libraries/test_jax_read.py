"""Labels that are there are checked beside logits that JAX traces (R13)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.libraries import read

TRANSFORMS = {"grad": jax.grad, "jit": jax.jit, "vmap": lambda f: lambda x: jax.vmap(f)(x[None])}


@pytest.mark.parametrize("asarray", [np.asarray, jnp.asarray])
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("wrong", read.WRONG)
def test_what_is_there_is_read(transform, wrong, asarray):
    read.check_read(TRANSFORMS[transform], asarray, *read.WRONG[wrong])


@pytest.mark.parametrize("transform", ["grad", "jit"])
def test_each_side_is_read_by_itself(transform):
    read.check_sides(TRANSFORMS[transform], jnp.asarray)


def test_what_a_traced_mask_leaves_out_is_not_read():
    read.check_masked(jax.jit, jnp.asarray)
