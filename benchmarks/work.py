"""``python -m benchmarks work``: what a compiled loss does that the reference does not, step by step.

Each step adds one thing to the one before it, from torch's own loss to xent's, all through torch's
compiler on one thread: what it costs, and what it gives, on rows where digits are easily lost.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from benchmarks import exact, steps
from benchmarks.accuracy import worst
from benchmarks.steps import Steps
from benchmarks.table import grid
from benchmarks.timing import interleave

Inputs = tuple[np.ndarray, np.ndarray]

ROUNDS, WARMUPS = 15, 2
HARD = (64, 1000)
"""The shape of what errors are counted of: the mean of its rows, each of a small loss."""
SURE = np.float32(20)
"""How far the right one of two logits is above the other, or a label above its rivals, about."""
NEAR = np.float32(2.0**-10)
"""How far a prediction that is nearly the target is from it."""


@dataclass(frozen=True)
class Work:
    """A loss in steps, at some sizes.

    Attributes
    ----------
    steps : makes them, by name
    shapes : of the logits whose times are measured
    target : of logits and random numbers, a target of a usual size
    hard : of random numbers, a target and logits whose loss is small
    formula : the exact loss of rows, of `benchmarks.exact`
    axis : that of the classes, None where each element is a row
    """

    steps: Callable[[], Steps]
    shapes: tuple[tuple[int, ...], ...]
    target: Callable[[np.ndarray, np.random.Generator], np.ndarray]
    hard: Callable[[np.random.Generator], Inputs]
    formula: exact.Block
    axis: int | None = -1


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True), np.float32)


def _sure(draw: np.random.Generator) -> Inputs:
    z = draw.standard_normal(HARD, np.float32)
    y = draw.integers(0, HARD[1], HARD[0])
    z[np.arange(HARD[0]), y] = SURE
    return y, z


def _sure_mixed(draw: np.random.Generator) -> Inputs:
    y, z = _sure(draw)
    return np.eye(HARD[1], dtype=np.float32)[y], z


def _from_even_to_sure(draw: np.random.Generator) -> np.ndarray:
    spread = np.linspace(0, 12, HARD[0], dtype=np.float32)[:, None]
    return spread * draw.standard_normal(HARD, np.float32)


def _shares(draw: np.random.Generator) -> Inputs:
    z = _from_even_to_sure(draw)
    return _softmax(z + NEAR * draw.standard_normal(HARD, np.float32)), z


def _teacher(draw: np.random.Generator) -> Inputs:
    t = _from_even_to_sure(draw)
    apart = 4 * draw.standard_normal((HARD[0], 1), np.float32)
    return t, t + apart + NEAR * draw.standard_normal(HARD, np.float32)


def _elements(draw: np.random.Generator) -> Inputs:
    t = (draw.random(HARD) < 0.5).astype(np.float32)
    return t, (2 * t - 1) * (SURE + draw.standard_normal(HARD, np.float32))


def _labels(z: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    return draw.integers(0, z.shape[1], len(z))


def _mixed(z: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    return _softmax(2 * draw.standard_normal(z.shape, np.float32))


def _student(z: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    return z + np.float32(0.3) * draw.standard_normal(z.shape, np.float32)


def _yes_or_no(z: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    return (draw.random(z.shape) < 0.5).astype(np.float32)


LABELS = ((2048, 32768), (8192, 1000), (128, 1000), (65536, 10))
LOSSES = {
    "labels": Work(steps.of_labels, LABELS, _labels, _sure, exact.label_block),
    "soft targets": Work(
        steps.of_mixed, ((8192, 1000), (65536, 10)), _mixed, _sure_mixed, exact.mixed_block
    ),
    "KL": Work(steps.of_shares, ((1024, 16000),), _mixed, _shares, exact.divergence_block),
    "KL of a teacher's logits": Work(
        steps.of_teacher, ((8192, 1000),), _student, _teacher, exact.teacher_block
    ),
    "binary": Work(
        steps.of_elements, ((2**24,),), _yes_or_no, _elements, exact.binary_block, axis=None
    ),
}


def errors(work: Work, prepared: Callable[[Any], Any]) -> dict[str, float]:
    """Return by how many ULP each step, ``prepared`` to be run, is off on rows of a small loss."""
    import torch

    target, logits = work.hard(np.random.default_rng(0))
    rows = exact.rows_first(target, work.axis) if target.ndim > 1 else target
    truth = np.asarray(exact.by_rows(work.formula, rows, logits, work.axis).value)
    given = torch.from_numpy(target), torch.from_numpy(logits)
    return {
        step: worst(prepared(loss)(*given).numpy(), truth, truth, "float32")
        for step, loss in work.steps().items()
    }


def times(work: Work, shape: tuple[int, ...]) -> dict[str, list[float]]:
    """Return the seconds of each step, compiled, round by round."""
    import torch

    draw = np.random.default_rng(0)
    z = draw.standard_normal(shape, np.float32)
    given = torch.from_numpy(work.target(z, draw)), torch.from_numpy(z)
    calls = {step: partial(_compiled(loss), *given) for step, loss in work.steps().items()}
    for call in calls.values():
        call()
    return interleave(calls, ROUNDS, WARMUPS)


def _compiled(loss: Any) -> Any:
    import torch

    return torch.compile(loss, dynamic=False)


def _rows(name: str, work: Work) -> list[list[str]]:
    """Return a row for each size and step: time per logit, that over torch's own, and the error."""
    off, rows = errors(work, _compiled), []
    for shape in work.shapes:
        found = times(work, shape)
        first = next(iter(found.values()))
        case = f"{name}, {' × '.join(map(str, shape))}"
        for step, spent in found.items():
            cost = median(spent) / float(np.prod(shape)) * 1e9
            over = median(b / a for a, b in zip(first, spent, strict=True))
            rows.append([case, step, f"{cost:.2f}", f"{over:.2f}", f"{off[step]:.2g}"])
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser("python -m benchmarks work", description=__doc__)
    # With none argparse looks for an empty list among the choices.
    parser.add_argument("loss", nargs="*", choices=[[], *LOSSES], help="all by default")
    chosen = parser.parse_args(argv).loss or LOSSES
    import torch

    torch.set_num_threads(1)
    rows = [row for name in chosen for row in _rows(name, LOSSES[name])]
    print(grid(["case", "step", "ns a logit", "over torch's own", "off by, ULP"], rows, 2))
    return 0
