"""Probabilities that are hardly there: 0 · ∞ is 0, a derivative may be ±inf, and nothing is NaN (R4)."""

import numpy as np
import pytest

import xent
from xent import _dispatch
from xent.kernels import skewed

DTYPES = ("float32", "float64")


def pairs(dtype):
    """Return each two of the smallest numbers, 0 and 1: of the target and of the prediction."""
    tiny = np.finfo(dtype).tiny
    some = np.asarray([np.finfo(dtype).smallest_subnormal, tiny / 64, tiny, 0, 0.5, 1], dtype)
    return tuple(x.ravel() for x in np.meshgrid(some, some))


def made(case, dtype):
    """Return two classes, of which the target weighs one by p, and the prediction by q."""
    p, q = pairs(dtype)
    rows = {"target": p[:, None], "form": q[:, None]}
    if not case.elementwise:
        rows = {k: np.concatenate([x, 1 - x], axis=1) for k, x in rows.items()}
    with np.errstate(divide="ignore"):
        form = np.log(rows["form"]) if case.form == "log_probs" else rows["form"]
    given = {case.form: form}
    if case.kind == "labels":
        given["target"] = np.arange(len(p)) % 2
    elif case.target is not None:
        given[case.target] = rows["target"]
    return given


@pytest.mark.cases(
    of=lambda case: case.form != "logits" and case.kind != "target_logits" and case.has_rows,
    slow=lambda case: case.form != "log_probs",
)
def test_smallest_probabilities(backend, case):
    for dtype in DTYPES[: 1 if backend.is_slow else 2]:
        given = made(case, dtype)
        for weight in (None, 0.0, 1.0) if case.takes("sample_weight") else (None,):
            options = {"validate": False} if case.takes("validate") else {}
            if weight is not None:
                shape = given[case.form].shape if case.elementwise else given[case.form].shape[:1]
                options["sample_weight"] = np.full(shape, weight, dtype)
            value, gradient = backend.run(case.both, **given, **options, **case.each)
            assert not np.any(np.isnan(value))
            assert not np.any(np.isnan(gradient))
            if weight == 0:
                assert not np.any(value)
                assert not np.any(gradient)


@pytest.mark.parametrize("beta", [0.25, 2.0**-40, 1 - 2.0**-20])
def test_a_bounded_divergence_of_the_smallest_is_bounded(backend, beta):
    """By −β log β − (1 − β) log(1 − β), also where β p is no number."""
    most = -beta * np.log(beta) - (1 - beta) * np.log1p(-beta)
    for dtype in DTYPES[: 1 if backend.is_slow else 2]:
        p, q = (np.stack([x, 1 - x], axis=1) for x in pairs(dtype))
        got = backend.run(
            lambda p, q: xent.jensen_shannon_divergence(p, q, beta=beta, reduction="none"),
            p=p,
            q=q,
        )
        assert np.all(got >= 0)
        assert np.all(got <= most * (1 + 4 * np.finfo(dtype).eps))


@pytest.mark.parametrize("skew", [0.25, 0.999, 1.0])
def test_a_skewed_divergence_has_a_slope_in_the_smallest_target(skew):
    """None of NaN; and of the skew 1, of which the value is 0 whatever p is, none but 0."""
    xp, kernel = _dispatch.engine_of("x", np.zeros(1)).xp, skewed.FromProbs(skew)
    for dtype in DTYPES:
        p, q = (x[:, None] for x in pairs(dtype))
        with np.errstate(all="ignore"):
            s, _ = kernel.measure(xp, q, p, 1)
            slope = kernel.target_gradient(xp, q, p, s, np.ones_like(p), 1)
        assert not np.any(np.isnan(slope))
        assert skew < 1 or not np.any(slope)
