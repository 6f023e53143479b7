"""Second derivatives by each library's own transforms where one class is all but certain, at 50 digits.

A derivative that is made of a rounded value, as 1 + expm1(x) or 1 − tanh²(x), has no digit left there.
"""

import mpmath
import numpy as np
import pytest

import xent

FAR = np.asarray([-36.0, -20.0, -12.0, -3.0, 0.5, 3.0, 12.0, 20.0, 36.0])


def sigmoid(z):
    return 1 / (1 + mpmath.exp(-z))


def softcapped(z):
    return -mpmath.log(sigmoid(5 * mpmath.tanh(z / 5)))


def focal(gamma):
    return lambda z: -(sigmoid(-z) ** gamma) * mpmath.log(sigmoid(z))


def asymmetric(z):
    """Of a negative: (p − m)⁴, and the logarithm of 1 − (p − m), above the margin."""
    over = sigmoid(z) - mpmath.mpf("0.05")
    return -(over**4) * mpmath.log(1 - over) if over > 0 else mpmath.mpf(0)


def of_label(loss, **own):
    """Return the loss of class 0 of two, whose logits are z and 0."""

    def f(z, still):
        return loss(
            still["first"],
            logits=still["rows"] + z[:, None] * still["unit"],
            reduction="sum",
            **own,
        )

    return f


def of_element(loss, label, **own):
    return lambda z, still: loss(still[label], logits=z, reduction="sum", **own)


LOSSES = {
    "binary focal 2": (of_element(xent.binary_focal_loss, "ones", gamma=2.0), focal(2)),
    "binary focal ½": (of_element(xent.binary_focal_loss, "ones", gamma=0.5), focal(0.5)),
    "focal 2": (of_label(xent.focal_loss, gamma=2.0), focal(2)),
    "poly": (
        of_label(xent.poly_loss, epsilon=0.5),
        lambda z: sigmoid(-z) / 2 - mpmath.log(sigmoid(z)),
    ),
    "generalized": (
        of_label(xent.generalized_cross_entropy, q=0.75),
        lambda z: (1 - sigmoid(z) ** 0.75) / 0.75,
    ),
    "brier": (of_label(xent.brier_score), lambda z: 2 * sigmoid(-z) ** 2),
    "cross entropy": (of_label(xent.cross_entropy), lambda z: -mpmath.log(sigmoid(z))),
    "asymmetric": (of_element(xent.asymmetric_loss, "zeros", margin=0.05), asymmetric),
    "softcapped": (of_label(xent.cross_entropy, softcap=5.0), softcapped),
}


def second(backend, f, z, still):
    """Return d²f/dz² by what the library has for it."""
    if backend.library == "torch":
        import torch

        z.requires_grad_()
        (g,) = torch.autograd.grad(f(z, still), z, create_graph=True)
        return torch.autograd.grad(g.sum(), z)[0]
    if backend.library.startswith("jax"):
        import jax

        return jax.grad(lambda z: jax.grad(f)(z, still).sum())(z)
    pytest.skip(f"{backend} has no transforms of its own")


@pytest.mark.parametrize("name", LOSSES)
def test_digits(backend, name):
    f, textbook = LOSSES[name]
    rows = np.zeros((len(FAR), 2))
    still = {
        "first": np.zeros(len(FAR), dtype=np.int64),
        "rows": rows,
        "unit": np.asarray([[1.0, 0.0]]),
        "ones": np.ones(len(FAR)),
        "zeros": np.zeros(len(FAR)),
    }
    got = backend.run(lambda z, **still: second(backend, f, z, still), z=FAR, **still)
    with mpmath.workdps(150):
        wanted = [float(mpmath.diff(textbook, mpmath.mpf(x), 2)) for x in FAR]
    np.testing.assert_allclose(got, wanted, rtol=16 * 2.0**-52, atol=0)


