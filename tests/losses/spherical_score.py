"""Spherical score of labels and distributions."""

from tests.record import DISTANCE, Record

# Columns: target, probabilities, score.
VALUES = [([1, 0], [1, 0], 1), ([0, 1], [1, 0], 0), ([0.5, 0.5], [0.6, 0.8], 0.7)]
# Columns: target, probabilities, gradient.
GRADIENTS = [([1, 0], [1, 0], [0, 0]), ([0, 1], [1, 0], [0, 1])]

RECORD = Record(
    targets=("labels", "distributions"),
    signature=("target", "probs", "ignore_index", *DISTANCE),
    formula=lambda xp, case, given, q, t: xp.sum(t * q, axis=-1) / xp.sqrt(xp.sum(q * q, axis=-1)),
    bounded=True,
    limits={"spherical": ("target probs", VALUES)},
    gradient_limits={"spherical": ("target probs", GRADIENTS)},
)
