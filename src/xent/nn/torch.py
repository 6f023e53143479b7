"""Torch's loss modules, computed by xent: another import, and nothing else of a script changes.

Each class inherits from torch's of its name: arguments, defaults, buffers and means are torch's own, values
and gradients what torch's own should be. Values are checked where torch checks them. What differs:

- near certainty no digit is lost: CrossEntropyLoss of logits (20, 0, 0) and label 0 is 4e-9, and not 0;
- nothing is clamped: BCELoss of a true probability 0 is infinite, and not 100;
- 0 · ∞ is 0, and not NaN: a masked class (−inf) beside a soft target, a log-target of −inf, a weight of 0;
- a mean of nothing is 0, and not NaN: every label ignored, or an empty batch;
- SoftMarginLoss does not overflow: 100 of a margin of −100, and not inf;
- the loss of half precision is float32, and not rounded;
- labels are of any integer type; one out of range is a ValueError, and on an accelerator NaN;
- NLLLoss and KLDivLoss of log-probabilities above 0 raise, in host memory, the target's among them, as does
  a target of KLDivLoss that is not 0 to 1; KLDivLoss broadcasts nothing;
- torch.jit.script does not take them; torch.compile, torch.export and torch.func do.

Examples
--------
>>> import torch
>>> from xent.nn.torch import CrossEntropyLoss
>>> loss = CrossEntropyLoss(ignore_index=-1)
>>> print(f"{loss(torch.tensor([[20.0, 0.0, 0.0], [0.0, 1.0, 2.0]]), torch.tensor([0, -1])):.6g}")
4.12231e-09
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import xent
from xent import _dispatch
from xent._check import arguments, labels, names, structure, values
from xent._check.words import in_words
from xent._linear_call import LOGITS
from xent.losses.divergence import kl_divergence_of_logs

with names.needed("torch", by=__name__):
    from torch import Tensor, nn, ones_like

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "KLDivLoss",
    "MultiLabelSoftMarginLoss",
    "NLLLoss",
    "SoftMarginLoss",
]

_WORDS = {
    **dict.fromkeys(("probs", "log_probs", "logits", "features"), "input"),
    **dict.fromkeys(("class_weight", "sample_weight"), "weight"),
    "weight": "linear.weight",  # in one pass: what is called so above is not renamed again
    "bias": "linear.bias",
    LOGITS: "linear(input)",
    "binary_cross_entropy": "BCEWithLogitsLoss",
    labels.OF_SOFT: "CrossEntropyLoss",
    labels.MASK: "leave ignore_index out",
    labels.ROUNDED: "labels must be integers: pass target.long()",
    values.LEFT_OUT: "rows are left out by ignore_index=, of a loss that has it",
    **{f"pass axis={i}": f"take input.movedim({i}, 1)" for i in range(6)},
    values.LOGITS: "BCEWithLogitsLoss takes logits",
    values.OF_LOGS: f"{values.OF_LOGS} (log_softmax makes them of logits; CrossEntropyLoss takes logits)",
    values.OF_ELEMENTS: "softmax or sigmoid makes them of logits; labels -1 and 1 are (y + 1) / 2",
    values.OF_LOGITS: "softmax or sigmoid makes them of logits; KLDivLoss has log_target=True for logarithms",
}
"""What a phrase of an error is in torch's modules."""

_Loss = Callable[..., Tensor]


def _reduced(loss: _Loss, reduction: str, count: int | None, *given: Any, **options: Any) -> Tensor:
    """Return a loss whose mean divides by ``count``, and is 0 of nothing; by its own divisor for None."""
    if reduction != "mean" or count is None:
        return in_words(_WORDS, loss, *given, reduction=reduction, **options)
    return in_words(_WORDS, loss, *given, reduction="sum", **options) / max(count, 1)


def _need_tensor(name: str, x: Any, least: int = 0) -> None:
    if not isinstance(x, Tensor):
        kind = f" ({type(x).__module__}.{type(x).__qualname__})" if hasattr(x, "dtype") else ""
        raise TypeError(f"{name} is {arguments.shown(x)}{kind}; it takes a tensor")
    if x.ndim < least:
        raise TypeError(
            f"{name} is {arguments.shown(x)}; it takes a tensor of at least {least} axis"
        )


def _need_both(input: Any, target: Any, least: int = 0) -> None:
    """Raise unless both are tensors, dense and in one place, and the first can be a prediction."""
    _need_tensor("input", input, least)
    _need_tensor("target", target)
    given = {"input": input, "target": target}
    if _dispatch.of_tensors(given) is None:
        _dispatch.resolve(given)  # which raises: for another library, device or layout
    if not input.is_floating_point():
        turned = target.is_floating_point()
        hint = (
            "the prediction comes first, as in torch: loss(input, target)" if turned else "cast it"
        )
        structure.of_kind("input", input, fits=False, takes=f"{structure.FLOATING}; {hint}")


def _need_pairs(input: Any, target: Any) -> None:
    """Raise unless each element has a number for a target: torch itself would broadcast the two."""
    _need_both(input, target)
    labels.binary(target, "input", input.shape)


def _axis(input: Tensor, target: Tensor) -> int:
    """Return where the classes lie."""
    _need_both(input, target, 1)
    return min(1, input.ndim - 1)


