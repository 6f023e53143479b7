"""What a program pays at its first call."""

import subprocess
import sys

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


def test_an_eager_call_loads_no_compiler():
    """It takes more than a second to load, which a short program would notice."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
