"""A module of torch and ours of its name, run on the same."""

import numpy as np
import torch

import xent.nn.torch as ours
from tests.near import assert_near

NAMES = tuple(name for name in vars(ours) if name.endswith("Loss") and hasattr(torch.nn, name))

Z = torch.tensor([[0.5, -1.0, 2.0], [0.0, 1.0, -0.5], [1.5, 0.25, -2.0], [3.0, 0.0, 1.0]])
LABELS, SOFT = torch.tensor([0, 2, -100, 1]), Z.flip(0).softmax(1)
LOG_Q, WEIGHT = Z.log_softmax(1), torch.tensor([0.5, 1.0, 2.0])
EXAMPLES = {
    "CrossEntropyLoss": ({"weight": WEIGHT, "label_smoothing": 0.1}, Z, LABELS),
    "NLLLoss": ({"weight": WEIGHT}, LOG_Q, LABELS),
    "LinearCrossEntropyLoss": ({"in_features": 3, "num_classes": 3, "weight": WEIGHT}, Z, LABELS),
    "BCELoss": ({"weight": WEIGHT}, Z.sigmoid(), SOFT),
    "BCEWithLogitsLoss": ({"weight": WEIGHT, "pos_weight": WEIGHT}, Z, SOFT),
    "MultiLabelSoftMarginLoss": ({"weight": WEIGHT}, Z, SOFT),
    "SoftMarginLoss": ({}, Z, 2 * SOFT.round() - 1),
    "KLDivLoss": ({"reduction": "batchmean", "log_target": True}, LOG_Q, SOFT.log()),
}


def assert_torchs(name, given, input, target, ulp, *, like=None, **options):
    """Hold value and gradients to those of torch's own in float64, of which float32 keeps all digits.

    A gradient is measured by the largest: of its row, where the target is a label and the gradient
    small wherever the loss is; of all, where softmax and target, or the rows of a weight, cancel. So is
    a divergence's term log p − log q.
    """
    exact = getattr(torch.nn, name)(*given, **options)
    module = getattr(ours, name)(*given, **options)
    if like is not None:
        exact.load_state_dict(like)
        module.load_state_dict(like)
    assert repr(module) == repr(exact)
    (value, *slopes), (right, *wanted) = (
        run(module, input, target),
        run(exact.double(), input.double(), wide(target)),
    )
    assert value.dtype == torch.float32
    terms_cancel = name == "KLDivLoss" and value.ndim
    assert_near(value, right, ulp, scale=magnitude(right).max() if terms_cancel else None)
    by_row = not target.is_floating_point() and len(slopes) == 1
    for g, w in zip(slopes, wanted, strict=True):
        size = magnitude(w)
        size = np.max(size, axis=min(1, w.ndim - 1), keepdims=True) if by_row else np.max(size)
        assert_near(g, w, ulp, scale=size)


def magnitude(x):
    return x.abs().nan_to_num().numpy()


def wide(x):
    return x.double() if x.is_floating_point() else x


def run(module, input, target):
    """Return value and gradients, of parameters first, of a module."""
    leaves = [x.detach().clone() for x in (input, target)]
    for x in leaves[: 1 if isinstance(module, torch.nn.SoftMarginLoss) else 2]:
        x.requires_grad_(x.is_floating_point())  # but for a target that torch has no derivative for
    value = module(*leaves)
    moving = [*module.parameters(), *(x for x in leaves if x.requires_grad)]
    slopes = torch.autograd.grad(value.sum(), moving, allow_unused=True)
    return [value.detach(), *(g for g in slopes if g is not None)]
