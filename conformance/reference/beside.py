"""Results of more than one number a row: log-probabilities with entropies, and what is logged of a loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from conformance.case import Case
from conformance.reference.number import Array, Number, Row, mp
from conformance.reference.rows import logsumexp

Evaluate = Callable[[Case, Mapping[str, Array]], Any]


def log_probs(case: Case, arrays: Mapping[str, Array], rule: Evaluate) -> Any:
    """Return log a_y and H(a) of each row, a the softmax."""
    options = {**case.options, "reduction": "none"}
    costs, spread = (
        rule(replace(case, function=name, options=options), arrays)
        for name in ("cross_entropy", "entropy")
    )
    return [(-costs).tolist(), spread.tolist()]


def metrics(case: Case, arrays: Mapping[str, Array], rule: Evaluate) -> Any:
    """Return the loss, how often the label is the largest logit, the entropy, log Σ exp z, and z_loss."""
    share = mp.mpf(case.options.get("z_loss", 0))
    options = {**case.options, "reduction": "mean", "z_loss": 0}
    plain = replace(case, options=options, quantity="value")
    loss, hits, spread, lse, square = (
        rule(replace(plain, function=name), arrays)
        for name in (case.function, "hits", "entropy", "peak", "square")
    )
    return [loss + share * square, hits, spread, lse, share * square]


def hits(t: Row, _: str, row: Row, __: Any) -> Number:
    """1 where no logit is larger than the label's, else 0."""
    return mp.mpf(row[t.index(1)] == max(row))


#: What is averaged over rows beside the loss.
ROWS: dict[str, tuple[Callable[..., Number], Any]] = {
    "hits": (hits, None),
    "peak": (lambda t, form, row, _: logsumexp(row), None),
    "square": (lambda t, form, row, _: logsumexp(row) ** 2, None),
}
