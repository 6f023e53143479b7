"""Cross entropy, of labels only."""

from tests.losses.cross_entropy import formula as cross_entropy
from tests.record import FORMS, SOFTMAX, Record

RECORD = Record(
    targets=("labels",),
    signature=("target", *FORMS, *SOFTMAX),
    formula=cross_entropy,
)
