"""What is wrong with a part is said by name: the loss, its place among the classes, what is merged."""

import functools

import numpy as np
import pytest

import xent
from tests.errors.said import assert_said, rows

Z, LABELS, SOFT = np.zeros((2, 3)), [0, 7], np.full((2, 3), 0.1)
PLACE = {"first": 3, "classes": 9}
part = xent.part(xent.cross_entropy)


def of(loss, *args, **given):
    return lambda: xent.part(loss)(*args, **{**PLACE, **given})


def whole_target():
    return part(np.full((2, 9), 1 / 9), logits=Z, **PLACE)


def merged(every):
    return lambda: part(LABELS, logits=Z, **PLACE).merged(every)


LOSSES = [
    (lambda: xent.part(None), TypeError, "no parts are known of"),
    (lambda: xent.part(print), TypeError, "no parts are known of", "by xent.loss"),
    (lambda: xent.part(xent.grad(xent.entropy)), TypeError, "grad(entropy)"),
    (
        of(xent.binary_cross_entropy, Z, logits=Z),
        TypeError,
        "binary_cross_entropy has no parts",
        "row",
    ),
    (of(xent.sigmoid, Z), TypeError, "sigmoid has no parts", "each of its elements"),
    (of(xent.softmax, Z), TypeError, "softmax has no parts", "merge the logsumexp"),
    (
        of(xent.linear_cross_entropy, LABELS, Z, Z),
        TypeError,
        "linear head",
        "a part of the loss of",
    ),
    (
        of(xent.kl_divergence, target_logits=Z, probs=SOFT),
        ValueError,
        "target_logits beside probs",
    ),
]
PLACES = [
    (of(xent.cross_entropy, LABELS, logits=Z, first=7), ValueError, "first is 7", "0 to 6"),
    (of(xent.cross_entropy, LABELS, logits=Z, first=-1), ValueError, "first is -1"),
    (of(xent.cross_entropy, LABELS, logits=Z, first=0.0), TypeError, "first is 0.0", "an int"),
    (of(xent.cross_entropy, LABELS, logits=Z, first=None), TypeError, "first is None"),
    (
        of(xent.cross_entropy, LABELS, logits=Z, first=np.ones(1)),
        TypeError,
        "dtype float64 and shape (1,)",
    ),
    (of(xent.cross_entropy, LABELS, logits=Z, first=np.asarray(7)), ValueError, "first is 7"),
    (of(xent.cross_entropy, LABELS, logits=Z, first=np.asarray(-1)), ValueError, "first is -1"),
    (of(xent.cross_entropy, LABELS, logits=Z, classes=2), ValueError, "classes is 2", "has 3"),
    (of(xent.cross_entropy, LABELS, logits=Z, classes=9.0), TypeError, "classes is 9.0"),
    (functools.partial(part, LABELS, logits=Z), TypeError, "first"),
    (of(xent.cross_entropy, [0, 9], logits=Z), ValueError, "label 9 at (1,)", "0 to 8"),
    (of(xent.cross_entropy, LABELS, logits=Z[:, :0]), ValueError, "has no classes along axis -1"),
    (whole_target, ValueError, "shape (2, 9) and logits has shape (2, 3)"),
    (of(xent.cross_entropy, LABELS, logits=Z, class_weight=np.ones(3)), ValueError, "takes (9,)"),
    (of(xent.cross_entropy, SOFT, Z, validate=True), ValueError, "validate=True sums"),
    (of(xent.cross_entropy, LABELS, logits=Z, dim=1), TypeError, "dim", "xent's name is axis"),
    (of(xent.cross_entropy, LABELS), TypeError, "exactly one of"),
    (of(xent.cross_entropy, None, logits=Z), TypeError, "target is None"),
]
MERGES = [
    (merged([]), ValueError, "shape (0,)", "(parts, 3, 2)"),
    (merged(np.zeros((3, 2))), ValueError, "shape (3, 2)"),
    (merged(np.zeros((2, 4, 2))), ValueError, "shape (2, 4, 2)"),
    (merged(5), ValueError, "shape ()"),
    (merged(None), TypeError, "merged got None", "the statistics of each part"),
    (merged([np.zeros((3, 2)), np.zeros((7, 2))]), ValueError, "part 1 are float64 (7, 2)"),
    (merged([np.zeros((3, 2), "f4"), np.zeros((3, 2))]), ValueError, "part 0 float32 (3, 2)"),
    (merged([part(LABELS, logits=Z, **PLACE)]), TypeError, "takes the statistics"),
]


@pytest.mark.parametrize(("call", "kind", "held"), rows(LOSSES, PLACES, MERGES))
def test_what_is_wrong_is_said(call, kind, held):
    assert_said(call, kind, held)


def test_statistics_are_of_the_library_of_the_part():
    torch = pytest.importorskip("torch")
    there = part(torch.asarray(LABELS), logits=torch.zeros(2, 3), **PLACE).statistics
    assert_said(merged([there, there]), TypeError, ("prediction is numpy", "statistics is torch"))
