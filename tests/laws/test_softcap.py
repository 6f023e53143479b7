"""Softcap acts on the logits before anything else sees them; z_loss adds z · lse² (R19)."""

import math

import mpmath
import numpy as np
import pytest

import xent
from tests.near import BOTH, assert_near, assert_same, largest

CE = xent.cross_entropy
Z = np.asarray([[1.0, -2.0, 0.5], [3.0, 0.0, -1.0]])
Y = np.asarray([2, 0])
SOFT = np.asarray([[0.25, 0.25, 0.5], [0.5, 0.125, 0.375]])
CAP, WEIGHT = 2.0, 0.125
LSE = np.asarray([math.log(math.fsum(map(math.exp, row))) for row in Z.tolist()])


@pytest.mark.parametrize("target", [Y, SOFT], ids=["labels", "distributions"])
def test_softcap_bends_the_logits(backend, target):
    capped, slope = CAP * np.tanh(Z / CAP), 1 - np.tanh(Z / CAP) ** 2
    wanted, gradient = backend.run(xent.value_and_grad(CE), target=target, logits=capped)
    value, there = backend.run(xent.value_and_grad(CE), target=target, logits=Z, softcap=CAP)
    assert_near(value, wanted)
    assert_near(there, gradient * slope, scale=largest(gradient))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("logit", [69.0, -69.0, 150.0, 300.0, 500.0, 1e4, -math.inf])
def test_a_logit_beyond_the_cap_has_a_slope(backend, dtype, logit):
    """The derivative of tanh in its argument: 1 − tanh² has lost its digits where tanh is 1."""
    cap, z = 30.0, np.asarray([[0.0, logit, 1.0]], dtype)
    with mpmath.workdps(60):
        e = [mpmath.exp(cap * mpmath.tanh(mpmath.mpf(float(x)) / cap)) for x in z[0]]
        slope = mpmath.sech(mpmath.mpf(logit) / cap) ** 2 if math.isfinite(logit) else 0
        want = np.asarray(float(e[1] / sum(e) * slope), dtype)
    if abs(want) < np.finfo(dtype).tiny:
        want = np.zeros_like(want)
    _, g = backend.run(xent.value_and_grad(CE), target=Y[1:], logits=z, softcap=cap)
    rounded = BOTH + 4 * min(abs(logit), 1e4) / cap  # of the capped logit, and of logit / cap
    assert_near(g[0, 1], want, rounded)


@pytest.mark.parametrize("logit", [69.0, 150.0, 300.0])
def test_and_a_curvature(backend, logit):
    cap, z, along = 30.0, np.asarray([[0.0, logit, 1.0]]), np.asarray([[0.0, 1.0, 0.0]])
    with mpmath.workdps(60):
        u = mpmath.mpf(logit) / cap
        e = [mpmath.exp(cap * mpmath.tanh(mpmath.mpf(x) / cap)) for x in z[0].tolist()]
        q, slope = e[1] / sum(e), mpmath.sech(u) ** 2
        want = np.asarray(float(q * (1 - q) * slope**2 - 2 * q * slope * mpmath.tanh(u) / cap))
    given = {"target": Y[1:], "logits": z, "tangent": along, "softcap": cap}
    got = backend.run(xent.hvp(CE), **given)
    assert_near(got[0, 1], want, 2 * BOTH + 8 * logit / cap)


@pytest.mark.parametrize("target", [Y, SOFT], ids=["labels", "distributions"])
def test_z_loss_adds_the_squared_normaliser(backend, target):
    plain = backend.run(CE, target=target, logits=Z, reduction="none")
    rows = backend.run(CE, target=target, logits=Z, reduction="none", z_loss=WEIGHT)
    assert_near(rows, plain + WEIGHT * LSE**2)


def test_z_loss_of_the_largest_logits_has_a_finite_gradient(backend):
    """Its weight is small, and the derivative of the square with it, where twice the logit is no number."""
    for dtype in ("float32", "float64"):
        large = float(np.finfo(dtype).max) * 0.75
        z = np.asarray([[large, 0.0, 1.0]], dtype)
        g = backend.run(xent.grad(CE), target=np.asarray([0]), logits=z, z_loss=0.125)
        assert_near(g, np.asarray([[0.25 * large, 0.0, 0.0]], dtype), 4)


def test_z_loss_is_weighted_by_samples_not_by_classes_nor_base(backend):
    options = {"class_weight": np.asarray([1.0, 2.0, 4.0]), "base": 2}
    weight = np.asarray([3.0, 0.5])
    given = {"target": Y, "logits": Z, "sample_weight": weight, "reduction": "sum", **options}
    plain = backend.run(CE, **given)
    added = math.fsum(WEIGHT * weight * LSE**2)
    assert_near(backend.run(CE, **given, z_loss=WEIGHT), plain + added)


def test_z_loss_sees_the_capped_logits(backend):
    given = {"target": Y, "z_loss": WEIGHT, "reduction": "none"}
    capped = backend.run(CE, logits=CAP * np.tanh(Z / CAP), **given)
    assert_near(backend.run(CE, logits=Z, softcap=CAP, **given), capped)


def test_a_masked_row_adds_no_z_loss(backend):
    z = np.stack([Z[0], np.full(3, np.nan)])
    where = np.asarray([True, False])
    given = {"target": Y, "logits": z, "where": where, "z_loss": WEIGHT, "softcap": CAP}
    rows, gradient = backend.run(xent.value_and_grad(CE), **given, reduction="none")
    assert_same(rows[1:], np.zeros(1))
    assert np.all(gradient[1] == 0)
    assert np.all(np.isfinite(gradient))
