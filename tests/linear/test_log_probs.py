"""Log-probabilities and entropies, of logits and of a linear head: one pass, any cotangents."""

from math import exp, log1p

import numpy as np
import pytest

import xent
from tests.linear.textbook import head, labels_of
from tests.near import assert_near, largest
from tests.tables import I
from xent import _linear

ROWS, CLASSES, TEMPERATURE = (3, 4), 19, 1.75
DRAW = np.random.default_rng(21)
LABELS, HEAD = labels_of(ROWS, CLASSES), head(ROWS, classes=CLASSES)
COTANGENT = (DRAW.normal(size=ROWS), DRAW.normal(size=ROWS))
KEEP = np.arange(12).reshape(ROWS) % 3 != 1
WAYS = {
    "plain": {},
    "masked": {"where": KEEP, "temperature": TEMPERATURE, "ignore_index": int(LABELS[0, 0])},
    "capped": {"softcap": 3.0, "temperature": TEMPERATURE},
}
BUDGETS = [1, 1000, None]
ULP = 64


def truth(options, cotangent=COTANGENT):
    """Return both values and the gradients of features, weight and bias, as a textbook has them."""
    x, weight, bias = HEAD.values()
    cap, temperature = options.get("softcap"), options.get("temperature", 1.0)
    keep = options.get("where", True) & (options.get("ignore_index", -1) != LABELS)
    z = x @ weight.T + bias
    capped = z if cap is None else cap * np.tanh(z / cap)
    bent = capped / temperature
    slope = (1 if cap is None else 1 - (capped / cap) ** 2) / temperature
    log_a = bent - np.log(np.exp(bent).sum(-1, keepdims=True))
    a, hot = np.exp(log_a), np.eye(CLASSES)[LABELS]
    values = keep * (hot * log_a).sum(-1), keep * -(a * log_a).sum(-1)
    v, w = ((keep * c)[..., None] for c in cotangent)
    entropy = -(a * log_a).sum(-1, keepdims=True)
    g = slope * (v * (hot - a) - w * a * (log_a + entropy))
    flat = g.reshape(-1, CLASSES)
    return values, (g @ weight, flat.T @ x.reshape(len(flat), -1), flat.sum(0)), g


def hold(backend, got, wanted):
    for mine, right in zip(got, wanted, strict=True):
        assert_near(backend.numbers(mine), right, ULP, scale=largest(right))


@pytest.fixture
def _cut(monkeypatch):
    """Classes cut where even few rows are too long."""
    monkeypatch.setattr(_linear, "FEW", 2)
    monkeypatch.setattr(_linear, "STRIP", 4)


@pytest.mark.usefixtures("_cut")
@pytest.mark.parametrize("way", WAYS)
def test_values_and_any_cotangents(backend, way):
    options, (values, gradients, _) = WAYS[way], truth(WAYS[way])
    pulled = xent.vjp(xent.linear_log_probs)
    cotangent = tuple(map(backend.asarray, COTANGENT))
    for budget in BUDGETS[:1] if backend.is_slow else BUDGETS:
        given = {"target": LABELS, **HEAD, **options, "chunk_bytes": budget}
        made = backend.call(xent.linear_log_probs, **given)
        assert made._fields == ("log_prob", "entropy")
        hold(backend, made, values)
        both, slopes = backend.call(pulled, **given, cotangent=cotangent)
        hold(backend, both, values)
        hold(backend, slopes, gradients)


@pytest.mark.parametrize("way", WAYS)
def test_of_logits(backend, way):
    logits = HEAD["features"] @ HEAD["weight"].T + HEAD["bias"]
    values, _, g = truth(WAYS[way])
    given = {"target": LABELS, "logits": logits, **WAYS[way]}
    cotangent = tuple(map(backend.asarray, COTANGENT))
    both, slope = backend.call(xent.vjp(xent.log_probs), **given, cotangent=cotangent)
    hold(backend, both, values)
    hold(backend, (slope,), (g,))


def test_along_any_axis(backend):
    z = DRAW.normal(size=(2, 5, 3))
    y = np.asarray([[0, 1, 2], [4, 3, 2]])
    want = backend.run(xent.log_probs, target=y, logits=np.moveaxis(z, 1, -1).copy())
    for mine, right in zip(
        backend.run(xent.log_probs, target=y, logits=z, axis=1), want, strict=True
    ):
        assert_near(mine, right)


def test_near_certainty(backend):
    """A sure token has a log-probability of e⁻⁴⁰, and an entropy of some forty times that."""
    tiny = exp(-40)
    features, weight = np.asarray([[40.0]], "f4"), np.asarray([[1.0], [0.0]], "f4")
    for sure, there in (
        (xent.log_probs, {"logits": features @ weight.T}),
        (xent.linear_log_probs, {"features": features, "weight": weight}),
    ):
        log_prob, entropy = backend.run(sure, target=np.asarray([0]), **there)
        assert_near(log_prob, np.asarray([-log1p(tiny)], "f4"))
        assert_near(entropy, np.asarray([log1p(tiny) + 40 * tiny / (1 + tiny)], "f4"))


def test_limits(backend):
    """A class that is ruled out has −inf, and nothing makes NaN of what has a limit."""
    z = np.asarray([[0.0, -I], [0.0, -I], [I, 0.0]])
    made = backend.run(xent.log_probs, target=np.asarray([0, 1, 0]), logits=z)
    assert_near(made[0], np.asarray([0.0, -I, 0.0]))
    assert_near(made[1], np.zeros(3))


def test_a_cotangent_has_the_shape_of_its_value():
    pulled = xent.vjp(xent.linear_log_probs)
    with pytest.raises(ValueError, match=r"cotangent is .*one for each of 2 values"):
        pulled(LABELS, **HEAD, cotangent=COTANGENT[0])
    with pytest.raises(
        ValueError, match=r"cotangent\[1\] is \(3,\); it takes the shape of the value"
    ):
        pulled(LABELS, **HEAD, cotangent=(COTANGENT[0], COTANGENT[1][:, 0]))
