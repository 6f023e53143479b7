"""How many products of the size of the logits a linear head takes, whose logits are never stored whole."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import xent

ROWS, WIDTH, CLASSES = 64, 32, 1000


def head(features, weight):
    return xent.linear_cross_entropy(torch.zeros(ROWS, dtype=torch.int64), features, weight)


def log_probs(features, weight):
    """Return a sum of both: what will be asked of them is not known when they are made."""
    made = xent.linear_log_probs(torch.zeros(ROWS, dtype=torch.int64), features, weight)
    return sum(x.sum() for x in made)


def pairs(features, weight):
    return xent.contrastive_loss(features, weight, temperature=0.1)


@pytest.mark.parametrize(
    ("loss", "classes", "forward", "with_gradient"),
    [(head, CLASSES, 1, 3), (log_probs, CLASSES, 1, 4), (pairs, ROWS, 2, 6)],
)
def test_products(loss, classes, forward, with_gradient):
    for wanted, backward in ((forward, False), (with_gradient, True)):
        features, weight = (torch.randn(n, WIDTH, requires_grad=backward) for n in (ROWS, classes))
        with FlopCounterMode(display=False) as counter:
            value = loss(features, weight)
            if backward:
                value.backward()
        assert counter.get_total_flops() == wanted * 2 * ROWS * WIDTH * classes
