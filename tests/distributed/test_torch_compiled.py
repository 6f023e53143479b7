"""DTensors inside torch.compile: value and gradients are those of one process, placed as ever."""

import pytest
import torch

import xent
from tests.cases import EVERY
from tests.distributed.heads import CLASSES, ROWS, WAYS
from tests.distributed.placed import WAYS as ROW_WAYS
from tests.distributed.placed import distributed
from tests.distributed.test_torch_mixed import LABELS, WEIGHTS, arrays_of, assert_alike, there_of
from tests.distributed.torch import law

pytestmark = pytest.mark.pinned  # as what it imports

NUMBERS = {"label_smoothing": 0.125, "z_loss": 0.25, "softcap": 3.0}
ASIDE = {"sample_weight": WEIGHTS, "ignore_index": 1}
OPTIONS = {
    "plain": {},
    "numbers": NUMBERS,
    "weights": ASIDE,
    "rows": {"reduction": "none"},
    "all": NUMBERS | ASIDE,
}
FEW = {"chunk_bytes": 3 * CLASSES * 8}
"""Chunks of three rows, where a process has them all."""


def compiled(function):
    torch._dynamo.reset()
    return torch.compile(function, fullgraph=True, backend="aot_eager")


def slopes(function, arrays):
    """Return value and gradients of what is differentiated through."""
    x = [y.detach().clone().requires_grad_() for y in arrays]
    value = function(*x)
    return [value, *torch.autograd.grad(value.sum(), x)]


def of_heads(way, options):
    arrays = arrays_of((ROWS,))
    there = there_of(arrays, way)

    def loss(*head):
        return xent.linear_cross_entropy(LABELS, *head, **options, **FEW)

    got, want = slopes(compiled(loss), there), slopes(loss, arrays)
    assert_alike(got[1:], want[1:], there)
    assert_alike(got[:1], want[:1], [loss(*there)])


def of_logits(way, options):
    draw = torch.Generator().manual_seed(4)
    z = torch.randn(ROWS, CLASSES, dtype=torch.float64, generator=draw)
    there = distributed(z, way)

    def loss(x):
        return xent.cross_entropy(LABELS, logits=x, **options)

    got, want = slopes(compiled(loss), [there]), slopes(loss, [z])
    assert_alike(got[1:], want[1:], [there])
    assert_alike(got[:1], want[:1], [loss(there)])


def of_pairs(way, options):
    """Of pairs a process has neither whole columns nor their statistics."""
    features = arrays_of((ROWS,))[0]
    arrays = [features, features.flip(0)]
    there = [distributed(x, way) for x in arrays]

    def loss(a, b):
        return xent.contrastive_loss(a, b, temperature=0.5, **options)

    got, want = slopes(compiled(loss), there), slopes(loss, arrays)
    assert_alike(got[1:], want[1:], there)
    assert_alike(got[:1], want[:1], [loss(*there)])


KINDS = {"heads": of_heads, "logits": of_logits, "pairs": of_pairs}


def run(check):
    kind, way, options = check
    KINDS[kind](way, OPTIONS[options])


CHECKS = [
    (kind, way, options)
    for kind, ways in (("heads", WAYS), ("logits", ROW_WAYS))
    for way in ways
    for options in OPTIONS
]
if not EVERY:  # each takes seconds on four processes
    FEW_WAYS = ("heads", "FSDP"), ("heads", "rows, classes"), ("logits", "classes")
    CHECKS = [(*way, "all") for way in FEW_WAYS]
CHECKS += [
    ("pairs", way, options) for way in ("rows", "replicated") for options in ("plain", "rows")
]

said, test_it_is_as_on_one_process = law(run, CHECKS)
