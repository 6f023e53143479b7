"""`xent.testing.check` finds what is wrong beside value and gradient: curvature, signs, options, counts."""

from dataclasses import dataclass, field

import numpy as np
import pytest

import xent
from tests.laws import broken, broken_edges, strangers
from tests.laws.checked import failures, of
from tests.laws.test_counts import Taylor, textbook
from xent.kernels import labels
from xent.testing import _where


class TwiceCurved(labels.FromLogits):
    """Its partition is twice that of its gradient."""

    def partition(self, xp, target, s):
        return 2 * super().partition(xp, target, s)


def test_a_second_derivative_of_another_loss_is_found():
    found = failures(broken.of_labels(TwiceCurved()))
    assert "`xent.hvp`" in of("The second derivative is symmetric", found)
    assert len(found) == 1


class Signless(labels.FromLogits):
    """Its gradient is never taken downwards."""

    def gradient(self, xp, logits, label, s, made, w, axis):
        return super().gradient(xp, logits, label, s, made, xp.abs(w), axis)


def test_a_gradient_that_forgets_a_sign_is_found():
    found = failures(broken.of_labels(Signless()))
    assert "a negative number" in of("What multiplies a row's value", found)


class NoTargetSlope(broken_edges.RightJeffreys):
    """Right but for the slope in the target of a class that neither side has."""

    def target_gradient(self, xp, probs, target, s, w, axis):
        return w * broken_edges.Jeffreys.slope(self, xp, target, probs)


def test_a_limit_that_the_slope_in_the_target_misses_is_found():
    loss = broken_edges.of_distributions(NoTargetSlope())
    found = failures(loss, broken_edges.jeffreys)
    what = of("Where a class has nothing", found)
    assert "the gradient in the target where both of class 0 have nothing is [" in what
    assert "nan" in what
    assert len(found) == 1


class ForgottenAxis(broken_edges.RightJeffreys):
    """Its slope in the target can't be called: the axis is forgotten."""

    def target_gradient(self, xp, probs, target, s, w):
        return w * self.slope(xp, target, probs)


class RaisesInTarget(NoTargetSlope):
    """Its slope in the target raises where something has nothing, and there alone."""

    def target_gradient(self, xp, probs, target, s, w, axis):
        if xp.any((probs == 0) | (target == 0)):
            raise TypeError("nothing there")
        return w * self.slope(xp, target, probs)


@pytest.mark.parametrize(
    ("kernel", "law", "said"),
    [
        (ForgottenAxis(), "The kernel's gradient in the target", "positional arguments"),
        (RaisesInTarget(), "Where a class has nothing", "nothing there, in target_gradient"),
    ],
)
def test_a_slope_in_the_target_that_raises_is_found(kernel, law, said):
    found = failures(broken_edges.of_distributions(kernel), broken_edges.jeffreys)
    assert any(law in name and said in what for name, what in found.items())


class ExpandedSquare(xent.Kernel):
    """Σ (t − q)² as t² − 2tq + q², of which nothing is left where t is nearly q."""

    def measure(self, xp, probs, target, axis):
        terms = target * target - 2 * target * probs + probs * probs
        return xp.sum(terms, axis=axis, keepdims=True), None

    def gradient(self, xp, probs, target, s, made, w, axis):
        return 2 * w * (probs - target)

    def target_gradient(self, xp, probs, target, s, w, axis):
        return 2 * w * (target - probs)


class Square(ExpandedSquare):
    """The same by differences."""

    def measure(self, xp, probs, target, axis):
        d = target - probs
        return xp.sum(d * d, axis=axis, keepdims=True), None


def square(t, q):
    return np.sum((t - q) ** 2, axis=-1)


def test_digits_that_are_lost_near_equality_are_found():
    found = failures(broken_edges.of_distributions(ExpandedSquare()), square)
    assert "ULP from equality" in of("What is 0 of equal distributions", found)
    assert len(found) == 1
    xent.testing.check(broken_edges.of_distributions(Square()), square, libraries="numpy")


@pytest.mark.parametrize(
    ("option", "law"),
    [("pos_weight", "The weight of the positive class"), ("label_smoothing", "Smoothing mixes")],
)
def test_an_option_of_elements_that_is_dropped_is_found(option, law):
    @xent.loss(xent.BinaryOptions)
    def loss(target, probs, **options):
        options.pop(option, None)
        kernels = {"probs": strangers.Squares()}
        return xent.Call(target, {"probs": probs}, distributions=kernels, options=options)

    found = failures(loss, strangers.squares_of_textbook)
    assert of(law, found)


@dataclass(frozen=True)
class Uncompared(Taylor):
    """Its count is left out where kernels are compared, and so may be another's."""

    terms: int = field(default=2, compare=False)


def test_counts_that_are_not_compared_are_found():
    @xent.loss(xent.LikelihoodOptions)
    def loss(target, *, logits, order=2, **options):
        kernels = {"logits": Uncompared(order)}
        return xent.Call(target, {"logits": logits}, kernels, options=options, only="labels")

    found = failures(loss, textbook, parameters={"order": 3})
    assert "order = 4 and 3 are equal kernels" in of("Another count is another kernel", found)


def test_a_count_that_is_one_less_than_its_parameter_is_a_count():
    """Beside a number that is given as a whole one, and is none."""

    @xent.loss(xent.LikelihoodOptions)
    def loss(target, *, logits, last=4, a=3, **options):
        kernels = {"logits": Taylor(last - 1, a)}
        return xent.Call(target, {"logits": logits}, kernels, options=options, only="labels")

    def of_last(t, q, last=4, a=3):
        return textbook(t, q, last - 1, a)

    xent.testing.check(loss, of_last, parameters={"last": 4, "a": 3}, libraries="numpy")


class Raises(labels.FromLogits):
    """It asks for what no array has, and that where a part is merged."""

    def merge(self, xp, a, b):
        return super().merge(xp, a, b.nothing)


def test_what_is_raised_is_said_with_its_place():
    found = failures(broken.of_labels(Raises()))
    place = "in merge, line"
    assert any(place in what and "test_testing_sides.py" in what for what in found.values())


def test_a_file_of_somebodys_is_named_whatever_its_folder(tmp_path, monkeypatch):
    """Also one whose name begins as that of ours, or holds what frames without a file begin with."""
    # Where xent is installed, what lies beside it is installed too, and not somebody's to mend.
    monkeypatch.setattr(
        xent.testing, "__file__", str(tmp_path / "xent" / "testing" / "__init__.py")
    )
    for folder in (tmp_path / "xent_mine", tmp_path / "a<b"):
        spot = {"__name__": "mine"}
        exec(compile("def mine(x):\n    return x.nothing\n", f"{folder}/loss.py", "exec"), spot)
        with pytest.raises(AttributeError) as caught:
            spot["mine"](0)
        assert _where(caught.value) == ", in mine, line 2 of loss.py"
