"""A head whose classes lie on several devices: `shard_map`, with the statistics of each part gathered.

Each device makes the logits of its own classes and measures them; k numbers of each row go to all others,
and the gradient stays where the logits are. JAX makes eight devices of one processor here. Printed are the
loss, by how much it and its gradients are off those of one device, and what the compiled program sends: bytes
that a device receives for each row.
"""

import os
import re
from functools import partial

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import xent

ROWS, CLASSES, WIDTH = 64, 4096, 32
BYTES = {"f32": 4, "bf16": 2, "s32": 4}


def parallel_cross_entropy(mesh):
    """Return the loss of labels and logits whose classes lie over the devices of a mesh."""

    @partial(
        jax.shard_map,
        mesh=mesh,
        in_specs=(P(), P(None, "classes")),
        out_specs=(P(), P(None, "classes")),
    )
    def both(labels, logits):
        """Return the value, and the gradient of this device's classes."""
        size = logits.shape[-1]
        part = xent.part(xent.cross_entropy)(
            labels,
            logits=logits,
            first=jax.lax.axis_index("classes") * size,
            classes=size * mesh.shape["classes"],
        )
        every = jax.lax.all_gather(part.statistics, "classes", to="invarying")  # alike in all
        return part.merged(every).value_and_gradient()

    @jax.custom_vjp
    def loss(labels, logits):
        return both(labels, logits)[0]

    loss.defvjp(both, lambda gradient, slope: (None, slope * gradient))
    return loss


def received(program, devices):
    """Return the bytes that a device receives, by the collective: all of a gather but its own part."""
    collective = r"= (\w+)\[([\d,]*)\]\S* (all-gather|all-reduce|all-to-all|collective-permute)\("
    total = {}
    for dtype, shape, kind in re.findall(collective, program):
        size = BYTES[dtype] * int(np.prod([int(n) for n in shape.split(",") if n]))
        turns = 2 if kind == "all-reduce" else 1  # as in a ring
        total[kind] = total.get(kind, 0) + turns * size * (devices - 1) / devices
    return total


def step(loss, labels, features, weight):
    """Return the value and the gradients of features and weight."""
    return jax.value_and_grad(lambda x, w: loss(labels, x @ w.T), (0, 1))(features, weight)


def main():
    """Print what comes of the parts, and what of the whole."""
    draw = np.random.default_rng(0)
    labels = jnp.asarray(draw.integers(0, CLASSES, ROWS))
    features = jnp.asarray(draw.normal(size=(ROWS, WIDTH)), jnp.float32)
    weight = jnp.asarray(draw.normal(size=(CLASSES, WIDTH)) / 4, jnp.float32)
    alone = jax.jit(partial(step, lambda y, z: xent.cross_entropy(y, logits=z)))
    value, slopes = alone(labels, features, weight)
    print(f"1 device   loss {value:.6f}")
    for devices in (2, 4, 8):
        mesh = jax.make_mesh(
            (devices,), ("classes",), (AxisType.Auto,), devices=jax.devices()[:devices]
        )
        whole, split = NamedSharding(mesh, P()), NamedSharding(mesh, P("classes"))
        given = [jax.device_put(x, whole) for x in (labels, features)]
        given.append(jax.device_put(weight, split))
        program = jax.jit(partial(step, parallel_cross_entropy(mesh))).lower(*given).compile()
        there, gradients = program(*given)
        assert gradients[1].sharding.is_equivalent_to(split, 2)
        off = [
            float(jnp.max(jnp.abs(a - b)) / jnp.max(jnp.abs(b)))
            for a, b in zip((there, *map(np.asarray, gradients)), (value, *slopes), strict=True)
        ]
        sent = received(program.as_text(), devices)
        sent = ", ".join(f"{kind} {n / ROWS:g}" for kind, n in sorted(sent.items()))
        print(f"{devices} devices  loss {there:.6f}  off {max(off):.1e}  bytes a row: {sent}")


if __name__ == "__main__":
    main()
