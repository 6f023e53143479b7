"""scikit-learn: `sklearn.metrics.log_loss` for probabilities, and the losses of its estimators.

https://scikit-learn.org/stable/modules/generated/sklearn.metrics.log_loss.html: from probabilities;
it returns one number, so that each row is a call. From raw scores there is no public function:
`sklearn._loss`, what `LogisticRegression` and `HistGradientBoostingClassifier` compute, has value
and gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn._loss.loss import HalfBinomialLoss, HalfMultinomialLoss
from sklearn.metrics import log_loss

from conformance.accuracy.draw import Array
from conformance.adapters.peer import Peer

MANY = 1000
"""Rows from which calls for each of them take too long."""


def _make(x: Array, dtype: str) -> Array:
    return x.astype(dtype)


def _read(x: Any) -> Array:
    return np.asarray(x).astype(np.float64)


def _labels(logits: Array, target: Array) -> tuple[Array, Array]:
    width = logits.shape[-1]
    if width < 3:
        raise NotImplementedError("two classes are the binomial loss's, one is nobody's")
    if target.min() < 0 or target.max() >= width:
        raise NotImplementedError("it reads beyond its arrays")
    loss = HalfMultinomialLoss(n_classes=width, sample_weight=None)
    target, logits = np.ascontiguousarray(target), np.ascontiguousarray(logits)
    value, slope = loss.loss_gradient(y_true=target, raw_prediction=logits)
    return value, slope


def _probs(probs: Array, target: Array) -> Array:
    # The mean of one row; `labels` says how many classes there are.
    if len(probs) > MANY:
        raise NotImplementedError("each row is a call")
    classes = np.arange(probs.shape[-1])
    rows = zip(target.astype(int), probs, strict=True)
    return np.array([log_loss([y], p[None], labels=classes) for y, p in rows], dtype=probs.dtype)


def _binary(logits: Array, target: Array) -> tuple[Array, Array]:
    loss = HalfBinomialLoss(sample_weight=None)
    flat = (np.ascontiguousarray(x.ravel()) for x in (target, logits))
    value, slope = loss.loss_gradient(*flat)
    return value.reshape(logits.shape), slope.reshape(logits.shape)


FUNCTIONS = {
    "cross entropy, labels, logits": _labels,
    "cross entropy, labels, probs": _probs,
    "BCE, logits": _binary,
    "BCE, soft, logits": _binary,
}

PEER = Peer("sklearn", "scikit-learn", FUNCTIONS, _make, _read, None, doubles=True)
