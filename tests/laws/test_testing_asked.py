"""`xent.testing.check` says what was asked wrongly, and takes what only looks wrong."""

import numpy as np
import pytest

import xent
from tests.laws import broken
from tests.laws.checked import each_library, here
from tests.laws.textbooks import OWN
from xent.testing import BrokenLawError, check
from xent.testing.kinds import cases


@each_library
def test_a_parameter_may_have_the_name_of_a_form(backend):
    check(
        broken.named_like_a_form,
        lambda t, q_, q: q * broken.cross_entropy(t, q_),
        parameters=[{"q": 2.0}, {"q": 0.5}],
        libraries=here(backend),
        laws=lambda law: "textbook" in law.name,
    )


@each_library
def test_what_cannot_be_run_raises_its_own_error_once(backend):
    with pytest.raises(AttributeError, match="no_such_function") as found:
        check(broken.of_labels(broken.Raises()), libraries=here(backend))
    assert any("labels and logits" in note for note in found.value.__notes__)
    assert "broken.py" in [entry.path.name for entry in found.traceback]


def test_what_is_no_loss_is_said_to_be_none():
    with pytest.raises(TypeError, match=r"sum is no loss: it takes a function by xent\.loss"):
        check(np.sum)


def test_a_loss_of_which_nothing_would_be_tried_does_not_hold():
    with pytest.raises(TypeError, match="linear_cross_entropy takes no logits, probs"):
        check(xent.linear_cross_entropy)


@pytest.mark.parametrize("name", OWN)
def test_targets_are_what_a_loss_has_kernels_for(name):
    textbook, targets, parameters = OWN[name]
    found = {}
    for case in cases(getattr(xent, name), textbook, None, tuple(parameters or [{}]), True):
        found.setdefault(case.form, set()).add(case.kind)
    more = {"target_logits"} if name == "jensen_shannon_divergence" else set()
    for form, kinds in found.items():
        assert kinds == {*targets, *more}, form


def test_all_that_a_loss_has_kernels_for_is_tried():
    """Distributions too, without being asked to; the report says of what."""
    with pytest.raises(BrokenLawError, match="distributions and logits"):
        check(broken.of_both(broken.WrongTargetGradient()), libraries="numpy")
    report = check(xent.cross_entropy, broken.cross_entropy, libraries="numpy", laws=of_values)
    assert "targets: labels, distributions" in str(report)
    report = check(xent.binary_cross_entropy, libraries="numpy", laws=of_values)
    assert report.targets == ("binary",)


def of_values(law):
    return "row's value" in law.name or "textbook" in law.name


def test_a_loss_that_has_no_call_raises_its_own_error():
    with pytest.raises(TypeError, match="has no kernel for logits") as found:
        check(broken.of_both(broken.WrongTargetGradient(), form="probs"), libraries="numpy")
    assert any("labels and logits" in note for note in found.value.__notes__)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"targets": ["label"]}, "targets has 'label'; it takes labels,"),
        ({"libraries": ["pytorch"]}, "libraries has 'pytorch'; it takes names among numpy,"),
    ],
)
def test_names_that_are_none_raise(record, said):
    with pytest.raises(ValueError, match=said):
        check(xent.cross_entropy, **record)


def test_one_is_as_good_as_several():
    record = {"targets": "labels", "parameters": {"scale": 3.0}, "libraries": "numpy"}
    one = check(broken.scaled, broken.scaled_cross_entropy, **record)
    each = {name: [x] for name, x in record.items()}
    several = check(broken.scaled, broken.scaled_cross_entropy, **each)
    assert one == several
    assert one.checked["numpy"]
    assert check(xent.cross_entropy, libraries="numpy", parameters=[]).checked["numpy"]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"parameters": ["gamma"]}, r"parameters has 'gamma'; it takes a dict, or several"),
        ({"parameters": 2.0}, r"parameters has 2\.0; it takes a dict, or several"),
        ({"parameters": [("gamma", 2.0)]}, r"parameters has \('gamma', 2\.0\); it takes a dict"),
        ({"libraries": 5}, r"libraries has 5; it takes a name, or several"),
        ({"libraries": [np]}, r"libraries has <module 'numpy'.*; it takes a name, or several"),
        ({"libraries": []}, r"libraries has \[\]; it takes a name, or several"),
        ({"targets": ()}, r"targets has \(\); it takes a name, or several"),
    ],
)
def test_what_is_neither_one_nor_several_is_named(record, said):
    with pytest.raises(TypeError, match=said):
        check(xent.cross_entropy, **record)
