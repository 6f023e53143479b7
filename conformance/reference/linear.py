"""Losses of a linear head: the logits are an exact product, the gradient three products."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.case import Case
from conformance.reference.number import Array

FUNCTIONS = {
    "linear_cross_entropy": "cross_entropy",
    "linear_log_probs": "log_probs",
    "linear_binary_cross_entropy": "binary_cross_entropy",
    "linear_kl_divergence": "kl_divergence",
    "linear_jensen_shannon_divergence": "jensen_shannon_divergence",
}

Evaluate = Callable[[Case, Mapping[str, Array]], Any]


def targeted(arrays: Mapping[str, Array]) -> Mapping[str, Array]:
    """Return arrays with the logits of a second head in its place."""
    if "target_features" not in arrays:
        return arrays
    logits = arrays["target_features"] @ arrays["target_weight"].T + arrays.get("target_bias", 0)
    own = ("target_features", "target_weight", "target_bias")
    return {name: x for name, x in arrays.items() if name not in own} | {"target_logits": logits}


def evaluate(case: Case, arrays: Mapping[str, Array], rule: Evaluate) -> Any:
    """Evaluate through the loss of the logits ``features @ weight.T + bias``."""
    head = ("features", "weight", "bias")
    features, weight = arrays["features"], arrays["weight"]
    logits = features @ weight.T
    if "bias" in arrays:
        logits = logits + arrays["bias"]
    plain = {name: array for name, array in arrays.items() if name not in head}
    loss = replace(case, function=FUNCTIONS[case.function])
    result = rule(loss, {**plain, "logits": logits})
    if case.quantity != "gradient":
        return result.tolist() if isinstance(result, np.ndarray) else result
    rows = result if result.ndim == 2 else result[:, None]
    parts = [rows @ weight.reshape(rows.shape[1], -1), (rows.T @ features).reshape(weight.shape)]
    if "bias" in arrays:
        parts.append(rows.sum(axis=0).reshape(arrays["bias"].shape))
    return [part.tolist() for part in parts]
