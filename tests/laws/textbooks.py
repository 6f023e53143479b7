"""Each loss of the package as a textbook has it: what `xent.testing.check` is given of somebody else's."""

import numpy as np

from tests.laws.broken import cross_entropy as h


def total(x):
    return np.sum(x, axis=-1)


def log_likelihood(t, q):
    return np.log(total(t * q))


def kl_divergence(t, q):
    return total(t * np.log(np.where(t == 0, 1, t) / q))


def jensen_shannon(t, q, beta=0.5):
    m = beta * t + (1 - beta) * q
    return beta * kl_divergence(t, m) + (1 - beta) * kl_divergence(q, m)


def binary(t, q):
    return -t * np.log(q) - (1 - t) * np.log(1 - q)


def asymmetric(t, q):
    over = np.maximum(q - 0.05, 0)
    return -t * np.log(q) - (1 - t) * over**4 * np.log(1 - over)


def focal(t, q, gamma):
    return -total(t * (1 - q) ** gamma * np.log(q))


def binary_focal(t, q, gamma):
    return -t * (1 - q) ** gamma * np.log(q) - (1 - t) * q**gamma * np.log(1 - q)


def poly(t, q, epsilon):
    return h(t, q) + epsilon * total(t * (1 - q))


def generalized(t, probs, q):
    return total(t * (1 - probs**q) / q)


def hellinger(t, q):
    return np.sqrt(total((np.sqrt(t) - np.sqrt(q)) ** 2) / 2)


def tsallis(t, q, order):
    return (total(t**order * q ** (1 - order)) - total(t)) / (order - 1)


def renyi(t, q, order):
    return np.log(total(t**order * q ** (1 - order)) / total(t)) / (order - 1)


def tsallis_entropy(t, q, order):
    return (total(q**order) - total(q)) / (1 - order)


def renyi_entropy(t, q, order):
    return np.log(total(q**order) / total(q)) / (1 - order)


LABELS, SOFT, BINARY, NOTHING = ("labels",), ("distributions",), ("binary",), ("nothing",)
BOTH = LABELS + SOFT
ORDERS = [{"order": x} for x in (0.5, 2.0, 7.5)]
OWN = {
    "asymmetric_loss": (asymmetric, BINARY, []),
    "binary_cross_entropy": (binary, BINARY, []),
    "binary_focal_loss": (binary_focal, BINARY, [{"gamma": x} for x in (2.0, 0.0, 5.0)]),
    "brier_score": (lambda t, q: total((q - t) ** 2), BOTH, []),
    "categorical_cross_entropy": (h, SOFT, []),
    "chi_square_divergence": (lambda t, q: total((t - q) ** 2 / q), SOFT, []),
    "cross_entropy": (h, BOTH, []),
    "entropy": (lambda t, q: h(q, q), NOTHING, []),
    "focal_loss": (focal, BOTH, [{"gamma": x} for x in (2.0, 0.0, 0.5, 5.0)]),
    "generalized_cross_entropy": (generalized, BOTH, [{"q": x} for x in (0.7, 0.01, 1.0)]),
    "hellinger_distance": (hellinger, SOFT, []),
    "jensen_shannon_divergence": (jensen_shannon, SOFT, [{}, {"beta": 0.9}]),
    "kl_divergence": (kl_divergence, (*BOTH, "target_logits"), []),
    "log_likelihood": (log_likelihood, BOTH, []),
    "log_sigmoid": (lambda t, q: np.log(q), NOTHING, []),
    "log_softmax": (lambda t, q: np.log(q), NOTHING, []),
    "logsumexp": (None, NOTHING, []),
    "negative_log_likelihood": (lambda t, q: -log_likelihood(t, q), BOTH, []),
    "perplexity": (lambda t, q: np.exp(np.mean(h(t, q))), BOTH, []),
    "poly_loss": (poly, BOTH, [{"epsilon": x} for x in (1.0, -1.0, 4.0)]),
    "renyi_divergence": (renyi, SOFT, ORDERS),
    "renyi_entropy": (renyi_entropy, NOTHING, ORDERS),
    "sigmoid": (lambda t, q: q, NOTHING, []),
    "softmax": (lambda t, q: q, NOTHING, []),
    "sparse_categorical_cross_entropy": (h, LABELS, []),
    "spherical_score": (lambda t, q: total(t * q) / np.sqrt(total(q * q)), BOTH, []),
    "total_variation": (lambda t, q: total(np.abs(t - q)) / 2, SOFT, []),
    "tsallis_divergence": (tsallis, SOFT, ORDERS),
    "tsallis_entropy": (tsallis_entropy, NOTHING, ORDERS),
}
"""By name: the formula, what the target may hold, and parameters to try."""
