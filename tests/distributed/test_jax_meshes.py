"""JAX arrays that lie on two meshes, or stay on two sets of devices, are said by their names."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P

import xent
from tests.distributed.test_jax import on_eight


def _on(x, devices, *names):
    mesh = jax.sharding.Mesh(np.asarray(devices), names)
    return jax.device_put(x, jax.sharding.NamedSharding(mesh, P(names[0])))


@on_eight
@pytest.mark.parametrize("loss", [xent.cross_entropy, xent.value_and_grad(xent.cross_entropy)])
def test_arrays_on_two_meshes_are_said_by_their_names(loss):
    """Of other devices, of more of them, in another order or shape: all that JAX can't put together."""
    d, y, z = np.asarray(jax.devices()), jnp.arange(8) % 6, jnp.ones((8, 6))
    logits = _on(z, d[:4], "a")
    for devices, names in (
        (d[[1, 0, 2, 3]], "a"),
        (d[:4].reshape(2, 2), "xy"),
        (d.reshape(2, 4), "xy"),
    ):
        with pytest.raises(ValueError, match=r"one mesh: logits is on .* target is on .*; nothing"):
            loss(_on(y, devices, *names), logits=logits)
    for there in (_on(y, d[4:], "b"), jax.device_put(y, d[0])):
        with pytest.raises(ValueError, match=r"one device: logits is .* target is .*; nothing"):
            loss(there, logits=logits)
    loss(y, logits=logits)  # which JAX moves
    loss(_on(y, d[:4], "a"), logits=z)
