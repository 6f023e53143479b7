"""A linear head as a textbook has it, in float64: value, gradients, and what rounding may do to them.

The scales are the condition of each number: what it would be if no two terms cancelled, times how
far rounding can move the logits it is made of.
"""

from typing import NamedTuple

import numpy as np

import xent
from tests.near import assert_near, assert_same

CE, BCE = xent.linear_cross_entropy, xent.linear_binary_cross_entropy
ULP = 32
"""Of a scale: the sums here have few terms."""


class Truth(NamedTuple):
    """A value and the gradients of features, weight and bias, or the scales of their errors."""

    value: np.ndarray
    features: np.ndarray
    weight: np.ndarray
    bias: np.ndarray


def head(rows=(6,), width=3, classes=5, seed=0):
    """Return features, weight and bias of moderate logits."""
    draw = np.random.default_rng(seed)
    return {
        "features": draw.normal(size=(*rows, width)),
        "weight": draw.normal(size=(classes, width)),
        "bias": draw.normal(size=classes),
    }


def labels_of(rows=(6,), classes=5, seed=1):
    return np.random.default_rng(seed).integers(0, classes, rows)


def soft_of(rows=(6,), classes=5, seed=2):
    return np.random.default_rng(seed).dirichlet(np.ones(classes), rows)


def all_options(draw, rows, classes):
    """Return all options that softmax's losses take together, but those of the result."""
    return {
        "class_weight": draw.uniform(0.5, 2, classes),
        "sample_weight": draw.uniform(0.5, 2, rows),
        "where": np.arange(rows) % 3 != 1,
        "label_smoothing": 0.125,
        "softcap": 3.0,
        "z_loss": 0.125,
    }


def softmax_head(target, features, weight, bias=None, *, w=1.0, **options):
    """Return truth and scales of the cross entropy of a head, its value times ``w`` differentiated.

    ``w`` is one number, or one for each row where ``reduction="none"``.
    """
    classes = weight.shape[0]
    hot = np.eye(classes)[target % classes] if target.ndim < features.ndim else target
    keep = np.ones(features.shape[:-1], bool) & options.get("where", True)
    if "ignore_index" in options:
        keep &= target != options["ignore_index"]
    features = np.where(keep[..., None], features, 0.0)
    z, size = _logits(features, weight, bias)
    cap, slope = options.get("softcap"), 1.0
    if cap is not None:
        z, slope = cap * np.tanh(z / cap), 1 - np.tanh(z / cap) ** 2
    peak = z.max(-1)
    lse = peak + np.log(np.exp(z - peak[..., None]).sum(-1))
    a = np.exp(z - lse[..., None])
    smoothing, classed = options.get("label_smoothing", 0.0), options.get("class_weight", 1.0)
    t = classed * ((1 - smoothing) * hot + smoothing / classes)
    cost = keep * options.get("sample_weight", 1.0)
    penalty, nats = options.get("z_loss", 0.0), np.log(options.get("base", np.e))
    rows = cost * ((t * (lse[..., None] - z)).sum(-1) / nats + penalty * lse**2)
    divisor = _divisor(options, (cost * (classed * hot).sum(-1)).sum())
    share = np.broadcast_to(w * cost / divisor, rows.shape)[..., None]
    both = (t.sum(-1, keepdims=True) * a, t)
    g = share * slope * ((both[0] - both[1]) / nats + 2 * penalty * lse[..., None] * a)
    bound = abs(share) * (sum(both) / nats + 2 * penalty * (1 + abs(lse[..., None])) * a)
    moved = cost * (t.sum(-1) / nats + 2 * penalty * abs(lse)) * size + abs(rows)
    return (
        Truth(_reduced(rows, divisor, options), *_back(g, features, weight)),
        Truth(_reduced(moved, divisor, options), *_sizes(bound, size, features, weight)),
    )


