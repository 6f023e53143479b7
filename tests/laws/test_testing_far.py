"""`xent.testing.check` sees a value that is cut off and a gradient that is put to 0, and says where."""

import numpy as np
import pytest

from tests.laws import broken, broken_edges
from tests.laws.broken_far import (
    KINDS,
    RIGHT,
    Capped,
    CappedInValue,
    Forgets,
    Grown,
    RoundsAway,
    made_wrong,
    pseudo_huber,
)
from tests.laws.checked import QUICK, each_library, failures, here, of
from tests.laws.strangers import of_cost
from tests.laws.textbooks import binary
from xent.kernels import labels
from xent.testing import check

IMPOSSIBLE = "all but impossible"
SLOPES = "Far out"


def textbook_of(case):
    return binary if case.startswith("binary") else broken.cross_entropy


@pytest.mark.parametrize("case", KINDS)
def test_a_value_that_is_cut_off_is_found(case):
    loss, target = made_wrong(Capped, case)
    found = of(IMPOSSIBLE, failures(loss, textbook_of(case), targets=target))
    assert "class 0 being" in found
    assert " is 100.0, wanted " in found


@pytest.mark.parametrize("case", KINDS)
def test_so_it_is_without_a_textbook_where_the_gradient_goes_on(case):
    loss, target = made_wrong(CappedInValue, case)
    found = of(SLOPES, failures(loss, None, targets=target))
    assert "the gradient, the " in found
    assert "wanted 0.0" in found or "wanted -0.0" in found


@each_library
def test_what_is_meant_to_be_cut_off_holds(backend):
    """A textbook that says so is believed."""
    if backend not in QUICK:
        pytest.skip("each law costs this library a compilation or a graph")
    loss, _ = made_wrong(Capped, "labels and logits")
    check(loss, lambda t, q: np.minimum(broken.cross_entropy(t, q), 100), libraries=here(backend))


@pytest.mark.parametrize("case", [case for case in KINDS if case.endswith(" logits")])
def test_a_gradient_that_is_put_to_0_is_found(case):
    loss, target = made_wrong(Forgets, case)
    for textbook in (textbook_of(case), None):
        found = of(SLOPES, failures(loss, textbook, targets=target))
        assert "the logits of class 0 being" in found
        assert " is 0.0, wanted " in found


@each_library
@pytest.mark.parametrize("form", RIGHT)
def test_a_textbook_that_has_lost_its_digits_blames_nobody(backend, form):
    if backend not in QUICK and form != "probs":
        pytest.skip("each law costs this library a compilation or a graph")
    check(RIGHT[form], pseudo_huber, libraries=here(backend))


def test_who_loses_them_as_it_does_is_found():
    """Float32 is off from float64, whatever the textbook says."""
    loss = broken_edges.of_log_probs(of_cost(RoundsAway, labels.FromLogProbs()))
    assert "float32" in of("float32 agrees with float64", failures(loss, pseudo_huber))


def test_what_a_textbook_still_knows_is_asked():
    """A part in 10⁴ is seen where it has four digits, though not where it has two."""
    loss = broken_edges.of_log_probs(of_cost(Grown, labels.FromLogProbs()))
    assert "the value" in of("the value in float32 is the textbook's", failures(loss, pseudo_huber))
