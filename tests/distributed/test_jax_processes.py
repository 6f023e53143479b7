"""Two processes of JAX, each with half of the rows; one whose peer is missing ends with an error."""

import os
import socket
import subprocess
import sys

PROGRAM = """
import sys
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
import xent

port, rank, wait, ends = *map(int, sys.argv[1:4]), sys.argv[4]
jax.config.update("jax_cpu_collectives_implementation", "gloo")
jax.config.update("jax_enable_x64", True)
address = f"localhost:{port}"
jax.distributed.initialize(address, 2, rank, initialization_timeout=wait, heartbeat_timeout_seconds=10)
if ends == "killed" and rank == 1:
    import os
    os._exit(1)
draw = np.random.default_rng(0)
z, y = draw.normal(size=(16, 64)), draw.integers(0, 64, 16)
for spec in (P("all", None), P(None, "all")):
    mesh = Mesh(np.asarray(jax.devices()), ("all",))
    where = NamedSharding(mesh, spec), NamedSharding(mesh, P(spec[0]))
    given = [
        jax.make_array_from_callback(x.shape, s, lambda i, x=x: x[i])
        for x, s in zip((z, y), where)
    ]
    value, g = jax.jit(xent.value_and_grad(xent.cross_entropy))(given[1], logits=given[0])
    want, slope = xent.value_and_grad(xent.cross_entropy)(y, logits=z)
    assert abs(float(value) - want) <= 8 * np.finfo(float).eps * want
    for part in g.addressable_shards:
        np.testing.assert_allclose(part.data, slope[part.index], rtol=1e-13)
print("equal")
"""


def free_port():
    with socket.socket() as s:
        s.bind(("localhost", 0))
        return s.getsockname()[1]


def start(port, rank, *, wait=60, ends="well"):
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=1", "JAX_PLATFORMS": "cpu"}
    run = [sys.executable, "-c", PROGRAM, str(port), str(rank), str(wait), ends]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(run, env=os.environ | flags, **pipes)


def ended(processes, timeout=120):
    """Return what they said and how they ended; none outlives the test."""
    try:
        said = [p.communicate(timeout=timeout)[0] for p in processes]
        return said, [p.returncode for p in processes]
    finally:
        for p in processes:
            p.kill()


def test_two_processes_have_the_numbers_of_one():
    port = free_port()
    said, codes = ended([start(port, 0), start(port, 1)])
    assert codes == [0, 0], said
    assert all("equal" in text for text in said)


def test_a_missing_peer_is_an_error():
    _, (code,) = ended([start(free_port(), 0, wait=5)])
    assert code != 0


def test_a_killed_peer_is_an_error():
    port = free_port()
    _, codes = ended([start(port, 0, ends="killed"), start(port, 1, ends="killed")])
    assert codes[0] != 0
