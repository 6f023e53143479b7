"""Probabilities that are hardly there: 0 · ∞ is 0, a derivative may be ±inf, and nothing is NaN (R4)."""

import numpy as np
import pytest

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
