"""Arguments at which a loss is finite and a plain formula, or its derivative, is NaN."""

import numpy as np

from tests.cases import EVERY, FAMILY, RECORDS

EDGES = {
    name: (loss, given) for loss, record in RECORDS.items() for name, given in record.edges.items()
}
"""By what is special: the loss, and its arguments."""
TRIED = [name for name, (loss, _) in EDGES.items() if EVERY or loss not in FAMILY]
"""Those that are tried where each loss is compiled."""


def arrays(given):
    """Return the arguments with arrays in the place of lists."""
    return {k: np.array(x) if isinstance(x, list) else x for k, x in given.items()}


def prediction(given):
    """Return the name of the prediction."""
    return next(name for name in ("logits", "probs", "log_probs", "q") if name in given)