def logistic_head(target, features, weight, bias=None, *, w=1.0, **options):
    """Return truth and scales of the binary cross entropy of a head."""
    if weight.ndim == 1:
        narrow = softplus_rows(target[..., None], features, weight[None], bias, w, **options)
        shapes = (target.shape, features.shape, weight.shape, ())
        none = options.get("reduction", "mean") == "none"
        return tuple(
            Truth(
                *(
                    x.reshape(s) if i or none else x
                    for i, (x, s) in enumerate(zip(n, shapes, strict=True))
                )
            )
            for n in narrow
        )
    return softplus_rows(target, features, weight, bias, w, **options)


def softplus_rows(target, features, weight, bias, w, **options):
    def wide(x):
        x = np.asarray(x)
        return x[..., None] if x.ndim and x.shape != target.shape and weight.shape[0] == 1 else x

    smoothing = options.get("label_smoothing", 0.0)
    t = (1 - smoothing) * target + smoothing / 2
    positive, negative = wide(options.get("pos_weight", 1.0)) * t, 1 - t
    cost = (
        wide(options.get("where", True))
        * wide(options.get("sample_weight", 1.0))
        * np.ones(t.shape)
    )
    z, size = _logits(features, weight, bias)
    h, nats = 1 / (1 + np.exp(-z)), np.log(options.get("base", np.e))
    rows = cost * (positive * np.log1p(np.exp(-z)) + negative * np.log1p(np.exp(z))) / nats
    divisor = _divisor(options, cost.sum())
    share = wide(w) * cost / divisor / nats
    g = share * (negative * h - positive * (1 - h))
    bound = abs(share) * (negative * h + positive * (1 - h) + (negative + positive) * h * (1 - h))
    moved = cost * (positive + negative) * size[..., None] / nats + rows
    return (
        Truth(_reduced(rows, divisor, options), *_back(g, features, weight)),
        Truth(_reduced(moved, divisor, options), *_sizes(bound, size, features, weight)),
    )


def _logits(features, weight, bias):
    """Return the logits, and the largest sum of magnitudes that one of a row is made of."""
    bias = np.zeros(weight.shape[0]) if bias is None else bias
    size = abs(features) @ abs(weight.T) + abs(bias)
    return features @ weight.T + bias, size.max(-1)


def _divisor(options, mass):
    if options.get("reduction", "mean") != "mean":
        return 1.0
    return options.get("denominator", mass) or 1.0


def _reduced(rows, divisor, options):
    none = options.get("reduction", "mean") == "none"
    return rows if none else np.asarray(rows.sum() / divisor)


def _back(g, features, weight):
    flat, width = g.reshape(-1, g.shape[-1]), features.shape[-1]
    return g @ weight, flat.T @ features.reshape(-1, width), flat.sum(0)


def _sizes(bound, size, features, weight):
    return _back(bound * (1 + size[..., None]), abs(features), abs(weight))


def assert_truth(got, truth, ulp=ULP):
    """Hold ``(value, gradients)`` to the truth; a gradient of no bias is None."""
    (value, gradients), (want, scale) = got, truth
    for mine, right, size in zip((value, *gradients), want, scale, strict=True):
        if mine is not None:
            assert_near(mine, np.asarray(right), ulp, scale=np.maximum(size, 1e-300))


def run(backend, loss, **given):
    """Return value and gradients as NumPy's arrays, of a call or of its gradients by xent."""
    value, g = backend.call(xent.value_and_grad(loss), **given)
    return backend.numbers(value), tuple(None if x is None else backend.numbers(x) for x in g)


def checked(backend, loss, *, as_if=None, **given):
    """Return value and gradients, held to the truth of the same arguments, or of others ``as_if``."""
    got = run(backend, loss, **given)
    truth = softmax_head if loss is CE else logistic_head
    assert_truth(got, truth(**(given | (as_if or {}))))
    return got


def assert_alike(got, want):
    """Hold two results to be the same to the last bit."""
    for mine, right in zip((got[0], *got[1]), (want[0], *want[1]), strict=True):
        assert_same(mine, right)
