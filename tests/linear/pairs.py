"""Losses of pairs as a textbook has them, in float64 with all logits: value, gradients, and their scales.

The scales are the condition of each number: what it would be if no two terms cancelled, times how
far rounding can move the logits it is made of.
"""

import numpy as np

import xent
from tests.near import assert_near

SOFTMAX, SIGMOID = xent.contrastive_loss, xent.sigmoid_contrastive_loss
ULP = 32
NUMBERS = {
    SOFTMAX: {"temperature": np.asarray(0.625)},
    SIGMOID: {"scale": np.asarray(1.75), "bias": np.asarray(-1.25)},
}


def pairs(n=6, width=3, seed=0):
    """Return embeddings of moderate logits."""
    draw = np.random.default_rng(seed)
    return {"a": draw.normal(size=(n, width)), "b": draw.normal(size=(n, width))}


def softmax_pairs(a, b, temperature, **options):
    """Return value, gradients and scales of the mean of both directions' cross entropies."""
    n = len(a)
    keep, sample, divisor, nats = _weights(n, options)
    z, size = a @ b.T / temperature, abs(a) @ abs(b.T) / temperature
    z = np.where(keep[None] & keep[:, None], z, -np.inf)
    z[~keep, ~keep] = 0
    rows, g, bound = np.zeros(n), np.zeros((n, n)), np.zeros((n, n))
    for turn in (np.asarray, np.transpose):
        x = turn(z)
        peak = x.max(-1, keepdims=True)
        lse = peak[:, 0] + np.log(np.exp(x - peak).sum(-1))
        rows += keep * (lse - np.diag(x)) / 2 / nats
        share = (keep * sample / divisor / 2 / nats)[:, None]
        q = np.exp(x - lse[:, None])
        g += turn(share * (q - np.eye(n)))
        bound += turn(share * (q + np.eye(n)))
    moved = bound * (1 + size)
    slopes = (g @ b / temperature, g.T @ a / temperature)
    sizes = (moved @ abs(b) / temperature, moved.T @ abs(a) / temperature)
    whole = -(a * slopes[0]).sum() / temperature, (abs(a) * sizes[0]).sum() / temperature
    costs, errors = sample * rows, sample * (keep * size.max() / nats + rows)
    return _truth(costs, errors, divisor, (*slopes, whole[0]), (*sizes, whole[1]), options)


def sigmoid_pairs(a, b, scale, bias, **options):
    """Return the same of the sum of yes-or-no cross entropies of each row."""
    n = len(a)
    keep, _, divisor, nats = _weights(n, options)
    z, size = scale * a @ b.T + bias, abs(scale) * abs(a) @ abs(b.T) + abs(bias)
    sign = 1 - 2 * np.eye(n)
    kept = keep[None] & keep[:, None]
    cost = kept * np.logaddexp(0, sign * z) / nats
    share = kept / divisor / nats
    slope = share / (1 + np.exp(-sign * z))
    g, moved = sign * slope, slope * (1 + size)
    slopes = scale * g @ b, scale * g.T @ a, (g * (a @ b.T)).sum(), g.sum()
    sizes = (
        abs(scale) * moved @ abs(b),
        abs(scale) * moved.T @ abs(a),
        (moved * (abs(a) @ abs(b.T))).sum(),
        moved.sum(),
    )
    rows, errors = cost.sum(-1), (cost + kept * size / nats).sum(-1)
    return _truth(rows, errors, divisor, slopes, sizes, options)


def _weights(n, options):
    keep = np.ones(n, bool) & options.get("where", True)
    sample = keep * options.get("sample_weight", 1.0)
    mean = options.get("reduction", "mean") == "mean"
    divisor = options.get("denominator", sample.sum() or 1.0) if mean else 1.0
    return keep, sample, divisor, np.log(options.get("base", np.e))


def _truth(rows, errors, divisor, slopes, sizes, options):
    if options.get("reduction", "mean") != "none":
        rows, errors = rows.sum() / divisor, errors.sum() / divisor
    return (rows, *slopes), (errors, *sizes)


TRUTH = {SOFTMAX: softmax_pairs, SIGMOID: sigmoid_pairs}


def assert_truth(got, truth, ulp=ULP):
    """Hold value and gradients, in one tuple, to the truth."""
    for mine, right, size in zip(got, *truth, strict=True):
        assert_near(mine, np.asarray(right), ulp, scale=np.maximum(size, 1e-300))


def run(backend, loss, **given):
    """Return value and gradients by xent as NumPy's arrays, in one tuple."""
    value, g = backend.call(xent.value_and_grad(loss), **given)
    return backend.numbers((value, *g))


def checked(backend, loss, *, as_if=None, **given):
    """Return them, held to the truth of the same arguments, or of others ``as_if``."""
    got = run(backend, loss, **given)
    assert_truth(got, TRUTH[loss](**(given | (as_if or {}))))
    return got
