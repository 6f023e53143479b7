"""What is said of a keyword that a function does not take, by what other libraries mean by it."""

from __future__ import annotations

from collections.abc import Sequence

from xent._check.arguments import shown

_HABITS = {
    "input": "the target comes first, then probs, logits= or log_probs=",
    "y_true": "pass the target first",
    **dict.fromkeys(
        ("y_pred", "y_score", "preds", "predictions"),
        "pass the prediction as probs, logits= or log_probs=",
    ),
    "labels": "labels, of classes 0 to K - 1, come first, as the target",
    "logit_scale": "its reciprocal is the temperature",
    "from_logits": "pass logits as logits=",
    "log_target": "pass the target's logits as target_logits=",
    "mask": "xent's name is where, True for the rows that count",
    "eps": "xent clips nothing: probability 0 on the truth costs inf",
    "temperature": "divide the logits by it",
}

_NAMES = {
    **dict.fromkeys(("weight", "weights"), ("class_weight", "sample_weight")),
    **{f"{name}s": (name,) for name in ("class_weight", "sample_weight", "pos_weight")},
    **{name: (f"{name}s",) for name in ("logit", "prob", "log_prob")},
    **dict.fromkeys(("size_average", "reduce", "normalize"), ("reduction",)),
    **dict.fromkeys(("teacher_logits", "target_log_probs"), ("target_logits",)),
    "alpha": ("order", "beta", "skew", "class_weight"),
    "dim": ("axis",),
    "ignore_class": ("ignore_index",),
    "smoothing": ("label_smoothing",),
    "T": ("temperature",),
}
"""What xent calls what others have another name for, where a function takes it."""


def unknown(function: str, name: str, known: Sequence[str]) -> TypeError:
    """Return the error for a keyword that ``function`` does not take."""
    names = [own for own in _NAMES.get(name, ()) if own in known]
    habit = f"xent's name{'s are' if names[1:] else ' is'} {' and '.join(names)}" if names else ""
    habit = habit or _HABITS.get(name, "")
    habit = f" ({habit})" if habit else ""
    return TypeError(
        f"{function}() got an unexpected keyword argument {shown(name)}{habit}; "
        f"it takes {', '.join(known)}"
    )
