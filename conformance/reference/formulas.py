"""Formulas and values that a document prints instead of a decimal number, as mpmath expressions.

The key is the text of the document; where the document is wrong, the value is what its text says.
"""

from __future__ import annotations

from collections.abc import Callable

from conformance.reference.number import Number, mp
from conformance.reference.rows import sigmoid, softplus

# The logistic example of d1_logistic.json: θᵀx and y of its four rows.
SCORES, TRUTH = ("0.5", "-1.5", "2", "-0.25"), (1, 0, 0, 1)


def unbracketed() -> Number:
    """J(θ) read as its missing brackets say: −1/n reaches the first term only."""
    pairs = [(mp.mpf(z), y) for z, y in zip(SCORES, TRUTH, strict=True)]
    first = sum(y * -softplus(-z) for z, y in pairs) / len(pairs)
    return -first + sum((1 - y) * mp.log(1 - sigmoid(z)) for z, y in pairs)


#: The probabilities that the five rows of d1_likelihood.json give to the truth.
CHOSEN = ("0.96", "0.8", "0.6", "0.7", "0.8")


def sum_of_costs() -> Number:
    """Σ[−Σ y log ŷ] of the five rows; the inputs are the doubles nearest to the decimals."""
    return -sum(mp.log(mp.mpf(float(text))) for text in CHOSEN)


FORMULAS: dict[str, Callable[[], Number]] = {
    r"\dfrac{10 -log_23}{4}": lambda: (10 - mp.log(3, 2)) / 4,
    "8/4": lambda: mp.mpf(8) / 4,
    "9/4": lambda: mp.mpf(9) / 4,
    r"\sum_{n}^{N} [-\sum_i y_i^{(n)}log\hat{y}_i^{(n)}]": sum_of_costs,
    r"J(\theta)=-\frac{1}{n}\sum y\log h+(1-y)\log(1-h)": unbracketed,
}
