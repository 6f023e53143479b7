"""Perplexity: the exponential of a mean cross entropy."""

from tests.losses.cross_entropy import formula as cross_entropy
from tests.record import FORMS, Record
from tests.tables import NAN, I

RECORD = Record(
    targets=("labels", "distributions"),
    signature=(
        *(
            "target",
            *FORMS,
            "axis",
            "sequence_axis",
            "class_weight",
            "sample_weight",
            "where",
            "ignore_index",
        ),
        *("label_smoothing", "denominator", "validate"),
    ),
    formula=cross_entropy,
    outer=lambda xp, mean: xp.exp(mean),
    one_per="call",
    edges={"all taken out": {"target": [0], "logits": [[NAN, I]], "where": [False]}},
)
