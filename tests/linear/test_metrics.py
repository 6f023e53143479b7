"""What training code logs beside a loss, in the same pass over the logits."""

import numpy as np
import pytest

import xent
from tests.linear.textbook import head, labels_of, soft_of
from tests.near import assert_near, largest
from xent import _linear

ROWS, CLASSES = (3, 4), 19
DRAW = np.random.default_rng(22)
HEAD = head(ROWS, classes=CLASSES)
Z = HEAD["features"] @ HEAD["weight"].T + HEAD["bias"]
SAMPLE, Z_LOSS = DRAW.uniform(0.5, 2, ROWS), 0.01
LABELS = labels_of(ROWS, CLASSES)
IGNORED = int(LABELS[0, 0])
TARGETS = {
    "labels": (LABELS, {"ignore_index": IGNORED}),
    "smoothed": (LABELS, {"ignore_index": IGNORED, "label_smoothing": 0.25}),
    "weighted": (
        LABELS,
        {"label_smoothing": 0.25, "class_weight": DRAW.uniform(0.5, 2, CLASSES)},
    ),
    "distributions": (soft_of(ROWS, CLASSES), {"where": LABELS != IGNORED}),
}


def truth(target, options):
    """Return the metrics as a textbook has them."""
    keep = SAMPLE * options.get("where", True)
    if "ignore_index" in options:
        keep = keep * (target != options["ignore_index"])
    lse = np.log(np.exp(Z).sum(-1))
    a = np.exp(Z - lse[..., None])
    t = np.eye(CLASSES)[target] if target.ndim == 2 else target
    hits = np.take_along_axis(t, Z.argmax(-1)[..., None], -1)[..., 0]
    rows = hits, -(a * np.log(a)).sum(-1), lse, Z_LOSS * lse**2
    return [np.asarray((keep * x).sum() / keep.sum()) for x in rows]


@pytest.mark.parametrize("target", TARGETS)
def test_metrics_and_the_same_loss(backend, target, monkeypatch):
    monkeypatch.setattr(_linear, "FEW", 2)
    monkeypatch.setattr(_linear, "STRIP", 4)
    y, options = TARGETS[target]
    options = {**options, "sample_weight": SAMPLE, "z_loss": Z_LOSS}
    for loss, there in ((xent.linear_cross_entropy, HEAD), (xent.cross_entropy, {"logits": Z})):
        logged = xent.value_and_grad(xent.with_metrics(loss))
        value, slope = xent.value_and_grad(loss)(y, **there, **options)
        budgets = [{"chunk_bytes": b} for b in (1, 1000)] if "weight" in there else [{}]
        for budget in budgets[:1] if backend.is_slow else budgets:
            given = {"target": y, **there, **options, **budget}
            (mine, metrics), g = backend.call(logged, **given)
            assert_near(backend.numbers(mine), value, 16)
            assert metrics._fields == ("accuracy", "entropy", "logsumexp", "z_loss")
            for x, right in zip(metrics, truth(y, options), strict=True):
                assert_near(backend.numbers(x), right, 16)
            for x, right in zip(g if budget else (g,), slope if budget else (slope,), strict=True):
                assert_near(backend.numbers(x), right, 64, scale=largest(right))


NOTHING = {
    "masked": {"target": LABELS, **HEAD, "where": np.zeros(ROWS, bool)},
    "ignored": {"target": np.full(ROWS, -100), **HEAD, "ignore_index": -100},
    "no rows": {
        **HEAD,
        "target": LABELS[:0],
        "features": HEAD["features"][:0],
        "reduction": "sum",
    },
}


@pytest.mark.parametrize("why", NOTHING)
def test_nothing_left_is_0(backend, why):
    """Each number is what the library's own reductions return: of NumPy a scalar, which JSON takes."""
    given = dict(NOTHING[why])
    value, metrics = backend.call(xent.with_metrics(xent.linear_cross_entropy), **given)
    for x in (value, *metrics):
        assert backend.owns(x)
        assert_near(backend.numbers(x), np.asarray(0.0))


@pytest.mark.parametrize("target", [np.asarray([1, 2]), np.eye(3)[[1, 2]]], ids=["labels", "rows"])
def test_a_tie_counts(backend, target):
    """Of labels, and of their one-hot rows; in a row and in strips."""
    z = np.asarray([[1.0, 1.0, 0.0]] * 2)
    for given in ({"logits": z}, {"features": z, "weight": np.eye(3), "chunk_bytes": 1}):
        loss = xent.cross_entropy if "logits" in given else xent.linear_cross_entropy
        _, metrics = backend.call(xent.with_metrics(loss), target=target, **given)
        assert_near(backend.numbers(metrics.accuracy), np.asarray(0.5))


@pytest.mark.parametrize("loss", [xent.softmax, xent.perplexity, xent.binary_cross_entropy])
def test_what_has_no_metrics_says_so(loss):
    target = (
        {} if loss is xent.softmax else {"target": LABELS if loss is xent.perplexity else Z > 0}
    )
    with pytest.raises(
        TypeError, match=f"with_metrics.{loss.__name__}. takes a prediction as logits"
    ):
        xent.with_metrics(loss)(**target, logits=Z)