def _of_classes(
    loss: _Loss, module: Any, classes: int, target: Tensor, *given: Any, **options: Any
) -> Tensor:
    """Return a loss of labels, or of distributions: their mean divides by rows, whatever classes weigh."""
    options["class_weight"] = module.weight
    ignored = module.ignore_index
    if not target.is_floating_point():
        options["ignore_index"] = -100 if ignored is None else ignored
        rows = None if target.numel() else 0
        return _reduced(loss, module.reduction, rows, target, *given, **options)
    if ignored is not None and ignored >= 0:
        options["ignore_index"] = ignored  # which raises, as torch does
    rows = target.numel() // max(classes, 1)
    return _reduced(loss, module.reduction, rows, target, *given, validate=False, **options)


class CrossEntropyLoss(nn.CrossEntropyLoss):
    """`xent.cross_entropy` of logits, as `torch.nn.CrossEntropyLoss`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        axis = _axis(input, target)
        options = {"axis": axis, "label_smoothing": self.label_smoothing}
        loss = xent.cross_entropy
        return _of_classes(loss, self, input.shape[axis], target, logits=input, **options)


class NLLLoss(nn.NLLLoss):
    """`xent.sparse_categorical_cross_entropy` of log-probabilities, as `torch.nn.NLLLoss`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        axis = _axis(input, target)
        loss = xent.sparse_categorical_cross_entropy
        return _of_classes(loss, self, input.shape[axis], target, log_probs=input, axis=axis)


if hasattr(nn, "LinearCrossEntropyLoss"):  # torch has it since 2.13
    __all__ += ["LinearCrossEntropyLoss"]

    class LinearCrossEntropyLoss(nn.LinearCrossEntropyLoss):
        """`xent.linear_cross_entropy`, as `torch.nn.LinearCrossEntropyLoss`.

        The logits are never stored whole, whatever ``options`` says, unless ``out_features`` makes the
        heads several.
        """

        def forward(self, input: Tensor, target: Tensor) -> Tensor:
            _need_both(input, target, 1)
            width = self.linear.in_features
            if input.shape[-1] != width:
                rule = f"(..., {width}), the in_features of the module"
                raise ValueError(f"input has shape {tuple(input.shape)}; it takes {rule}")
            given, head = (self, self.num_classes, target), self.linear
            options = {"label_smoothing": self.label_smoothing}
            if not self.out_features:
                heads = input, head.weight, head.bias
                return _of_classes(xent.linear_cross_entropy, *given, *heads, **options)
            logits = head(input).unflatten(-1, (self.num_classes, *self.out_features))
            options.update(logits=logits, axis=1)
            words = {"input": "linear(input)"}  # what the logits are of, and not what was given
            return in_words(words, _of_classes, xent.cross_entropy, *given, **options)


def _of_elements(
    module: Any, form: str, input: Tensor, target: Tensor, weight: Any = None, **options: Any
) -> Tensor:
    """Return a binary loss, whose mean divides by the number of elements, whatever they weigh."""
    _need_pairs(input, target)
    if form == "logits" and target.is_floating_point():
        options["validate"] = False  # torch's takes any number beside logits
    if weight is not None:
        structure.broadcastable("weight", weight, target.shape)
        options["sample_weight"] = weight.expand(target.shape)
    options[form] = input
    return _reduced(xent.binary_cross_entropy, module.reduction, target.numel(), target, **options)


class BCELoss(nn.BCELoss):
    """`xent.binary_cross_entropy` of probabilities, as `torch.nn.BCELoss`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return _of_elements(self, "probs", input, target, self.weight)


class BCEWithLogitsLoss(nn.BCEWithLogitsLoss):
    """`xent.binary_cross_entropy` of logits, as `torch.nn.BCEWithLogitsLoss`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        options = {"pos_weight": self.pos_weight}
        return _of_elements(self, "logits", input, target, self.weight, **options)


class MultiLabelSoftMarginLoss(nn.MultiLabelSoftMarginLoss):
    """The mean of `xent.binary_cross_entropy` of logits over the last axis, as torch's."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        _need_both(input, target, 1)
        cost = _of_elements(self, "logits", input, target, self.weight)
        if self.reduction == "none":
            return cost.mean(-1)
        return cost / target.shape[-1] if self.reduction == "sum" else cost


class SoftMarginLoss(nn.SoftMarginLoss):
    """`xent.binary_cross_entropy` of logits that are to be positive, target · input, as torch's."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        _need_pairs(input, target)
        margin = target.to(input.dtype) * input  # whose dtype decides
        return _of_elements(self, "logits", margin, ones_like(margin))


class KLDivLoss(nn.KLDivLoss):
    """`xent.kl_divergence` of log-probabilities, as `torch.nn.KLDivLoss`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        loss: _Loss = kl_divergence_of_logs if self.log_target else xent.kl_divergence
        _need_both(input, target, least=int(self.reduction == "batchmean"))
        structure.distributions("target", target)
        structure.same_shape("target", target, "input", input.shape)
        reduction, count = self.reduction, input.numel()
        if reduction == "batchmean":
            reduction, count = "mean", input.shape[0]
        rows = (target, input)
        if reduction == "none" or input.ndim == 0:
            rows = target[..., None], input[..., None]  # a row each
        return _reduced(loss, reduction, count, rows[0], log_probs=rows[1])
