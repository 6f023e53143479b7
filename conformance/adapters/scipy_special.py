"""SciPy: `scipy.special`, which has no losses but all that they are made of, and no gradients.

https://docs.scipy.org/doc/scipy/reference/special.html: ``xlogy``, ``xlog1py``, ``entr`` and
``rel_entr`` are its information-theoretic functions; ``log_softmax`` and ``log_expit`` its links.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special as sp
from scipy.spatial.distance import jensenshannon

from conformance.accuracy.draw import Array
from conformance.adapters.peer import Peer


def _make(x: Array, dtype: str) -> Array:
    return x.astype(dtype) if x.dtype.kind == "f" else x


def _read(x: Any) -> Array:
    return np.asarray(x).astype(np.float64)


def _labels(logits: Array, target: Array) -> Any:
    return -np.take_along_axis(sp.log_softmax(logits, axis=-1), target[:, None], -1)[:, 0]


def _binary(probs: Array, target: Array) -> Any:
    return -(sp.xlogy(target, probs) + sp.xlog1py(1 - target, -probs))


def _binary_logits(logits: Array, target: Array) -> Any:
    return -(target * sp.log_expit(logits) + (1 - target) * sp.log_expit(-logits))


FUNCTIONS = {
    "cross entropy, labels, logits": _labels,
    "cross entropy, soft, probs": lambda probs, target: -sp.xlogy(target, probs).sum(-1),
    "BCE, logits": _binary_logits,
    "BCE, soft, logits": _binary_logits,
    "BCE, probs": _binary,
    "BCE, soft, probs": _binary,
    "entropy, probs": lambda probs: sp.entr(probs).sum(-1),
    "KL, probs": lambda probs, target: sp.rel_entr(target, probs).sum(-1),
    "JS": lambda q, p: jensenshannon(p, q, axis=-1) ** 2,
    "softmax": lambda logits: sp.softmax(logits, axis=-1),
    "log_softmax": lambda logits: sp.log_softmax(logits, axis=-1),
    "logsumexp": lambda logits: sp.logsumexp(logits, axis=-1),
    "sigmoid": sp.expit,
    "log_sigmoid": sp.log_expit,
}

PEER = Peer("scipy", "scipy", FUNCTIONS, _make, _read, None)