OF_PROBS = {
    "cross entropy": (xent.cross_entropy, {}, lambda q: 1 / q**2),
    "generalized": (
        xent.generalized_cross_entropy,
        {"q": 0.75},
        lambda q: q ** mpmath.mpf(-1.25) / 4,
    ),
    "poly": (xent.poly_loss, {"epsilon": 0.5}, lambda q: 1 / q**2),
    "focal": (xent.focal_loss, {"gamma": 1.0}, lambda q: 1 / q**2 + 1 / q),
}


@pytest.mark.parametrize("name", OF_PROBS)
@pytest.mark.parametrize("small", [1e-10, 1e-18, 1e-26, 1e-30, 1e-36])
def test_small_probabilities(backend, name, small):
    """A quotient's two terms may each be beyond the dtype where their sum, or its limit, is not."""
    loss, own, textbook = OF_PROBS[name]
    arrays = {"target": [0, 1], "probs": np.asarray([[small, 1.0]] * 2, np.float32)}
    arrays["tangent"] = np.asarray([[1.0, 0.0]] * 2, np.float32)
    got = backend.run(lambda **arrays: xent.hvp(loss)(**arrays, **own, reduction="sum"), **arrays)
    exact = textbook(mpmath.mpf(float(np.float32(small))))
    exact = np.inf if exact > float(np.finfo(np.float32).max) else float(exact)
    wanted = np.float32([[exact, 0], [0, 0]])
    np.testing.assert_allclose(got, wanted, rtol=16 * 2.0**-23, atol=0)


SPREAD = np.asarray([0.0, 60.0, -36.0], np.float32)
TARGET, TANGENT = np.asarray([[0.2, 0.5, 0.3], [1.0, -1.0, 2.0]], np.float32)


def reversed_slope(e):
    """Return the gradient of D(q‖p) at logits that have moved by ``e`` times the tangent."""
    z = [mpmath.mpf(float(z)) + e * float(v) for z, v in zip(SPREAD, TANGENT, strict=True)]
    total = mpmath.fsum(map(mpmath.exp, z))
    q = [mpmath.exp(x) / total for x in z]
    logs = [mpmath.log(x / mpmath.mpf(float(p))) for x, p in zip(q, TARGET, strict=True)]
    mean = mpmath.fsum(x * y for x, y in zip(q, logs, strict=True))
    return [x * (y - mean) for x, y in zip(q, logs, strict=True)]


def test_a_softmax_that_is_subnormal(backend):
    """Of a reversed divergence one over it is none of float32, and the curvature is a number."""
    if backend.library.startswith("jax"):
        pytest.skip("its compiler flushes what is subnormal")
    arrays = {"target": TARGET, "logits": SPREAD, "tangent": TANGENT}
    got = backend.run(lambda **given: xent.hvp(xent.kl_divergence)(**given, reverse=True), **arrays)
    with mpmath.workdps(80):
        slopes = [mpmath.diff(lambda e, k=k: reversed_slope(e)[k], 0) for k in range(3)]
    wanted = np.asarray(slopes, float)
    q = np.exp(SPREAD.astype(float) - 60)  # whose last digit is half the smallest number
    off = np.abs(wanted) * (16 * 2.0**-23 + np.finfo(np.float32).smallest_subnormal / q)
    assert np.all(np.abs(got - wanted) <= off)


def test_a_target_that_is_subnormal_beside_logits(backend):
    """D(q‖p), where q / p is none of float32: log(q / p) is a number, and so is each slope."""
    if backend.library.startswith("jax"):
        pytest.skip("its compiler flushes what is subnormal")
    p = np.asarray([1e-40, 0.6, 0.4], np.float32)
    z = np.log(np.asarray([0.2, 0.5, 0.3], np.float32))
    got = backend.run(
        lambda target, logits: xent.grad(xent.kl_divergence)(target, logits=logits, reverse=True),
        target=p,
        logits=z,
    )
    q = np.exp(z.astype(float)) / np.sum(np.exp(z.astype(float)))
    logs = np.log(q / p.astype(float))
    np.testing.assert_allclose(got, q * (logs - np.sum(q * logs)), rtol=16 * 2.0**-23)
