"""A loss whose statistics do not merge: its rows stay whole, however a head's logits are cut."""

import numpy as np
import pytest

import xent
from tests.laws.strangers import hits, hits_of_textbook
from tests.linear.textbook import head, run, soft_of
from tests.near import assert_near, largest
from xent import _linear

ROWS, CLASSES = 23, 19


def truth(target, features, weight, bias, sample_weight):
    """Return the mean and its gradients, in the textbook's words."""
    z = features @ weight.T + bias
    a = np.exp(z - z.max(-1, keepdims=True))
    a /= a.sum(-1, keepdims=True)
    share = (sample_weight / sample_weight.sum())[:, None]
    g = -target * a * np.log(a)
    g = share * (g - a * g.sum(-1, keepdims=True))
    value = (share[:, 0] * hits_of_textbook(target, a)).sum()
    return value, g @ weight, g.T @ features, g.sum(0)


@pytest.mark.parametrize("budget", [1, 1000, None])
def test_no_chunk_cuts_a_row(backend, budget, monkeypatch):
    monkeypatch.setattr(_linear, "FEW", 2)
    monkeypatch.setattr(_linear, "STRIP", 4)
    given = {"target": soft_of((ROWS,), CLASSES), **head((ROWS,), classes=CLASSES)}
    given["sample_weight"] = np.linspace(0.5, 2, ROWS)
    value, gradients = run(backend, xent.linear_head(hits), **given, chunk_bytes=budget)
    for mine, right in zip((value, *gradients), truth(**given), strict=True):
        assert_near(mine, np.asarray(right), 32, scale=largest(np.asarray(right)))


def test_it_has_no_part():
    with pytest.raises(TypeError, match="hits of logits has no parts"):
        xent.part(hits)([[0.5, 0.5]], logits=np.zeros((1, 2)), first=0, classes=4)
