"""torch: `torch.nn.functional`, differentiated by autograd.

https://docs.pytorch.org/docs/stable/nn.functional.html#loss-functions: losses take logits where
they can; ``kl_div`` takes log-probabilities. Entropy and the divergence of two rows of logits are
those of `torch.distributions.Categorical`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.distributions import Categorical, kl_divergence
from torch.nn import functional as F  # noqa: N812  # as torch's documentation writes it

from conformance.accuracy.draw import Array
from conformance.accuracy.subjects import SMOOTHING
from conformance.adapters.peer import Arrays, Peer


def _make(x: Array, dtype: str) -> Any:
    return torch.asarray(x, dtype=getattr(torch, dtype) if x.dtype.kind == "f" else torch.int64)


def _read(x: Any) -> Array:
    array: Array = x.detach().double().numpy()
    return array


def both(function: Any, given: Arrays) -> tuple[Any, Any]:
    """Return value and gradient by the first array."""
    x = given[0].requires_grad_()
    values = function(*given)
    (slope,) = torch.autograd.grad(values.sum(), x)
    return values.detach(), slope


def _two_logits(logits: Any, target_logits: Any) -> Any:
    p, q = (Categorical(logits=z, validate_args=False) for z in (target_logits, logits))
    return kl_divergence(p, q)


def _kl(log_q: Any, p: Any) -> Any:
    return F.kl_div(log_q, p, reduction="none").sum(-1)


FUNCTIONS = {
    "cross entropy, labels, logits": lambda logits, target: F.cross_entropy(
        logits, target, reduction="none"
    ),
    "cross entropy, smoothed labels": lambda logits, target: F.cross_entropy(
        logits, target, reduction="none", label_smoothing=SMOOTHING
    ),
    "cross entropy, soft, logits": lambda logits, target: F.cross_entropy(
        logits, target, reduction="none"
    ),
    "cross entropy, labels, probs": lambda probs, target: F.nll_loss(
        probs.log(), target, reduction="none"
    ),
    "BCE, logits": lambda logits, target: F.binary_cross_entropy_with_logits(
        logits, target, reduction="none"
    ),
    "BCE, probs": lambda probs, target: F.binary_cross_entropy(probs, target, reduction="none"),
    "entropy, probs": lambda probs: torch.special.entr(probs).sum(-1),
    "entropy, logits": lambda logits: Categorical(logits=logits, validate_args=False).entropy(),
    "KL, probs": lambda probs, target: _kl(probs.log(), target),
    "KL, probs from logits": lambda logits, target: _kl(F.log_softmax(logits, -1), target),
    "KL, probs from log_probs": _kl,
    "KL, two logits": _two_logits,
    "softmax": lambda logits: F.softmax(logits, -1),
    "log_softmax": lambda logits: F.log_softmax(logits, -1),
    "logsumexp": lambda logits: torch.logsumexp(logits, -1),
}
FUNCTIONS["BCE, soft, logits"] = FUNCTIONS["BCE, logits"]
FUNCTIONS["BCE, soft, probs"] = FUNCTIONS["BCE, probs"]
FUNCTIONS["softmax, its gradient"] = lambda z, target: (F.softmax(z, -1) * target).sum(-1)
FUNCTIONS["sigmoid"] = torch.sigmoid
FUNCTIONS["log_sigmoid"] = F.logsigmoid

PEER = Peer(
    "torch",
    "torch",
    FUNCTIONS,
    _make,
    _read,
    both,
    ("float64", "float32", "float16", "bfloat16"),
    backend="torch",
)
