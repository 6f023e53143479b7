"""What the tests know of a loss, all in one record: `tests/losses/` holds one for each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

FORMS = ("probs", "logits", "log_probs")
ELEMENT = ("sample_weight", "where", "reduction", "denominator", "validate")
FOCAL = (*ELEMENT, "ignore_index")
ROW = ("base", *ELEMENT)
CURVE = (*FOCAL, "axis", "class_weight")
DISTANCE = (*ELEMENT, "axis")
SOFTMAX = (*ROW, "axis", "class_weight", "ignore_index", "label_smoothing", "softcap", "z_loss")


def identity(xp, x):
    return x


@dataclass(frozen=True)
class Record:
    """A loss, as the documents have it; its file is named after it."""

    targets: tuple[str, ...]
    """What its target may hold: `labels`, `distributions`, `target_logits`, `pmf`, `binary`; or
    `nothing`, where it has none."""
    signature: tuple[str, ...]
    """The names of its parameters."""
    formula: Callable
    """As a textbook has it, in the array API: the cost of each row, of (xp, case, given, probabilities,
    target); of a link (xp, logits)."""
    parameters: dict = field(default_factory=dict)
    """Values of its own parameters that have no default."""
    positional: tuple[str, ...] = ("target", "probs")
    reduction: str | None = "mean"
    """The default; None where its values are never reduced."""
    outer: Callable = identity
    """What is made of the reduced costs."""
    one_per: str = "row"
    """What there is one value for: a row, an element or a call."""
    bounded: bool = False
    """Whether the cost of being certain and wrong is finite."""
    link: bool = False
    """Whether it returns the prediction's dtype."""
    limits: dict = field(default_factory=dict)
    """By a name: the columns of a table, the value the last, and its rows."""
    gradient_limits: dict = field(default_factory=dict)
    """The same, the gradient the last."""
    edges: dict = field(default_factory=dict)
    """By what is special: arguments at which it is finite and a plain formula, or its derivative, is
    NaN."""


of_link = partial(Record, targets=("nothing",), positional=("logits",), reduction=None, link=True)
