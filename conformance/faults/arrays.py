"""The arrays of probes, from a seed: rows of moderate numbers to those far, near, tied and infinite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

ROWS, WIDTH = 12, 4


def calls(rng: Any, name: str, taken: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the arrays of calls of a function: each form and target, plain numbers and edges."""
    for edges in (False, True):
        forms = _forms(rng, edges)
        if "features" in taken or "a" in taken:
            yield from _heads(rng, taken) if not edges else ()
            continue
        binary = "binary" in name or name == "asymmetric_loss"
        for prediction in [key for key in ("p", "probs", "logits", "log_probs") if key in taken]:
            if "q" in taken and prediction == "p":
                yield {"p": forms["target"], "q": forms["probs"]}
                yield {"p": forms["probs"], "q": forms["probs"]}
                continue
            row = {prediction: forms["probs" if prediction == "p" else prediction]}
            for target in _targets(rng, taken, prediction, forms, binary):
                yield {**target, **row}


def _targets(
    rng: Any, taken: Mapping[str, Any], prediction: str, forms: Any, binary: bool
) -> list[Any]:
    if "target" not in taken and "target_logits" not in taken:
        return [{}]
    if binary:
        shape = forms["probs"].shape
        return [{"target": rng.random(shape).round(1)}, {"target": rng.integers(0, 2, shape)}]
    labels = rng.integers(0, WIDTH, ROWS)
    found = [{"target": labels}, {"target": forms["target"]}, {"target": _hot(labels)}]
    index = np.stack([rng.permutation(WIDTH)[:2] for _ in range(ROWS)])
    found += [{"target": index, "target_probs": rng.random(index.shape) / 2}]
    if "target_logits" in taken and prediction == "logits":
        found += [{"target_logits": forms["near"]}, {"target_logits": forms["other"]}]
    return found if "target" in taken else found[-2:] if prediction == "logits" else [{}]


def _hot(labels: Any) -> Any:
    return np.eye(WIDTH)[labels]


def _forms(rng: Any, edges: bool) -> dict[str, Any]:
    """Return rows of logits and of probabilities, of moderate ones to those far, near, tied and infinite."""
    scale = np.array([0.1, 1, 1, 3, 3, 10, 10, 40, 40, 200, 800, 1e5])[:, None]
    z = rng.normal(size=(ROWS, WIDTH)) * scale
    z[0, 1:] = z[0, 0]
    z[1, 1] = z[1, 2]
    q, t = (rng.dirichlet(np.ones(WIDTH), ROWS) for _ in range(2))
    near = z + rng.normal(size=z.shape) * 1e-3
    near[2] = z[2]
    t[0], t[1] = q[0], q[1] * (1 + 1e-6 * rng.normal(size=WIDTH))
    if edges:
        z[3, 0], z[4, 1], z[5, :2], z[6], z[7, 3], z[8, 1:] = (
            np.inf,
            -np.inf,
            np.inf,
            -np.inf,
            np.nan,
            -np.inf,
        )
        q[2], q[3], q[4], q[5, 0], q[6, 1] = (
            [1, 0, 0, 0],
            [0, 0.5, 0.5, 0],
            [1e-310, 1 - 1e-16, 1e-20, 0],
            0,
            np.nan,
        )
        t[3], t[4], t[5], t[7, 2], t[8], t[9] = (
            q[3],
            [1, 0, 0, 0],
            [0.5, 0.5, 0, 0],
            0,
            [0, 0, 0, 1],
            [0, 0, 0, 0],
        )
        near[4], near[8] = z[4], z[8]
    with np.errstate(all="ignore"):
        log_q = np.log(q)
    return {
        "logits": z,
        "probs": q,
        "log_probs": log_q,
        "target": t,
        "near": near,
        "other": z[::-1].copy(),
    }


def _heads(rng: Any, taken: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the arrays of a linear head, of two, or of pairs."""

    def of(*shape: int) -> Any:
        return rng.normal(size=shape).round(2)

    if "a" in taken:
        yield {"a": of(5, 3), "b": of(5, 3)}
        return
    student = {"features": of(6, 3), "weight": of(WIDTH, 3), "bias": of(WIDTH)}
    if "target_features" in taken:
        yield {"target_features": of(6, 2), "target_weight": of(WIDTH, 2), **student}
    elif "class_weight" in taken or "softcap" in taken:
        yield {"target": rng.integers(0, WIDTH, 6), **student}
        if "class_weight" in taken:
            yield {"target": rng.dirichlet(np.ones(WIDTH), 6), **student}
    else:
        yield {
            "target": rng.integers(0, 2, 6),
            "features": student["features"],
            "weight": of(3),
            "bias": of(),
        }
