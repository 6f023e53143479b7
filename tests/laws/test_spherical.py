"""The spherical score is that of any multiple of the row, also where its squares are beyond all numbers."""

import mpmath
import numpy as np
import pytest

import xent
from tests.near import assert_near

ROWS = np.asarray(
    [
        [1.0, 0, 0, 0],
        [0.3, 0.1, 0.5, 0.1],
        [0.1, 0.9, 1e-4, 0.2],
        [1.0, 1e-7, 1e-3, 0.6],
        [1e-7, 0.999, 0.001, 0.0],
        [0.5, 0.5, 1e-7, 1e-5],
    ]
)
LABELS = np.asarray([0, 2, 2, 0, 1, 0])
TARGETS = np.asarray(
    [
        [1.0, 0, 0, 0],
        [0.25, 0.25, 0.5, 0.0],
        [0.1, 0.2, 0.3, 0.4],
        [1.0, 0, 0, 0],
        [0.02, 0.9, 0.05, 0.03],
        [0.25, 0.5, 0.125, 0.125],
    ]
)
SIZES = {
    "float32": [1.0, 1e-18, 1e-30, 1e-36, 1e12, 1e35],
    "float64": [1.0, 1e-160, 1e-300, 1e100, 1e300],
}
LARGE = {"float32": 1e35, "float64": 1e300}
"""Of which slopes are too small to be numbers."""


def exact(t, q):
    """Return score and slope of each row, in sums without a difference of equals, and the slopes' sizes."""
    scores, slopes, sizes = [], [], []
    with mpmath.workdps(60):
        for pairs in zip(t.tolist(), q.tolist(), strict=True):
            aim, row = ([mpmath.mpf(x) for x in numbers] for numbers in pairs)
            norm = mpmath.sqrt(sum(x * x for x in row))
            scores.append(float(sum(a * x for a, x in zip(aim, row, strict=True)) / norm))
            terms = [
                [(row[k] * aim[j] * row[k], row[k] * aim[k] * row[j]) for k in range(4) if k != j]
                for j in range(4)
            ]
            slopes.append([float(sum(a - b for a, b in each) / norm**3) for each in terms])
            sizes.append([float(sum(a + b for a, b in each) / norm**3) for each in terms])
    return np.asarray(scores), np.asarray(slopes), np.asarray(sizes)


@pytest.mark.parametrize(("dtype", "size"), [(d, s) for d, sizes in SIZES.items() for s in sizes])
@pytest.mark.parametrize("labels", [True, False])
def test_of_rows_of_any_size(backend, labels, dtype, size):
    if backend.flushes and size == 1e-36:
        pytest.skip(f"{backend} takes the smallest of it for 0")
    q = (ROWS * size).astype(dtype)
    t = np.eye(4)[LABELS] if labels else TARGETS.astype(dtype)
    score, slope, terms = exact(t.astype(float), q.astype(float))

    def both(target, probs):
        given = {"probs": probs, "validate": False}
        return (
            xent.spherical_score(target, **given, reduction="none"),
            xent.grad(xent.spherical_score)(target, **given, reduction="sum"),
        )

    value, g = backend.run(both, target=LABELS if labels else t, probs=q)
    assert_near(value, score.astype(dtype), 4)
    if size < LARGE[dtype]:
        assert_near(g, slope.astype(dtype), 8, scale=terms)


def test_of_a_row_that_does_not_sum_to_one(backend):
    """R6: probabilities are taken as they are."""
    q = np.asarray([[1e-30, 0.0]], np.float32)
    value = backend.run(xent.spherical_score, target=np.asarray([0]), probs=q, validate=False)
    assert_near(value, np.float32(1), 0)


@pytest.mark.parametrize("size", [1.0, 1e-30, 1e30])
@pytest.mark.parametrize("labels", [True, False])
def test_of_parts_of_other_sizes(labels, size):
    """Squares over one power of 2 join those over another."""
    q = np.asarray([[0.5, 0.25, 1e-30, 3e-31], [1e-30, 2e-30, 0.75, 0.5]], np.float32) * size
    q = q.astype(np.float32)
    t = np.asarray([2, 2]) if labels else np.asarray([[0.25, 0, 0.5, 0.25]] * 2, np.float32)
    part, options = xent.part(xent.spherical_score), {"classes": 4, "validate": False}
    parts = [
        part(t if labels else t[:, own], q[:, own], first=own.start, **options)
        for own in (slice(0, 2), slice(2, 4))
    ]
    wholes = [x.merged([y.statistics for y in parts]) for x in parts]
    dense = np.eye(4)[t] if labels else t
    score, slope, terms = exact(dense.astype(float), q.astype(float))
    for whole in wholes:
        assert_near(whole.value(), np.float32(score.mean()), 4)
    if size == 1:
        g = np.concatenate([whole.gradient() for whole in wholes], axis=-1)
        assert_near(g, (slope / 2).astype(np.float32), 8, scale=terms / 2)
