"""The losses as a textbook has them, for a framework to differentiate; and what to compare with.

Plain formulas in the array API: right on moderate arguments in float64, and only there.
"""

import numpy as np

ROUNDING = 1e-12
"""By how much a textbook formula and its derivatives may be off, relative to their size."""


def textbook(xp, case, given):
    """Return what a loss is of its arguments and options, the class axis the last."""
    x, t = given[case.form], given.get(case.target)
    if case.loss in LINKS:
        return LINKS[case.loss](xp, x)
    if case.kind == "labels":
        t = _one_hot(xp, t, x)
    if case.kind == "target_logits":
        t = _softmax(xp, t)
    if "softcap" in given:
        x = given["softcap"] * xp.tanh(x / given["softcap"])
    rows, mass = _rows(xp, case, given, x, t)
    if "z_loss" in given:
        extra = given["z_loss"] * LINKS["logsumexp"](xp, x) ** 2
        rows = rows + extra * np.log(given.get("base", np.e))  # no base is its own
    value = _reduced(xp, case, given, rows, mass)
    if case.loss == "perplexity":
        return xp.exp(value)
    return -value if case.loss == "log_likelihood" else value


def _softmax(xp, z):
    return xp.exp(z) / xp.sum(xp.exp(z), axis=-1, keepdims=True)


def _sigmoid(xp, z):
    return 1 / (1 + xp.exp(-z))


LINKS = {
    "softmax": _softmax,
    "log_softmax": lambda xp, z: xp.log(_softmax(xp, z)),
    "logsumexp": lambda xp, z: xp.log(xp.sum(xp.exp(z), axis=-1)),
    "sigmoid": _sigmoid,
    "log_sigmoid": lambda xp, z: xp.log(_sigmoid(xp, z)),
}


def _one_hot(xp, labels, x):
    classes = xp.reshape(xp.cumsum(xp.ones_like(x[0, :]), 0) - 1, (1,) * labels.ndim + (-1,))
    return xp.where(labels[..., None] == classes, xp.ones_like(x), xp.zeros_like(x))


def _rows(xp, case, given, x, t):
    """Return the cost of each row, and what each row counts in a mean."""
    smoothing = given.get("label_smoothing", 0.0)
    if case.loss == "binary_cross_entropy":
        h = _sigmoid(xp, x) if case.form == "logits" else x
        t = (1 - smoothing) * t + smoothing / 2
        return -given.get("pos_weight", 1.0) * t * xp.log(h) - (1 - t) * xp.log(1 - h), 1.0
    q = {"logits": lambda: _softmax(xp, x), "log_probs": lambda: xp.exp(x)}.get(
        case.form, lambda: x
    )()
    if case.loss == "entropy":
        return -xp.sum(q * xp.log(q), axis=-1), 1.0
    if case.loss == "jensen_shannon_divergence":
        middle = (t + q) / 2
        terms = t * xp.log(t / middle) + q * xp.log(q / middle)
        return xp.sum(terms, axis=-1) / 2, 1.0
    if case.loss == "kl_divergence" and case.kind != "labels":
        mass = xp.sum(t, axis=-1) if case.kind == "distributions" else 1.0
        return xp.sum(t * xp.log(t / q), axis=-1), mass
    if "likelihood" in case.loss:
        return -xp.log(xp.sum(t * q, axis=-1)), xp.sum(t, axis=-1)
    weights = given.get("class_weight", 1.0)
    smooth = (1 - smoothing) * t + smoothing / x.shape[-1]
    return -xp.sum(weights * smooth * xp.log(q), axis=-1), xp.sum(weights * t, axis=-1)


def _reduced(xp, case, given, rows, mass):
    keep = xp.ones_like(rows)
    if "where" in given:
        keep = xp.where(given["where"], keep, 0 * keep)
    if "ignore_index" in given:
        keep = xp.where(given[case.target] != given["ignore_index"], keep, 0 * keep)
    keep = keep * given.get("sample_weight", 1.0)
    costs = keep * rows / np.log(given.get("base", np.e))
    default = {"log_likelihood": "sum", "entropy": "none"}.get(case.loss, "mean")
    reduction = given.get("reduction", default)
    if reduction == "none":
        return costs
    return xp.sum(costs) / (
        given.get("denominator", xp.sum(keep * mass)) if reduction == "mean" else 1
    )


def settings(case):
    """Return the options that a derivative is tested with: none; all; all but a given divisor."""
    every = case.options()
    free = {k: x for k, x in every.items() if k != "denominator"}
    return (
        [x for i, x in enumerate(({}, free, every)) if x not in ({}, free)[:i]] if every else [{}]
    )


def assert_close(got, want, rounding=ROUNDING, *, scale=None):
    """Hold two arrays to be the same but for rounding, relative to the largest entry, or ``scale``."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    error = np.max(np.abs(got - want), initial=0.0)
    scale = np.max(np.abs(want), initial=0.0) if scale is None else scale
    assert error <= rounding * scale, f"{got!r}\n{want!r}"


def assert_all_close(got, want):
    """Hold a value and its derivatives to be the same but for rounding, relative to the largest.

    A derivative that is 0, because its terms cancel or where a formula is linear, has no size of its
    own: what a textbook leaves of it are the roundings of terms as large as the others.
    """
    got, want = list(map(np.asarray, got)), list(map(np.asarray, want))
    scale = max(np.max(np.abs(x), initial=0.0) for x in want)
    for mine, right in zip(got, want, strict=True):
        assert_close(mine, right, scale=scale)


def curvature(a):
    """Return diag(a) − a aᵀ: the second derivative of cross entropy in the logits."""
    return np.diag(a) - np.outer(a, a)
