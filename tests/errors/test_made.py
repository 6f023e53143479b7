"""What is made of a loss either works or says why it can't (R17, R18): every maker, of every kind of call."""

from functools import partial

import numpy as np
import pytest

import xent
from tests.errors.said import assert_said, rows

Y, Z, X, W = np.asarray([0, 2]), np.zeros((2, 3)), np.zeros((2, 4)), np.zeros((3, 4))
P = np.full((2, 3), 1 / 3)
HEAD = {"features": X, "weight": W}
TEACHER = {"target_features": X, "target_weight": W}
CALLS = {
    "rows": (xent.cross_entropy, {"target": Y, "logits": Z}),
    "elements": (xent.binary_cross_entropy, {"target": P, "logits": Z}),
    "link": (xent.logsumexp, {"logits": Z}),
    "links": (xent.softmax, {"logits": Z}),
    "perplexity": (xent.perplexity, {"target": Y, "logits": Z}),
    "sequences": (
        xent.perplexity,
        {"target": Y[None], "logits": Z[None], "sequence_axis": 1},
    ),
    "policy": (xent.log_probs, {"target": Y, "logits": Z}),
    "head": (xent.linear_cross_entropy, {"target": Y, **HEAD}),
    "made head": (xent.linear_head(xent.focal_loss), {"target": Y, **HEAD}),
    "two heads": (xent.linear_kl_divergence, {**TEACHER, **HEAD}),
    "policy of a head": (xent.linear_log_probs, {"target": Y, **HEAD}),
    "pairs": (xent.contrastive_loss, {"a": X, "b": X, "temperature": 1.0}),
    "signs": (xent.sigmoid_contrastive_loss, {"a": X, "b": X, "scale": 1.0, "bias": 0.0}),
    "metrics": (xent.with_metrics(xent.cross_entropy), {"target": Y, "logits": Z}),
    "metrics of a head": (xent.with_metrics(xent.linear_cross_entropy), {"target": Y, **HEAD}),
}
MAKERS = {
    "grad": (xent.grad, {}),
    "value_and_grad": (xent.value_and_grad, {}),
    "vjp": (xent.vjp, {"cotangent": None}),
    "hvp": (xent.hvp, {"tangent": None}),
    "grad_and_hessian_diagonal": (xent.grad_and_hessian_diagonal, {}),
    "gauss_newton": (xent.gauss_newton, {"tangent": None}),
    "with_metrics": (xent.with_metrics, {}),
    "linear_head": (xent.linear_head, {}),
    "part": (xent.part, {"first": 0, "classes": 3}),
}


def more_of(name, given, value):
    """Return what a maker's function takes more."""
    made = dict(MAKERS[name][1])
    if "cotangent" in made:
        made["cotangent"] = value if isinstance(value, tuple) else np.ones_like(value)
    if "tangent" in made:
        heads = "features" in given
        made["tangent"] = (X, W, None) if heads else given.get("logits", X)
    return made


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("maker", MAKERS)
def test_it_works_or_says_why_not(maker, kind):
    loss, given = CALLS[kind]
    for function in (loss, partial(loss, **dict(list(given.items())[:1]))):
        said = maker
        try:
            MAKERS[maker][0](function)(**given, **more_of(maker, given, loss(**given)))
        except TypeError as error:
            said = str(error)
        names = loss.__name__, maker, "linear head", "parts"
        assert any(name in said for name in names), said


@pytest.mark.parametrize("maker", [xent.grad, xent.value_and_grad, xent.hvp, xent.gauss_newton])
@pytest.mark.parametrize("kind", ["policy", "policy of a head"])
def test_of_several_values_none_is_dropped(maker, kind):
    loss, given = CALLS[kind]
    more = more_of(maker.__name__, given, None)
    with pytest.raises(TypeError, match=f"{loss.__name__}.*(xent.vjp|one prediction)"):
        maker(loss)(**given, **more)


@pytest.mark.parametrize("kind", CALLS)
def test_an_array_that_is_not_there_is_named(kind):
    loss, given = CALLS[kind]
    for name, x in given.items():
        if isinstance(x, np.ndarray):
            with pytest.raises(TypeError, match=rf"\b{name}\b.*(None|none)"):
                loss(**{**given, name: None})


def test_a_cotangent_holds_real_numbers():
    pulled = xent.vjp(xent.cross_entropy)
    for x in (np.asarray(1j), np.asarray(1, dtype=object)):
        with pytest.raises(TypeError, match="cotangent has dtype"):
            pulled(Y, logits=Z, cotangent=x)


CE = xent.cross_entropy
SAID = [
    (
        lambda: xent.grad(np.sum),
        TypeError,
        "no gradient is known of <function sum",
        "cross_entropy",
    ),
    (
        lambda: xent.grad(lambda z: z),
        TypeError,
        "no gradient is known of <function <lambda>",
        "take the loss itself",
    ),
    (
        lambda: xent.hvp(xent.log_probs)(Y, logits=Z, tangent=Z),
        TypeError,
        "no second derivative is known of log_probs",
        "another loss of one prediction",
    ),
    (
        lambda: xent.with_metrics(CE)(Y, P),
        TypeError,
        "with_metrics(cross_entropy)",
        "takes a prediction as logits",
    ),
    (
        lambda: xent.vjp(CE)(Y, logits=Z, reduction="none", cotangent=1.0),
        ValueError,
        "cotangent is ()",
        "it takes the shape of the value, (2,)",
    ),
    (lambda: xent.vjp(CE)(Y, logits=Z, cotangent=None), TypeError, "cotangent is None"),
    (lambda: xent.hvp(CE)(Y, logits=Z, tangent=None), TypeError, "tangent is None", "an array"),
    (lambda: xent.grad(xent.log_probs)(Y, logits=Z), TypeError, "has several values", "xent.vjp"),
]
TABLES = (SAID,)


@pytest.mark.parametrize(("call", "kind", "held"), rows(*TABLES))
def test_message(call, kind, held):
    assert_said(call, kind, held)
