"""What is said of a keyword that is another library's, or nobody's (R18)."""

import re

import numpy as np
import pytest

import xent

Z, Y = np.zeros((2, 3)), np.asarray([0, 1])
CE, BCE = xent.cross_entropy, xent.binary_cross_entropy
KL, JS = xent.kl_divergence, xent.jensen_shannon_divergence

HABITS = {
    "input": "the target comes first",
    "y_true": "pass the target first",
    "y_pred": "as probs, logits= or log_probs=",
    "labels": "pass the labels first, as the target",
    "from_logits": "pass logits as logits=",
    "log_target": "target_logits=",
    "weight": "class_weight and sample_weight",
    "weights": "class_weight and sample_weight",
    "dim": "xent's name is axis",
    "size_average": "xent's name is reduction",
    "reduce": "xent's name is reduction",
    "mask": "xent's name is where, True for the rows that count",
    "smoothing": "xent's name is label_smoothing",
    "normalize": "xent's name is reduction",
    "eps": "xent clips nothing",
}


@pytest.mark.parametrize(("name", "hint"), HABITS.items())
def test_a_habit_of_another_library_is_named(name, hint):
    said = rf"cross_entropy\(\) got an unexpected keyword argument '{name}' \(.*{re.escape(hint)}"
    with pytest.raises(TypeError, match=said) as caught:
        CE(Y, logits=Z, **{name: 0})
    assert "it takes target, probs, logits, log_probs, axis" in str(caught.value)


@pytest.mark.parametrize("function", [CE, KL, JS, BCE, xent.entropy, xent.softmax, xent.grad(CE)])
def test_an_unknown_keyword_is_named(function):
    with pytest.raises(TypeError, match=r"\(\) got an unexpected keyword argument 'foo'; it takes"):
        function(Z, foo=1)
