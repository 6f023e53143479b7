"""What a program pays at its first call."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys, torch, xent
before = set(sys.modules)
labels, x = torch.tensor([0, 2]), torch.zeros(2, 3, requires_grad=True)
for loss, names in ((xent.cross_entropy, ["logits"]), (xent.linear_cross_entropy, ["features", "weight"])):
    given = dict.fromkeys(names, x)
    loss(labels % 2, **given).backward()
    xent.value_and_grad(loss)(labels % 2, **{k: v.detach() for k, v in given.items()})
    xent.with_metrics(loss)(labels % 2, **given)
loaded = {name for name in sys.modules if name.startswith("torch._dynamo")} - before
assert not loaded, sorted(loaded)[:3]
"""


def run(script):
    """Run a program of its own, to its end."""
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_an_eager_call_loads_no_compiler():
    """A short program would notice how long it takes to load."""
    run(SCRIPT)


FIRST = """
import torch, xent
from torch.fx.experimental.proxy_tensor import make_fx
y, z = torch.tensor([0, 2]), torch.linspace(-1.0, 1.0, 6).reshape(2, 3)
class Module(torch.nn.Module):
    def forward(self, z):
        return xent.cross_entropy(y, logits=z)
loss = Module()
value = {}
torch.testing.assert_close(value, torch.nn.functional.cross_entropy(z, y))
"""
TRACERS = {
    "jit.trace": "torch.jit.trace(loss, (z,))(z)",
    "make_fx": "make_fx(loss)(z)(z)",
    "export": "torch.export.export(loss, (z,)).module()(z)",
    "compile": "torch.compile(loss, backend='eager', fullgraph=True)(z)",
    "vmap": "torch.func.vmap(loss)(z[None])[0]",
    "forward mode": "torch.func.jvp(loss, (z,), (z,))[0]",
}


@pytest.mark.parametrize("tracer", TRACERS)
def test_whatever_traces_the_first_call(tracer):
    """The library's engine is loaded under its eyes."""
    run(FIRST.format(TRACERS[tracer]))
