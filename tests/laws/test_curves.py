"""Functions of a cross entropy: what their parameters come to at the ends of their ranges."""

import numpy as np
import pytest

import xent
from tests.near import assert_near, assert_same, largest

DRAW = np.random.default_rng(12)
Z = DRAW.normal(size=(6, 5)) * [[1], [1], [8], [20], [40], [300]]
Z[-1, 2] = np.inf
T = np.exp(DRAW.normal(size=(6, 5)))
TARGETS = {"labels": np.asarray([0, 1, 2, 3, 4, 2]), "soft": T / T.sum(-1, keepdims=True)}
FORMS = {"logits": Z, "probs": TARGETS["soft"][::-1], "log_probs": np.log(TARGETS["soft"][::-1])}
CE = xent.value_and_grad(xent.cross_entropy)
AS_CE = {
    "gamma": (xent.focal_loss, 0.0),
    "q": (xent.generalized_cross_entropy, 0.0),
    "epsilon": (xent.poly_loss, 0.0),
}
"""By its parameter, a loss and where it is the cross entropy."""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("name", AS_CE)
def test_it_is_the_cross_entropy(backend, name, kind, form):
    loss, x = AS_CE[name]
    given = {"target": TARGETS[kind], form: FORMS[form], "reduction": "none"}
    value, gradient = backend.run(xent.value_and_grad(loss), **given, **{name: x})
    want, slope = backend.run(CE, **given)
    assert_near(value, want, 8)
    assert_near(gradient, slope, 16, scale=largest(slope))
    if name == "gamma" and kind == "labels":
        assert_same(value, want)


def test_gamma_0_is_the_binary_cross_entropy(backend):
    y = np.asarray([1.0, 0.0, 0.25, 1.0, 0.0, 1.0])
    z = np.asarray([2.0, 3.0, -1.0, 40.0, -40.0, np.inf])
    for loss, own in (
        (xent.binary_focal_loss, {"gamma": 0.0}),
        (xent.asymmetric_loss, {"gamma_negative": 0.0, "margin": 0.0}),
    ):
        got = backend.run(xent.value_and_grad(loss), target=y, logits=z, reduction="none", **own)
        both = xent.value_and_grad(xent.binary_cross_entropy)
        want = backend.run(both, target=y, logits=z, reduction="none")
        assert_near(got[0], want[0], 8)
        assert_near(got[1], want[1], 8)


@pytest.mark.parametrize(
    ("loss", "own", "wanted"),
    [
        (xent.focal_loss, {"gamma": 0.5}, (-np.inf, 0.0)),
        (xent.focal_loss, {"gamma": 2.0}, (-np.inf, 0.0)),
        (xent.focal_loss, {"gamma": 0.0}, (-np.inf, -1.0)),
        (xent.generalized_cross_entropy, {"q": 0.5}, (-np.inf, -1.0)),
        (xent.generalized_cross_entropy, {"q": 1.0}, (-1.0, -1.0)),
        (xent.poly_loss, {"epsilon": -1.0}, (-np.inf, 0.0)),
    ],
)
def test_slopes_at_both_ends(backend, loss, own, wanted):
    """Of labels and of their one-hot rows, at the probabilities 0 and 1."""
    q = np.asarray([[0.0, 1.0], [1.0, 0.0]])
    for target in (np.asarray([0, 0]), np.asarray([[1.0, 0.0]] * 2)):
        slope = backend.run(xent.grad(loss), target=target, probs=q, reduction="sum", **own)
        assert_same(slope[:, 0] + 0.0, np.asarray(wanted))
        assert not np.any(slope[:, 1])


@pytest.mark.parametrize("m", [1.0, 20.0, 36.0])
def test_soft_slopes_keep_their_digits(backend, m):
    """Where f′ falls as fast as the softmax: of q = 1 it is a (Σ t a − t)."""
    z, t = np.asarray([[m, 0.0, 0.0]]), np.asarray([[0.5, 0.25, 0.25]])
    e = np.exp(-m)
    a = np.asarray([[1.0, e, e]]) / (1 + 2 * e)
    # Σ t a − t without the difference: of the first a₁ (0.25 · 2 − 0.5 · 2), of the others by a₀.
    wanted = a * np.asarray([[-0.5 * a[0, 1], 0.25 * a[0, 0], 0.25 * a[0, 0]]])
    loss = xent.grad(xent.generalized_cross_entropy)
    assert_near(backend.run(loss, target=t, logits=z, q=1.0), wanted, 64)
