"""What is measured: each function of xent in each form of its arguments, a line of one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.accuracy import curves as c
from conformance.accuracy import elements as e
from conformance.accuracy import formulas as f
from conformance.accuracy import formulas_mass as fm
from conformance.accuracy import goals as g
from conformance.accuracy import goals_mass as gm
from conformance.accuracy import inputs as i

#: ε of the smoothed targets: dyadic, so that no dtype rounds it.
SMOOTHING = 0.125


@dataclass(frozen=True, eq=False)
class Subject:
    """A function and how it is called.

    Attributes
    ----------
    name
        Its line in the report, and its key in the record.
    function
        What it is called in xent.
    arguments
        The names of the columns of its inputs, in the order of ``formula``; ``"labels"`` are passed
        as ``target`` in place of the one-hot rows.
    kind, formula, goal
        Where its inputs come from, what is exact and what is asked of it.
    base
        The goals of value and gradient without D and κ: what a peer may be better than.
    alone
        Whether each row is a call, because the function returns one number for all of them.
    head
        Of a linear loss, what is differentiated: the features, which are the logits times the unit
        matrix, the weight or the bias of one row, which are the logits. No product is rounded.
    chained
        Whether it is differentiated by the library itself, of the product with the target, because
        the sum of the results is a constant.
    elementwise, differentiable
        Whether each element is a row; whether a gradient is measured.
    """

    name: str
    function: str
    arguments: tuple[str, ...]
    kind: i.Kind
    formula: Callable[..., Any]
    goal: g.Goal
    base: tuple[float, float]
    options: Mapping[str, Any] = field(default_factory=dict)
    elementwise: bool = False
    alone: bool = False
    head: str = ""
    chained: bool = False
    differentiable: bool = True

    @property
    def is_link(self) -> bool:
        """Whether the result keeps the dtype of half precision (R12)."""
        return (
            self.kind in (i.of_logits, i.of_few_logits, e.of_scores) and self.function != "entropy"
        )


ROW: Mapping[str, Any] = {"reduction": "none"}
SMOOTH: Mapping[str, Any] = {"reduction": "none", "label_smoothing": SMOOTHING}
CE, NLL, KL, BCE, LOG_LIKELIHOOD = (
    "cross_entropy",
    "negative_log_likelihood",
    "kl_divergence",
    "binary_cross_entropy",
    "log_likelihood",
)
LINEAR = "linear_cross_entropy"
LOGITS_SOFT, PROBS_SOFT = ("logits", "target"), ("probs", "target")
EL: Mapping[str, Any] = {"elementwise": True}

# fmt: off
_ALL = (
    Subject("cross entropy, labels, logits", CE, ("logits", "labels"), i.of_labels,
            f.smoothed(0), g.labels, (3, 8), ROW),
    Subject("cross entropy, smoothed labels", CE, ("logits", "labels"), i.of_labels,
            f.smoothed(SMOOTHING), g.smoothed(SMOOTHING), (6, 8), SMOOTH),
    Subject("cross entropy, soft, logits", CE, LOGITS_SOFT, i.of_soft,
            f.smoothed(0), g.soft, (6, 8), ROW),
    Subject("cross entropy, labels, probs", CE, ("probs", "labels"), i.of_probs_labels,
            fm.cross_probs, g.plain(3, 8), (3, 8), ROW),
    Subject("cross entropy, soft, probs", CE, PROBS_SOFT, i.of_pairs,
            fm.cross_probs, g.plain(3, 8), (3, 8), ROW),
    Subject("cross entropy, soft, log_probs", CE, ("log_probs", "target"), i.of_log_probs_soft,
            fm.cross_log_probs, g.plain(6, 8), (6, 8), ROW),
    Subject("NLL, soft, logits", NLL, LOGITS_SOFT, i.of_soft,
            f.nll_logits, g.nll_logits, (6, 8), ROW),
    Subject("NLL, soft, probs", NLL, PROBS_SOFT, i.of_pairs,
            fm.nll_probs, gm.nll_probs, (3, 8), ROW),
    Subject("NLL, labels, logits", NLL, ("logits", "labels"), i.of_labels,
            f.smoothed(0), g.labels, (3, 8), ROW),
    Subject("NLL, soft, log_probs", NLL, ("log_probs", "target"), i.of_log_probs_soft,
            fm.nll_log_probs, gm.nll_log_probs, (6, 8), ROW),
    Subject("log-likelihood, soft, logits", LOG_LIKELIHOOD, LOGITS_SOFT, i.of_soft,
            f.log_likelihood, g.nll_logits, (6, 8), ROW),
    Subject("likelihood, labels, probs", "likelihood", ("probs", "labels"), i.of_probs_labels,
            fm.likelihood, g.plain(3, 0), (3, 0), ROW, differentiable=False),
    Subject("likelihood, soft, probs", "likelihood", PROBS_SOFT, i.of_pairs,
            fm.likelihood, g.plain(3, 0), (3, 0), ROW, differentiable=False),
    Subject("perplexity, labels, logits", "perplexity", ("logits", "labels"), i.of_labels,
            f.perplexity, g.perplexity, (3, 0), differentiable=False, alone=True),
    Subject("perplexity within range", "perplexity", ("logits", "labels"), i.of_fair_labels,
            f.perplexity, g.perplexity, (3, 8), alone=True),
    Subject("linear cross entropy, features", LINEAR, ("logits", "labels"), i.of_finite_labels,
            f.smoothed(0), g.labels, (3, 8), ROW, head="features"),
    Subject("linear cross entropy, weight", LINEAR, ("logits", "labels"), i.of_labels,
            f.smoothed(0), g.labels, (3, 8), ROW, alone=True, head="weight"),
    Subject("linear cross entropy, bias", LINEAR, ("logits", "labels"), i.of_labels,
            f.smoothed(0), g.labels, (3, 8), ROW, alone=True, head="bias"),
    Subject("linear BCE, features", "linear_binary_cross_entropy", LOGITS_SOFT, e.of_finite_scores_soft,
            fm.binary_logits, gm.binary_logits(6), (6, 8), ROW, head="features", **EL),
    Subject("BCE, logits", BCE, LOGITS_SOFT, e.of_scores_hard,
            fm.binary_logits, gm.binary_logits(3), (3, 8), ROW, **EL),
    Subject("BCE, soft, logits", BCE, LOGITS_SOFT, e.of_scores_soft,
            fm.binary_logits, gm.binary_logits(6), (6, 8), ROW, **EL),
    Subject("BCE, probs", BCE, PROBS_SOFT, e.of_masses_hard,
            fm.binary_probs, gm.binary_probs, (3, 8), ROW, **EL),
    Subject("BCE, soft, probs", BCE, PROBS_SOFT, e.of_masses_soft,
            fm.binary_probs, gm.binary_probs, (3, 8), ROW, **EL),
    Subject("focal, labels, logits", "focal_loss", ("logits", "labels"), i.of_labels,
            c.of_cost(c.focal, c.LABELS), c.FOCAL, (9, 14), ROW),
    Subject("poly, labels, logits", "poly_loss", ("logits", "labels"), i.of_labels,
            c.of_cost(c.poly, c.LABELS), c.POLY, (3, 11), ROW),
    Subject("binary focal, logits", "binary_focal_loss", LOGITS_SOFT, e.of_scores_hard,
            c.of_cost(c.focal, c.BINARY), c.BINARY_FOCAL, (9, 14), ROW, **EL),
    Subject("entropy, probs", "entropy", ("probs",), i.of_probs,
            fm.entropy_probs, gm.entropy_probs, (3, 8)),
    Subject("entropy, log_probs", "entropy", ("log_probs",), i.of_log_probs,
            fm.entropy_log_probs, gm.entropy_log_probs, (8, 8)),
    Subject("entropy, logits", "entropy", ("logits",), i.of_logits,
            f.entropy_logits, g.entropy_logits, (8, 8)),
    Subject("KL, probs", KL, PROBS_SOFT, i.of_pairs,
            fm.kl_probs, gm.kl_probs, (3, 8), ROW),
    Subject("KL, probs from logits", KL, LOGITS_SOFT, i.of_soft,
            fm.kl_mixed, gm.kl_mixed, (16, 8), ROW),
    Subject("KL, probs from log_probs", KL, ("log_probs", "target"), i.of_log_probs_soft,
            fm.kl_log_probs, gm.kl_log_probs, (16, 8), ROW),
    Subject("KL, two logits", KL, ("logits", "target_logits"), i.of_two_logits,
            fm.kl_logits, gm.kl_logits, (16, 8), ROW),
    Subject("JS", "jensen_shannon_divergence", ("q", "p"), i.of_pairs,
            fm.jensen_shannon, g.plain(16, 8), (16, 8), ROW),
    Subject("softmax", "softmax", ("logits",), i.of_logits,
            f.softmax, g.softmax, (8, 0), differentiable=False),
    Subject("softmax, its gradient", "softmax", LOGITS_SOFT, i.of_soft,
            f.chained, g.chained, (8, 8), chained=True),
    Subject("softmax_jacobian", "softmax_jacobian", ("logits",), i.of_few_logits,
            f.jacobian, g.jacobian, (8, 0), differentiable=False),
    Subject("log_softmax", "log_softmax", ("logits",), i.of_logits,
            f.log_softmax, g.log_softmax, (3, 8)),
    Subject("logsumexp", "logsumexp", ("logits",), i.of_logits,
            f.logsumexp, g.logsumexp, (3, 8)),
    Subject("sigmoid", "sigmoid", ("logits",), e.of_scores,
            fm.sigmoid, g.plain(3, 8), (3, 8), **EL),
    Subject("log_sigmoid", "log_sigmoid", ("logits",), e.of_scores,
            fm.log_sigmoid, g.plain(3, 8), (3, 8), **EL),
    Subject("self-information", "self_information", ("p",), e.of_masses,
            fm.self_information, g.plain(3, 8), (3, 8), differentiable=False, **EL),
)
# fmt: on

SUBJECTS: Mapping[str, Subject] = {subject.name: subject for subject in _ALL}
