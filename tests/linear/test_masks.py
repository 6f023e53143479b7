"""Rows that are taken out of a linear loss add exactly 0 to it, whatever their features hold (R9)."""

import numpy as np
import pytest

from tests.linear.textbook import BCE, CE, checked, head, labels_of, run, softmax_head
from tests.near import assert_near, assert_same, assert_zero
from xent._linear import cuts

N, IGNORED = 20, -100
DRAW = np.random.default_rng(11)
OUT = np.arange(N) % 10 < 7  # 70 %
FILL = np.resize([np.nan, np.inf, -np.inf], N)[OUT]


def masked(by, fill=FILL):
    """Return a head's arguments with most rows taken out, holding what must not matter."""
    given = {"target": labels_of((N,)), **head((N,))}
    given["features"][OUT] = fill[:, None]
    if by == "where":
        return {**given, "where": ~OUT}
    given["target"][OUT] = IGNORED
    return {**given, "ignore_index": IGNORED}


@pytest.mark.parametrize(
    "options", [{}, {"softcap": 2.0, "z_loss": 0.125}], ids=["plain", "capped"]
)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("by", ["where", "ignore_index"])
def test_what_masked_rows_hold_does_not_matter(backend, by, reduction, options):
    given = {**masked(by), "reduction": reduction, **options}
    value, gradients = checked(backend, CE, **given)
    assert_zero(gradients[0][OUT])
    if reduction == "none":
        assert_same(value[OUT], np.zeros(int(OUT.sum()), value.dtype))


def test_compiled_too(any_backend):
    value = any_backend.run(CE, **masked("ignore_index"))
    assert_near(value, softmax_head(**masked("ignore_index"))[0].value)


@pytest.mark.parametrize("smoothing", [0.0, 0.25])
def test_a_mean_of_nothing_is_0(backend, smoothing):
    given = {**masked("where"), "where": np.zeros(N, bool), "label_smoothing": smoothing}
    value, gradients = run(backend, CE, **given)
    for x in (value, *gradients):
        assert_zero(x)


def test_an_empty_batch_sums_to_0(backend):
    given = {"target": np.zeros(0, int), **head((0,)), "reduction": "sum"}
    value, gradients = run(backend, CE, **given)
    for x, like in zip(gradients, ("features", "weight", "bias"), strict=True):
        assert x.shape == given[like].shape
        assert_zero(x)
    assert_zero(value)
    with pytest.raises(ValueError, match="a mean over no rows"):
        backend.run(CE, **{**given, "reduction": "mean"})


@pytest.mark.parametrize("questions", [(), (3,)])
def test_masked_questions(backend, questions):
    wide = (N, *questions)
    given = {
        "target": DRAW.uniform(size=wide),
        "features": DRAW.normal(size=(N, 4)),
        "weight": DRAW.normal(size=(*questions, 4)),
        "where": np.broadcast_to(~OUT.reshape(N, *(1 for _ in questions)), wide).copy(),
    }
    given["features"][OUT] = FILL[:, None]
    clean = {"features": np.where(OUT[:, None], 0.0, given["features"])}
    _, gradients = checked(backend, BCE, **given, as_if=clean)
    assert_zero(gradients[0][OUT])


@pytest.mark.parametrize("dtype", [float, int])
@pytest.mark.parametrize("questions", [(), (3,)])
def test_ignored_answers_are_masked_ones(backend, questions, dtype):
    target = DRAW.integers(0, 2, (N, *questions)).astype(dtype)
    keep = DRAW.uniform(size=target.shape) < 0.6
    given = {
        "features": DRAW.normal(size=(N, 4)),
        "weight": DRAW.normal(size=(*questions, 4)),
    }
    masked = run(backend, BCE, target=target, where=keep, **given)
    ignored = np.where(keep, target, np.resize([IGNORED, -1], target.shape))
    there = run(backend, BCE, target=ignored, ignore_index=(-1, IGNORED), **given)
    for a, b in zip((there[0], *there[1][:2]), (masked[0], *masked[1][:2]), strict=True):
        assert_same(a, b)


def test_one_masked_question_of_a_row_leaves_the_others(backend):
    given = {
        "target": DRAW.uniform(size=(4, 3)),
        **head((4,), classes=3),
        "where": np.asarray([[True, False, True]] * 4),
    }
    _, gradients = checked(backend, BCE, **given)
    assert_zero(gradients[1][1])
    assert_zero(gradients[2][1])


def test_nan_that_counts_is_seen(backend):
    given = masked("where", np.full(OUT.sum(), np.nan))
    assert np.isnan(backend.run(CE, **{**given, "where": np.ones(N, bool)}))


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_masked_rows_are_dropped_before_the_product(backend, monkeypatch):
    from tests.backends import Backend
    from xent import _dispatch

    backend, seen = Backend(backend), []
    given = masked("where")
    engine = type(_dispatch.engine_of("x", backend.asarray(given["features"])))
    if backend is Backend.TORCH:
        from xent.engines.torch.values import Plain

        engine = Plain
    product = engine.product

    def counted(self, a, *args, **options):
        seen.append(a.shape[0])
        return product(self, a, *args, **options)

    monkeypatch.setattr(engine, "product", counted)
    value = backend.run(CE, **given)
    assert seen == [int((~OUT).sum())]
    assert_near(value, softmax_head(**given)[0].value)


def test_cuts_cover_once():
    assert [(c.start, c.stop) for c in cuts(10, 4)] == [(0, 4), (4, 8), (8, 10)]
