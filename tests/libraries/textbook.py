"""The losses as a textbook has them, for a framework to differentiate.

The formulas of `tests/losses/`, with their options: right on moderate arguments in float64 only.
"""

import numpy as np

from tests.formulas import logsumexp, sigmoid, softmax


def textbook(xp, case, given):
    """Return what a loss is of its arguments and options, the class axis the last."""
    x, t = given[case.form], given.get(case.target)
    if case.is_link:
        x = xp.where(given["where"], x, -np.inf) if "where" in given else x
        return case.record.formula(xp, x)
    if case.kind == "labels":
        t = _one_hot(xp, t, x)
    if case.kind == "target_logits":
        t = softmax(xp, t / given.get("temperature", 1.0))
    if "softcap" in given:
        x = given["softcap"] * xp.tanh(x / given["softcap"])
    x = x / given.get("temperature", 1.0)
    rows = case.record.formula(xp, case, given, _probabilities(xp, case, x), t)
    if "z_loss" in given:
        extra = given["z_loss"] * logsumexp(xp, x) ** 2
        rows = rows + extra * np.log(given.get("base", np.e))  # no base is its own
    return case.record.outer(xp, _reduced(xp, case, given, rows, _mass(xp, case, given, t)))


def _one_hot(xp, labels, x):
    classes = xp.reshape(xp.cumsum(xp.ones_like(x[0, :]), 0) - 1, (1,) * labels.ndim + (-1,))
    return xp.where(labels[..., None] == classes, xp.ones_like(x), xp.zeros_like(x))


def _probabilities(xp, case, x):
    if case.form == "logits":
        return (sigmoid if case.elementwise else softmax)(xp, x)
    return xp.exp(x) if case.form == "log_probs" else x


def _mass(xp, case, given, t):
    """Return what each row counts in a mean."""
    if case.kind in ("labels", "distributions"):
        return xp.sum(given.get("class_weight", 1.0) * t, axis=-1)
    return 1.0


def _reduced(xp, case, given, rows, mass):
    keep = xp.ones_like(rows)
    if "where" in given:
        keep = xp.where(given["where"], keep, 0 * keep)
    if "ignore_index" in given:
        keep = xp.where(given[case.target] != given["ignore_index"], keep, 0 * keep)
    keep = keep * given.get("sample_weight", 1.0)
    costs = keep * rows / np.log(given.get("base", np.e))
    reduction = given.get("reduction", case.record.reduction)
    if reduction == "none":
        return costs
    return xp.sum(costs) / (
        given.get("denominator", xp.sum(keep * mass)) if reduction == "mean" else 1
    )
