"""Linear heads on many processes are those of one, and no part of a head travels twice in a call."""

import numpy as np
import pytest
import torch
from torch.distributed.tensor import Shard, distribute_tensor
from torch.utils._python_dispatch import TorchDispatchMode

import xent
from tests.backends import converted
from tests.cases import EVERY
from tests.distributed.heads import (
    CLASSES,
    LINE,
    MAIN,
    ROWS,
    WAYS,
    WIDTH,
    S,
    assert_as_on_one,
    placed,
)
from tests.distributed.placed import assert_placed, mesh_of, whole
from tests.distributed.test_torch_processes import exchanged
from tests.distributed.torch import law
from tests.laws.strangers import hits
from tests.linear.pairs import NUMBERS, pairs
from tests.linear.textbook import all_options, head, labels_of, soft_of
from tests.near import BOTH, assert_near, largest

pytestmark = pytest.mark.pinned  # torch 2.11 loses the second derivative of a `redistribute`


def of_softmax(way):
    draw = np.random.default_rng(0)
    every = all_options(draw, ROWS, CLASSES)
    every = {k: torch.from_numpy(x) if isinstance(x, np.ndarray) else x for k, x in every.items()}
    targets = [torch.from_numpy(f((ROWS,), CLASSES)) for f in (labels_of, soft_of)]
    small = {"chunk_bytes": 2 * 8 * CLASSES}
    for target in targets:
        for options in (
            {},
            {**every, **small},
            {"reduction": "none"},
            {**every, "reduction": "sum"},
        ):
            assert_as_on_one(xent.linear_cross_entropy, target, way, options)


def of_entries(way):
    """Check a target of a few classes, of which the tiniest chunks see some each."""
    draw = np.random.default_rng(6)
    indices = np.stack([draw.permutation(CLASSES)[:3] for _ in range(ROWS)])
    entries = torch.from_numpy(indices), torch.from_numpy(draw.uniform(0.1, 0.3, (ROWS, 3)))
    weights = {"class_weight": torch.from_numpy(draw.uniform(0.5, 2, CLASSES))}
    for rest in (None, "uniform"):
        target = xent.SparseDistribution(*entries, rest)
        for options in ({}, {**weights, "chunk_bytes": 2 * 8 * CLASSES}):
            assert_as_on_one(xent.linear_cross_entropy, target, way, options)


def of_targets(way):
    """Check that a target may be all that is placed."""
    given = {k: torch.from_numpy(x) for k, x in head((ROWS,), WIDTH, CLASSES).items()}
    target = torch.from_numpy(labels_of((ROWS,), CLASSES))
    there = distribute_tensor(target, mesh_of(LINE), [S])
    logits = given["features"] @ given["weight"].T
    for loss, arrays in (
        (xent.linear_cross_entropy, list(given.values())),
        (lambda y, z: xent.cross_entropy(y, logits=z), [logits]),
    ):
        leaves = [x.detach().requires_grad_() for x in arrays]
        want, got = loss(target, *leaves), loss(there, *leaves)
        assert_near(whole(got), whole(want))
        pairs = zip(
            torch.autograd.grad(got, leaves), torch.autograd.grad(want, leaves), strict=True
        )
        for x, y in pairs:
            assert type(x) is torch.Tensor
            assert_near(whole(x), whole(y), scale=abs(whole(y)).max())


def of_whole_rows(way):
    assert_as_on_one(xent.linear_head(hits), torch.from_numpy(soft_of((ROWS,), CLASSES)), way, {})


def of_two_heads(way):
    """Check that a teacher lies as the student does, rows in parts or whole, with gradients to both."""
    shape, features, weight = WAYS[way]
    heads = head((ROWS,), 4, CLASSES, seed=7), head((ROWS,), WIDTH, CLASSES)
    given = [torch.from_numpy(x) for both in heads for x in both.values()]
    lie = 2 * (features, weight, weight)
    there = [placed(x, mesh_of(shape), p) for x, p in zip(given, lie, strict=True)]
    for options in ({"reverse": True}, {"skew": 0.25, "reduction": "none"}):
        results = []
        for arrays in (there, given):
            leaves = [x.detach().clone().requires_grad_() for x in arrays]
            x, w, b, *student, bias = leaves
            biases = {"target_bias": b, "bias": bias}
            value = xent.linear_kl_divergence(x, w, *student, **biases, **options)
            known = xent.linear_kl_divergence(
                x.detach(), w.detach(), *student, bias=bias, **options
            )
            every = torch.autograd.grad(value.sum(), leaves, retain_graph=True)
            own = torch.autograd.grad(known.sum(), leaves[3:])
            results.append([value, *every, known, *own])
        for x, y in zip(*(map(whole, made) for made in results), strict=True):
            assert_near(x, y, BOTH, scale=abs(y).max())


def of_elements(way):
    target = torch.from_numpy(soft_of((ROWS,), CLASSES))
    weights = {"sample_weight": target + 1, "pos_weight": target[0] + 0.5}
    for options in ({}, weights, {**weights, "reduction": "none"}):
        assert_as_on_one(xent.linear_binary_cross_entropy, target, way, options)


