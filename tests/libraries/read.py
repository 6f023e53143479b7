"""What can be read beside logits that are traced: calls of wrong targets, and of right ones."""

import re

import numpy as np
import pytest

import xent

LABELS, DENSE = np.asarray([0, 1, 5]), np.full((3, 3), 1 / 3)
WRONG = {
    "labels": (xent.cross_entropy, LABELS, "target holds label 5 at (2,); labels are 0 to 2"),
    "focal": (xent.focal_loss, LABELS, "target holds label 5 at (2,); labels are 0 to 2"),
    "soft": (xent.cross_entropy, DENSE * 40, "target holds 13.3333"),
    "kl": (xent.kl_divergence, -DENSE, "target holds -0.3333"),
    "binary": (xent.binary_cross_entropy, DENSE + 1, "target holds 1.3333"),
    "yes or no": (
        xent.binary_cross_entropy,
        np.full((3, 3), 2),
        "target holds label 2 at (0, 0); labels are 0 to 1",
    ),
}


def right(loss, target):
    """Return a target of the kind that is one."""
    if target.dtype.kind == "i":
        return target % (2 if loss is xent.binary_cross_entropy else 3)
    return DENSE.astype(np.float32)


def check_read(transform, asarray, loss, target, said):
    """Check that a loss of traced logits raises for a wrong target that is there, and takes a right one."""

    def of(target, **options):
        there = asarray(target.astype(np.float32) if target.dtype.kind == "f" else target)
        return transform(lambda z: loss(there, logits=z, reduction="sum", **options))

    logits = asarray(np.ones((3, 3), np.float32))
    for options in ({}, {"validate": True}):
        with pytest.raises(ValueError, match=re.escape(said)):
            of(target, **options)(logits)
        assert np.all(np.isfinite(np.asarray(of(right(loss, target), **options)(logits))))
    of(target, validate=False)(logits)


def check_sides(transform, asarray):
    """Check that what is traced of a call keeps nobody from reading what is there."""
    logits, probs = asarray(np.ones((2, 3), np.float32)), asarray(np.full((2, 2), 0.5, np.float32))
    entries = asarray(np.asarray([[0, 1], [2, 7]]))
    labels, beyond = asarray(np.asarray([0, 2])), asarray(np.full((2, 3), 2, np.float32))

    def sparse(z):
        return xent.cross_entropy(xent.SparseDistribution(entries, probs), logits=z)

    def ignored(least):
        there = asarray(np.asarray([least, 2]))
        return transform(lambda z: xent.cross_entropy(there, logits=z, ignore_index=-1))(logits)

    with pytest.raises(ValueError, match=re.escape("target.indices holds label 7 at (1, 1)")):
        transform(sparse)(logits)
    with pytest.raises(ValueError, match="target holds label -2"):
        ignored(-2)
    assert np.all(np.isfinite(np.asarray(ignored(-1))))
    with pytest.raises(ValueError, match=re.escape("probs holds 2.0 at (0, 0)")):
        transform(lambda w: xent.cross_entropy(labels, beyond, sample_weight=w))(probs[:, 0])


def check_masked(transform, asarray):
    """Check that labels are not looked at under a mask that is traced."""
    logits, labels = asarray(np.ones((3, 3), np.float32)), asarray(LABELS)
    keep = asarray(np.asarray([1.0, 1, 0], np.float32))
    made = transform(lambda w: xent.cross_entropy(labels, logits=logits, where=w > 0))(keep)
    assert np.all(np.isfinite(np.asarray(made)))
