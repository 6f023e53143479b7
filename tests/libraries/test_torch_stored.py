"""What a compiled loss stores in a processor's memory: of the logits' size its gradient, and nothing else."""

import re

import numpy as np
import pytest
import torch

import xent

pytestmark = [
    pytest.mark.pinned,
    pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
]

ROWS, CLASSES = 67, 203
STORED = re.compile(rf"= empty_strided_cpu\(\({ROWS}, {CLASSES}\)")


@pytest.mark.parametrize(
    "loss",
    [
        lambda t, z: xent.cross_entropy(torch.argmax(t, 1), logits=z),
        lambda t, z: xent.cross_entropy(t, logits=z),
        lambda t, z: xent.kl_divergence(target_logits=t, logits=z),
        lambda t, z: xent.cross_entropy(torch.argmax(t, 1), logits=z, label_smoothing=0.1),
        lambda t, z: xent.focal_loss(t, logits=z),
        lambda t, z: xent.binary_focal_loss(t, logits=z),
    ],
    ids=[
        *("labels", "soft targets", "two rows of logits", "smoothed labels"),
        *("focal", "binary focal"),
    ],
)
def test_a_compiled_gradient_is_all_that_is_stored(loss):
    from torch._inductor.utils import run_and_get_code

    rng = np.random.default_rng(0)
    t, z = (torch.asarray(rng.normal(size=(ROWS, CLASSES)), dtype=torch.float32) for _ in range(2))
    t = torch.softmax(t, 1)
    z.requires_grad_()
    compiled = torch.compile(lambda z: loss(t, z), dynamic=False)
    _, programs = run_and_get_code(lambda: compiled(z).backward())
    assert z.grad is not None
    assert sum(len(STORED.findall(program)) for program in programs) == 1
