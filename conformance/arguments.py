"""How the arguments of a case are written in its file.

========================================  ======================================================
in the file                               what it is
========================================  ======================================================
``{"hex": …, "decimal": …}``              floating values, in the case's dtype; ``decimal`` is
                                          how the document prints them and is never read as a
                                          number
``{"labels": …, "dtype": "int64"}``       integers
``{"mask": …}``                           booleans
``{"hex": x, "shape": […]}``              one value everywhere, an array by rule
``{"labels": k, "shape": […], "dtype"}``  one label everywhere
========================================  ======================================================

A ``target`` of labels beside ``target_probs`` is a distribution of a few classes, with the option ``rest``.

The dtype of a ``hex`` argument may be fixed with ``"dtype"``; otherwise it is that of the run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.case import Argument
from conformance.exact import FORMATS, input_value

#: Measures of two distributions.
PAIRS = (
    "jensen_shannon_divergence", "renyi_divergence", "tsallis_divergence",
    "hellinger_distance", "total_variation", "chi_square_divergence",
)  # fmt: skip

#: Arguments that come first in the signature; everything else is passed by its name.
LEADING = {
    "self_information": ("p",),
    "is_distribution": ("p",),
    **dict.fromkeys(PAIRS, ("p", "q")),
    "softmax": ("logits",),
    "log_softmax": ("logits",),
    "logsumexp": ("logits",),
    "sigmoid": ("logits",),
    "log_sigmoid": ("logits",),
    "softmax_jacobian": ("logits",),
    "one_hot": ("labels", "num_classes"),
    "smooth_labels": ("target", "smoothing"),
    "contrastive_loss": ("a", "b"),
    "sigmoid_contrastive_loss": ("a", "b"),
    "linear_cross_entropy": ("target", "features", "weight"),
    "linear_log_probs": ("target", "features", "weight"),
    "linear_binary_cross_entropy": ("target", "features", "weight"),
    **dict.fromkeys(
        ("linear_kl_divergence", "linear_jensen_shannon_divergence"),
        ("target_features", "target_weight", "features", "weight"),
    ),
}
ANY_OTHER = ("target",)


def mapped(values: Any, change: Callable[[Any], Any]) -> Any:
    """Apply a function to every element of a nested list."""
    if isinstance(values, list):
        return [mapped(item, change) for item in values]
    return change(values)


def dtype_of(argument: Argument, dtype: str) -> str:
    """Return the dtype in which an argument is passed when the case runs in ``dtype``."""
    if "mask" in argument:
        return "bool"
    return str(argument.get("dtype", "int64" if "labels" in argument else dtype))


def values_of(argument: Argument, dtype: str) -> Any:
    """Return the nested Python numbers of an argument; a single one where it has a ``shape``."""
    if "mask" in argument:
        return argument["mask"]
    if "labels" in argument:
        return argument["labels"]
    form = FORMATS[dtype_of(argument, dtype)]
    return mapped(argument["hex"], lambda text: input_value(text, form))
