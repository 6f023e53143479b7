"""Every loss of a DTensor is that of one process, and its derivatives are placed as what they are of."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Shard, distribute_tensor
from torch.utils.checkpoint import checkpoint

import xent
from tests.cases import CASES, EVERY, NAMED, in_brief
from tests.distributed.placed import (
    CLASSES,
    ROWS,
    WAYS,
    assert_as_on_one,
    assert_placed,
    distributed,
    tensors,
    whole,
)
from tests.distributed.torch import law
from tests.near import assert_near
from tests.support.functions import OTHERS, VALUE_ONLY

pytestmark = pytest.mark.pinned  # torch 2.11 loses the second derivative of a `redistribute`

BRIEF = [case for case in CASES if in_brief(case)]
MAIN = NAMED["cross_entropy-labels-logits"]
BINARY = NAMED["binary_cross_entropy-binary-logits"]
PERPLEXITY = NAMED["perplexity-labels-logits"]
FUNCTIONS = ("is_distribution", "self_information", "smooth_labels", "softmax_jacobian")
WEIGHTS = ("class_weight", "pos_weight", "sample_weight", "where")


def given_of(case, options, **others):
    return {**case.given(options, rows=ROWS, classes=CLASSES), **others}


def every(case):
    """Return all options that fit together."""
    return [name for name in case.options() if name not in ("ignore_index", "denominator")]


def of_way(name):
    """Check a placement of each loss: by itself, and with all options."""
    case, way = name
    assert_as_on_one(case, given_of(case, ()), way)
    assert_as_on_one(case, given_of(case, every(case)), way)
    if case.kind == "labels" and case.takes("label_smoothing"):  # which class weights make a row of
        assert_as_on_one(case, given_of(case, ("label_smoothing",)), way)


def of_others(name):
    """Check the derivatives of target and weights, which are plain tensors or DTensors."""
    case, way, of = name
    chosen = [option for option in every(case) if option != "label_smoothing"]
    assert_as_on_one(case, given_of(case, chosen), way, of, others=True)


def of_reduction(name):
    """Check reductions and a divisor."""
    _, way, reduction = name
    for case in (MAIN, NAMED["cross_entropy-distributions-logits"]):
        for options in ((), ("ignore_index",), ("class_weight",), WEIGHTS):
            chosen = [option for option in options if case.takes(option)]
            assert_as_on_one(case, given_of(case, chosen, reduction=reduction), way)
    answers = given_of(BINARY, (), reduction=reduction, ignore_index=(-1, -100))
    answers["target"][::2, ::3] = -1
    assert_as_on_one(BINARY, answers, way)
    if reduction == "mean":
        assert_as_on_one(MAIN, given_of(MAIN, ("denominator",)), way)
        given = PERPLEXITY.given(("sample_weight", "where"), rows=(4, 6), classes=CLASSES)
        assert_as_on_one(PERPLEXITY, {**given, "sequence_axis": 1}, "rows")


def of_checkpoint(name):
    """Check that a checkpoint, which unpacks a tensor once only, makes the same gradient."""
    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    draw = torch.Generator().manual_seed(0)
    z, y = torch.randn(8, 12, generator=draw), torch.arange(8)

    def slope(x, loss):
        x = x.detach().requires_grad_()
        loss(x).backward()
        return x.grad

    def loss(x):
        return xent.cross_entropy(y, logits=x)

    def kept(x):
        return checkpoint(loss, x, use_reentrant=False)

    placed = distribute_tensor(z, mesh, [Shard(1)])
    assert torch.equal(slope(placed, kept).full_tensor(), slope(placed, loss).full_tensor())


def of_sparse(name):
    """Check a distribution of a few classes, and its probabilities' own derivatives."""
    way, rest = name
    draw = np.random.default_rng(8)
    indices = np.stack([draw.permutation(CLASSES)[:4] for _ in range(ROWS[0])])
    given = {"indices": indices, "p": draw.uniform(0.05, 0.2, indices.shape)}
    given |= {"logits": draw.normal(size=(*ROWS, CLASSES))}
    given |= {"class_weight": draw.uniform(0.5, 2, CLASSES)}

    def function(indices, p, loss=xent.cross_entropy, **given):
        return loss(xent.SparseDistribution(indices, p, rest), **given)

    both = partial(function, loss=xent.value_and_grad(xent.cross_entropy))
    case = SimpleNamespace(function=function, both=both, form="logits")
    assert_as_on_one(case, given, way, "placed", others=True)
    del given["class_weight"]
    assert_as_on_one(case, given, way, others=False)


def of_function(name):
    """Check a function that is no loss, and its derivative."""
    function, way = name
    given, textbook = OTHERS[function]
    moving = next(iter(given))
    arrays = tensors(given)
    x, call = arrays.pop(moving), partial(getattr(xent, function), **arrays)
    got, want = whole(call(**{moving: distributed(x, way)})), textbook(**given)
    if function in VALUE_ONLY:
        assert np.array_equal(got, want)
        return
    assert_near(got, want)
    there = distributed(x, way).requires_grad_()
    for y in (x.requires_grad_(), there):
        call(**{moving: y}).square().sum().backward()
    assert_placed(there.grad, there)
    assert_near(whole(there.grad), whole(x.grad), scale=abs(whole(x.grad)).max())


def run(check):
    kind, *name = check
    ways = {"way": of_way, "sparse": of_sparse, "others": of_others, "reduction": of_reduction}
    {**ways, "function": of_function, "checkpoint": of_checkpoint}[kind](name)


MOST = ("rows", "classes", "rows, classes")
CHECKS = [("way", case, way) for case in (CASES if EVERY else BRIEF) for way in MOST]
CHECKS += [("way", MAIN, way) for way in WAYS if way not in MOST]
CHECKS += [("others", case, "rows, classes", "placed") for case in BRIEF]
CHECKS += [("others", NAMED["hellinger_distance-pmf-q"], "classes", "plain")]  # one has no class
CHECKS += [("sparse", way, rest) for way in MOST for rest in (None, "uniform")]
CHECKS += [("checkpoint",)]
CHECKS += [("function", "one_hot", "rows")]
CHECKS += [("function", name, way) for name in FUNCTIONS for way in MOST]
CHECKS += [("reduction", MAIN, "rows, classes", r) for r in ("none", "sum", "mean")]
if EVERY:
    MORE = [(case, way) for case in CASES for way in WAYS if way != "partial"]
    CHECKS += [("way", case, way) for case, way in MORE if way not in MOST and case != MAIN]
    CHECKS += [c for x in MORE if (c := ("others", *x, "plain")) not in CHECKS]

said, test_it_is_as_on_one_process = law(run, CHECKS)
