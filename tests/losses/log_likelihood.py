"""Log-likelihood of labels, or of distributions."""

from tests.record import FORMS, Record
from tests.tables import I


def formula(xp, case, given, q, t):
    return xp.log(xp.sum(t * q, axis=-1))


RECORD = Record(
    targets=("labels", "distributions"),
    signature=("target", *FORMS, "axis", "reduction"),
    formula=formula,
    reduction="sum",
    edges={"masked class, log likelihood": {"target": [0], "logits": [[0.0, -I, 1.0]]}},
)
