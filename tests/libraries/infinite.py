"""Rows with infinite logits, all beside each other, and the same rows with large ones in their place."""

from itertools import product

import numpy as np

from tests.cases import CASES, CLASSES

INF = np.inf
LARGE = 800.0
"""A logit whose exponential underflows in float64: a finite loss of an infinite one is its limit there."""

SPECIAL = np.array(
    [
        [0.5, 0.25, -0.5, 0.75],
        [0.5, 0.25, -0.5, 0.8125],
        [3.0, -1.5, 0.5, -2.0],
        [INF, 0.1, 0.2, -0.3],
        [0.3, INF, -INF, 0.1],
        [-INF, 0.2, -0.4, 0.5],
        [-INF, -INF, 0.1, 0.3],
        [0.1, -INF, -INF, -INF],
    ]
)
OF_LOGITS = [case for case in CASES if case.form == "logits" and case.has_rows]


def rows(case):
    """Return the arguments of a case: each special row with each target, and with each other."""
    z = SPECIAL
    of_target = {
        "labels": lambda: np.arange(CLASSES),
        "binary": lambda: np.array([0.0, 0.25, 1.0])[:, None] * np.ones(CLASSES),
        "distributions": lambda: np.array([[0, 1, 0, 0], [0, 0.25, 0, 0.75], [0.1, 0.2, 0.3, 0.4]]),
        "target_logits": lambda: z,
    }
    of_target["pmf"] = of_target["distributions"]
    if case.target is None:
        return {"logits": z}
    targets = of_target[case.kind]()
    pairs = zip(*product(targets, z), strict=True)
    return dict(zip((case.target, "logits"), map(np.stack, pairs), strict=True))


def large(given):
    """Return the arguments with large numbers in the place of infinite ones."""
    return {name: np.clip(x, -LARGE, LARGE) if x.dtype == float else x for name, x in given.items()}


def moving(given):
    """Return the names of the logits, which are differentiated, and a direction of each."""
    names = [name for name in ("target_logits", "logits") if name in given]
    draw = np.random.default_rng(0)
    return names, [draw.uniform(-1, 1, given[name].shape) for name in names]


def limited(case, given, first, limit):
    """Return where loss and gradients have reached their limits, of rows or of elements.

    Some of these must have an infinite logit.
    """
    along = () if case.keeps_shape else (-1,)
    infinite = np.isinf(given["logits"]).any(along)
    pairs = zip(first, limit, strict=True)
    value, *gradients = (np.isfinite(y) & np.isclose(x, y) for x, y in pairs)
    here = value & np.all([g.all(along) for g in gradients], axis=0)
    assert (here & infinite).any()
    return here
