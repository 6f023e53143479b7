"""What is said of a keyword that is another library's, or nobody's (R18)."""

import re
from inspect import signature

import numpy as np
import pytest

import xent
from tests.cases import LOSSES
from tests.errors.said import assert_said

Z, Y = np.zeros((2, 3)), np.asarray([0, 1])
CE, BCE = xent.cross_entropy, xent.binary_cross_entropy
KL, JS = xent.kl_divergence, xent.jensen_shannon_divergence

PLACES = [
    (lambda: CE(Z, Y, Z), "cross_entropy() takes target, probs by position and got 3 arguments"),
    (lambda: CE(Y, Z, -1), "the others go by keyword: logits=, log_probs=, axis="),
    (lambda: xent.softmax(Z, -1), "softmax() takes logits by position and got 2", "keyword: axis="),
    (lambda: xent.contrastive_loss(Z, Z, 0.1), "takes a, b by position", "keyword: temperature="),
    (lambda: xent.log_probs(Y, Z), "takes target by position", "keyword: logits="),
    (lambda: xent.grad(CE)(Y, Z, Z), "cross_entropy() takes target, probs by position"),
    (lambda: xent.linear_cross_entropy(Y, Z, Z, None, 1), "takes target, features, weight, bias"),
]


@pytest.mark.parametrize(("call", "held"), [(call, held) for call, *held in PLACES])
def test_what_goes_by_keyword_is_named(call, held):
    assert_said(call, TypeError, held)


def test_errors_of_a_body_are_its_own():
    @xent.loss(xent.LikelihoodOptions)
    def mine(target, *, logits, **options):
        try:
            return options["none"]
        except KeyError:
            raise TypeError("mine")  # noqa: B904  # its context is what is tried

    with pytest.raises(TypeError, match=r"^mine$") as caught:
        mine(Y, logits=Z)
    assert isinstance(caught.value.__context__, KeyError)
    assert not caught.value.__suppress_context__
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'target'"):
        CE(logits=Z)


HABITS = {
    "input": "the target comes first",
    "y_true": "pass the target first",
    "y_pred": "as probs, logits= or log_probs=",
    "labels": "come first, as the target",
    "from_logits": "pass logits as logits=",
    "log_target": "target_logits=",
    "weight": "class_weight and sample_weight",
    "weights": "class_weight and sample_weight",
    "dim": "xent's name is axis",
    "ignore_class": "xent's name is ignore_index",
    "size_average": "xent's name is reduction",
    "reduce": "xent's name is reduction",
    "mask": "xent's name is where, True for the rows that count",
    "smoothing": "xent's name is label_smoothing",
    "normalize": "xent's name is reduction",
    "alpha": "xent's name is class_weight",
    "logit": "xent's name is logits",
    "prob": "xent's name is probs",
    "log_prob": "xent's name is log_probs",
    "preds": "pass the prediction as probs, logits= or log_probs=",
    "class_weights": "xent's name is class_weight",
    "sample_weights": "xent's name is sample_weight",
    "logit_scale": "its reciprocal is the temperature",
    "temperature": "divide the logits by it",
    "eps": "xent clips nothing",
}
HABITS_OF_OTHERS = [
    (xent.kl_divergence, "teacher_logits", "target_logits"),
    (xent.kl_divergence, "target_log_probs", "target_logits"),
    (xent.kl_divergence, "T", "temperature"),
    (xent.renyi_divergence, "alpha", "order"),
    (xent.binary_cross_entropy, "pos_weights", "pos_weight"),
]
_OPTIONS = ("axis", "reduction", "label_smoothing", "class_weight", "sample_weight")


@pytest.mark.parametrize(("loss", "name", "own"), HABITS_OF_OTHERS)
def test_a_habit_of_another_loss_is_named(loss, name, own):
    with pytest.raises(TypeError, match=rf"'{name}' \(xent's name is {own}\)"):
        loss(Y, Z, **{name: 0})


@pytest.mark.parametrize(("name", "hint"), HABITS.items())
def test_a_habit_of_another_library_is_named(name, hint):
    said = rf"cross_entropy\(\) got an unexpected keyword argument '{name}' \(.*{re.escape(hint)}"
    with pytest.raises(TypeError, match=said) as caught:
        CE(Y, logits=Z, **{name: 0})
    assert "it takes target, probs, logits, log_probs, axis" in str(caught.value)


@pytest.mark.parametrize(
    ("loss", "name"),
    [
        pytest.param(loss, name, id=f"{name}-{of}")
        for of, loss in LOSSES.items()
        for name in HABITS
        if name not in signature(loss).parameters
    ],
)
def test_a_hint_names_what_the_loss_takes(loss, name):
    with pytest.raises(TypeError, match="unexpected keyword argument") as caught:
        loss(Y, **{name: 0})
    hint, _, known = str(caught.value).partition("; it takes ")
    assert all(
        option in known.split(", ") for option in _OPTIONS if re.search(rf"\b{option}\b", hint)
    )


@pytest.mark.parametrize("function", [CE, KL, JS, BCE, xent.entropy, xent.softmax, xent.grad(CE)])
def test_an_unknown_keyword_is_named(function):
    with pytest.raises(TypeError, match=r"\(\) got an unexpected keyword argument 'foo'; it takes"):
        function(Z, foo=1)