def of_pairs(way):
    """Check that embeddings lie as they will, and numbers and a mask beside them."""
    shape, *both = WAYS[way]
    keep = torch.arange(ROWS) % 4 != 1
    for loss, numbers in NUMBERS.items():
        given = converted(pairs(ROWS) | numbers, torch.from_numpy)
        two = [placed(given[k], mesh_of(shape), p) for k, p in zip("ab", both, strict=True)]
        there = given | dict(zip("ab", two, strict=True))
        results = []
        for arrays in (given, there):
            leaves = {k: x.detach().clone().requires_grad_() for k, x in arrays.items()}
            value = loss(**leaves, where=keep)
            known, g = xent.value_and_grad(loss)(**arrays, where=keep)
            results.append((value, known, *torch.autograd.grad(value, leaves.values()), *g))
        for x, y in zip(*(map(whole, made) for made in results[::-1]), strict=True):
            assert_near(x, y, BOTH, scale=abs(y).max())
        for x, y in zip(results[1][2:], 2 * list(there.values()), strict=True):
            assert_placed(x, y)


def of_travels(way):
    """Check that a head is gathered where FSDP cuts it, once, and its gradient summed once."""
    given = {k: torch.from_numpy(x) for k, x in head((64,), 64, 256).items()}
    shape, features, weight = WAYS[way]
    mesh, y = mesh_of(shape), torch.zeros(64, dtype=torch.int64)
    leaves = [
        placed(given[k], mesh, p).requires_grad_()
        for k, p in (("features", features), ("weight", weight))
    ]
    small = {"chunk_bytes": 256 * 8 * 64}
    value, seen = exchanged(xent.linear_cross_entropy, y, *leaves, **small)
    large = [n for _, n in seen if n >= 64 * 64]
    assert len(large) == (1 if way == "FSDP" else 0), seen
    _, seen = exchanged(torch.autograd.grad, value, leaves)
    assert len([n for _, n in seen if n >= 64 * 64]) == 1, seen


class Sizes(TorchDispatchMode):
    """Notes the numbers of the largest tensor that is made."""

    def __init__(self):
        super().__init__()
        self.largest = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        if type(made) is torch.Tensor:
            given = [x.untyped_storage() for x in args if type(x) is torch.Tensor]
            if made.untyped_storage().data_ptr() not in {x.data_ptr() for x in given}:
                self.largest = max(self.largest, made.numel())
        return made


def of_memory(way):
    """Check that nothing is as large as the logits of a process, but chunks and the head alone."""
    rows, classes = 1024, 256
    given = {k: torch.from_numpy(x) for k, x in head((rows,), 4, 4 * classes).items()}
    shape, features, weight = WAYS[way]
    leaves = [
        placed(given[k], mesh_of(shape), p).requires_grad_()
        for k, p in (("features", features), ("weight", weight))
    ]
    y = torch.arange(rows)
    with Sizes() as made:
        xent.linear_cross_entropy(y, *leaves, chunk_bytes=64 * classes * 8).backward()
    assert made.largest <= 64 * classes


def of_blocks(way):
    """Check that rows are measured, and differentiated, in blocks that a cache holds, exactly."""
    rows, classes = 2048, 1024
    y, z = torch.arange(rows) % classes, torch.sin(torch.arange(rows * classes)).double()
    z = z.reshape(rows, classes)
    options = {"z_loss": 0.125, "sample_weight": 1 + z[:, 0] ** 2, "where": y % 3 != 1}
    there = placed(z, mesh_of(LINE), [Shard(1)]).requires_grad_()
    with Sizes() as made:
        value = xent.cross_entropy(y, logits=there.detach(), **options)
    assert made.largest <= 1 << 18  # a block
    whole_z = z.clone().requires_grad_()
    for of in (options, {}, {"label_smoothing": 0.125}):
        for target in (y, torch.softmax(2 * z, -1)):
            got = torch.autograd.grad(xent.cross_entropy(target, logits=there, **of), there)[0]
            want = torch.autograd.grad(xent.cross_entropy(target, logits=whole_z, **of), whole_z)[0]
            assert_near(whole(got), whole(want), scale=largest(whole(want)))
    assert_near(whole(value), whole(xent.cross_entropy(y, logits=z, **options)))


KINDS = {
    "blocks": of_blocks,
    "memory": of_memory,
    "targets": of_targets,
    "softmax": of_softmax,
    "entries": of_entries,
    "elements": of_elements,
    "whole rows": of_whole_rows,
    "travels": of_travels,
    "pairs": of_pairs,
    "two heads": of_two_heads,
}


def run(check):
    kind, way = check
    KINDS[kind](way)


CHECKS = [
    (kind, way)
    for kind in ("softmax", "entries", "elements", "whole rows")
    for way in (WAYS if EVERY else MAIN)
]
CHECKS += [("travels", way) for way in ("rows", "classes", "FSDP")]
CHECKS += [("two heads", way) for way in ("rows, plain head", "classes", "FSDP")]
CHECKS += [("pairs", way) for way in ("rows", "classes, plain features", "FSDP")]
CHECKS += [("memory", "classes"), ("targets", "plain"), ("blocks", "classes")]

said, test_it_is_as_on_one_process = law(run, CHECKS)
