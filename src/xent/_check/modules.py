"""What an error of a loss says in a framework's module, in its names; and what a module lacks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from xent._check import structure, values

R = TypeVar("R")

TORCH = {
    **dict.fromkeys(("probs", "log_probs", "logits", "features"), "input"),
    **dict.fromkeys(("class_weight", "sample_weight"), "weight"),
    "weight": "linear.weight",
    "bias": "linear.bias",
    "features @ weight.T": "linear(input)",
    "binary_cross_entropy": "BCEWithLogitsLoss",
    "cross_entropy or categorical_cross_entropy": "CrossEntropyLoss",
    "use where=": "leave ignore_index out",
    values.LEFT_OUT: "rows are left out by ignore_index=, of a loss that has it",
    values.LOGITS: "BCEWithLogitsLoss takes logits",
    values.OF_LOGS: f"{values.OF_LOGS} (log_softmax makes them of logits; CrossEntropyLoss takes logits)",
    values.OF_LOGITS: "softmax or sigmoid makes them of logits; KLDivLoss has log_target=True for logarithms",
}

KERAS = {
    **dict.fromkeys(("probs", "logits"), "y_pred"),
    "target": "y_true",
    "ignore_index": "ignore_class",
    structure.CAST: "give the loss a floating dtype",
    values.LEFT_OUT: "rows are left out by ignore_class=, of a loss that has it",
    values.LOGITS: "logits go with from_logits=True, of a loss that has it",
    values.OF_LOGITS: "softmax or sigmoid makes them of logits",
}


def in_words(words: Mapping[str, str], loss: Callable[..., R], *given: Any, **options: Any) -> R:
    """Return a loss; what its errors say is said in ``words``, by which the longest phrase goes first."""
    try:
        return loss(*given, **options)
    except (TypeError, ValueError) as error:
        phrases = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
        said = re.sub(rf"(?<!\w)({phrases})(?!\w)", lambda found: words[found[0]], str(error))
        error.args = (said,)
        raise


def lacks(module: str, apart: Mapping[str, str]) -> Callable[[str], NoReturn]:
    """Return a module's ``__getattr__``, which says of names that are ``apart`` what to import."""

    def missing(name: str) -> NoReturn:
        hint = f"; it is imported by itself: import {apart[name]}" if name in apart else ""
        raise AttributeError(f"module {module!r} has no attribute {name!r}{hint}")

    return missing
