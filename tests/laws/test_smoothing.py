"""Smoothing of a yes-or-no target keeps the digits of the share that the other answer gets."""

import mpmath
import numpy as np
import pytest

import xent
from tests.near import assert_near

BCE = xent.binary_cross_entropy


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("smoothing", [0.25, 1e-3, 1e-6, 1e-10])
@pytest.mark.parametrize("pos_weight", [None, 3.0])
def test_of_a_sure_answer(backend, dtype, smoothing, pos_weight):
    """The rounded 1 − (1 − ε + ε/2) has lost the digits of ε/2, which is all that a sure yes costs."""
    for target, logit in ((1, 40.0), (0, -40.0), (1, -40.0), (1, 0.5)):
        t = np.asarray([target])
        options = {} if pos_weight is None else {"pos_weight": np.asarray(pos_weight, dtype)}
        value, g = backend.run(
            xent.value_and_grad(BCE),
            target=t,
            logits=np.asarray([logit], dtype),
            label_smoothing=smoothing,
            **options,
        )
        with mpmath.workdps(60):
            eps, z = mpmath.mpf(smoothing), mpmath.mpf(logit)
            positive = ((1 - eps) * target + eps / 2) * mpmath.mpf(pos_weight or 1)
            negative = (1 - eps) * (1 - target) + eps / 2
            plus, minus = mpmath.log1p(mpmath.exp(-z)), mpmath.log1p(mpmath.exp(z))
            loss = positive * plus + negative * minus
            slope = negative / (1 + mpmath.exp(-z)) - positive / (1 + mpmath.exp(z))
            size = negative / (1 + mpmath.exp(-z)) + positive / (1 + mpmath.exp(z))
        assert_near(value, np.asarray(float(loss), dtype), 8)
        assert_near(g[0], np.asarray(float(slope), dtype), 8, scale=float(size))
