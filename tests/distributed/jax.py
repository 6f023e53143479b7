"""Where arrays lie on eight devices, and what a compiled program sends between them."""

import re
from math import prod

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

DEVICES = 8
FLAGS = f"--xla_force_host_platform_device_count={DEVICES}"
ROWS, CLASSES = 16, 1024
SHARE = ROWS * CLASSES // DEVICES
PLACEMENTS = {
    "rows": ((8,), ("rows",), P("rows", None)),
    "classes": ((8,), ("classes",), P(None, "classes")),
    "both": ((2, 4), ("rows", "classes"), P("rows", "classes")),
}
_SENT = re.compile(
    r"= (.*?) (all-gather|all-to-all|collective-permute|all-reduce|reduce-scatter)(?:-start)?\("
)


class Placed:
    """A mesh, and where an array lies on it by its size."""

    def __init__(self, name, kind=AxisType.Auto):
        shape, axes, self.spec = PLACEMENTS[name]
        devices = np.asarray(jax.devices()[:DEVICES]).reshape(shape)
        self.mesh = Mesh(devices, axes, axis_types=(kind,) * len(axes))

    def put(self, given, rows=ROWS, classes=CLASSES):
        """Return a dictionary whose arrays are placed: with rows, with classes, or with both."""
        parts = {rows: self.spec[0], classes: self.spec[1]}
        return {
            name: jax.device_put(
                x, NamedSharding(self.mesh, P(*(parts.get(n) for n in np.shape(x))))
            )
            for name, x in given.items()
        }


def compiled(function, *args):
    return jax.jit(function).lower(*args).compile()


def sent(program):
    """Return the collectives of a program, each with how many numbers it makes."""
    found = (_SENT.search(line) for line in program.as_text().splitlines())
    return [(m[2], sum(map(_size, re.findall(r"\w\[([\d,]*)\]", m[1])))) for m in found if m]


def _size(shape):
    return prod(map(int, shape.split(","))) if shape else 1


def room(program):
    """Return the bytes of temporaries on each device."""
    return program.memory_analysis().temp_size_in_bytes


def ulps(got, want, terms=0.0):
    """Return by how many ULP of the largest entry, or of the terms that it is made of, two arrays differ."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    largest = max(np.max(np.abs(x), initial=0.0) for x in (want, terms))
    scale = np.finfo(want.dtype).eps * largest
    return np.max(np.abs(got - want), initial=0.0) / scale if scale else np.max(np.abs(got))
