"""What a loss is given beside its rows: numbers that its formula takes, by their names in the call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.number import Row, mp

#: By function, its parameters and their defaults.
PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "focal_loss": {"gamma": 2},
    "generalized_cross_entropy": {"q": 0.7},
    "poly_loss": {"epsilon": 1},
    "binary_focal_loss": {"gamma": 2, "alpha": None},
    "asymmetric_loss": {"gamma_negative": 4, "gamma_positive": 0, "margin": 0.05},
    "jensen_shannon_divergence": {"beta": 0.5},
    "skewed_divergence": {"reverse": False, "skew": 0},
    "renyi_divergence": {"order": None},
    "tsallis_divergence": {"order": None},
    "renyi_entropy": {"order": None},
    "tsallis_entropy": {"order": None},
}


def parameters(function: str, options: Mapping[str, Any]) -> Row:
    """Return the parameters of a call, −1 for one that is None."""
    given = (options.get(name, x) for name, x in PARAMETERS[function].items())
    return tuple(mp.mpf(-1 if x is None else x) for x in given)
