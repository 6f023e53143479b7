"""Cross entropy, of distributions only."""

from tests.losses.cross_entropy import formula as cross_entropy
from tests.record import FORMS, SOFTMAX, Record

RECORD = Record(
    targets=("distributions",),
    signature=("target", *FORMS, *SOFTMAX),
    formula=cross_entropy,
)
