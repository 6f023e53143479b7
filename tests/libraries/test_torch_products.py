"""How many products of the size of the logits a linear head takes, whose logits are never stored whole."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode, mm_flop

import xent

ROWS, WIDTH, CLASSES = 64, 128, 1000


def added(total, a, b, **kwargs):
    """Return what torch's counter leaves out: a product that is added to another chunk's."""
    return mm_flop(a, b)


IN_PLACE = {torch.ops.aten.addmm_: added}


def head(features, weight):
    return xent.linear_cross_entropy(torch.zeros(ROWS, dtype=torch.int64), features, weight)


def log_probs(features, weight):
    """Return a sum of both: what will be asked of them is not known when they are made."""
    made = xent.linear_log_probs(torch.zeros(ROWS, dtype=torch.int64), features, weight)
    return sum(x.sum() for x in made)


def pairs(a, b):
    return xent.contrastive_loss(a, b, temperature=0.1)


def pairs_in_chunks(a, b):
    """Return it of logits that don't fit: its gradients wait for the columns, which all rows are part of."""
    return xent.contrastive_loss(a, b, temperature=0.1, chunk_bytes=1 << 20)


def pairs_in_strips(a, b):
    """Return it of so many logits that a chunk has not whole rows."""
    return xent.contrastive_loss(a, b, temperature=0.1, chunk_bytes=1 << 18)


def signed_pairs(a, b):
    return xent.sigmoid_contrastive_loss(a, b, scale=10, bias=-10)


@pytest.mark.parametrize(
    ("loss", "rows", "classes", "forward", "with_gradient"),
    [
        (head, ROWS, CLASSES, 1, 3),
        (log_probs, ROWS, CLASSES, 1, 4),
        (pairs, ROWS, ROWS, 1, 3),
        (pairs_in_chunks, CLASSES, CLASSES, 1, 4),
        (pairs_in_strips, CLASSES, CLASSES, 2, 6),
        (signed_pairs, CLASSES, CLASSES, 1, 3),
    ],
)
def test_products(loss, rows, classes, forward, with_gradient):
    for wanted, backward in ((forward, False), (with_gradient, True)):
        features, weight = (torch.randn(n, WIDTH, requires_grad=backward) for n in (rows, classes))
        with FlopCounterMode(display=False, custom_mapping=IN_PLACE) as counter:
            value = loss(features, weight)
            if backward:
                value.backward()
        assert counter.get_total_flops() == wanted * 2 * rows * WIDTH * classes
