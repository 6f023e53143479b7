"""`xent.testing.check` says of a method that returns the wrong thing what it is, before any law."""

from dataclasses import dataclass

import pytest

import xent
from tests.laws import broken, strangers
from tests.laws.textbooks import OWN
from xent.kernels import curves, labels, of_label
from xent.testing import check, contract
from xent.testing.kinds import cases


class NoValue(labels.FromLogits):
    def value(self, xp, s):
        super().value(xp, s)


class OneValue(labels.FromLogits):
    def value(self, xp, s):
        return xp.sum(super().value(xp, s))


class NoPair(labels.FromLogits):
    def measure(self, xp, logits, label, axis):
        return super().measure(xp, logits, label, axis)[0]


class Triple(labels.FromLogits):
    def measure(self, xp, logits, label, axis):
        return (*super().measure(xp, logits, label, axis), None)


class NoDims(xent.Kernel):
    def measure(self, xp, logits, label, axis):
        return xp.sum(logits, axis=axis), None

    def gradient(self, xp, logits, label, s, made, w, axis):
        return w * xp.ones_like(logits)


class NoMeasure(xent.Kernel):
    pass


class NoGradient(xent.Kernel):
    def measure(self, xp, logits, label, axis):
        return xp.sum(logits, axis=axis, keepdims=True), None


class NoMerge(labels.FromLogits):
    def merge(self, xp, a, b):
        return a, None, xp.sum(a[0])


class OddMerge(labels.FromLogits):
    def merge(self, xp, a, b):
        return super().merge(xp, a, b).peak


class AfterPair(strangers.HitsInRounds):
    def measure_after(self, xp, logits, target, known, axis):
        return super().measure_after(xp, logits, target, known, axis), None


class OfRows(labels.FromLogits):
    def gradient(self, xp, logits, label, s, made, w, axis):
        return w


RETURNED = {
    NoValue: r"NoValue\.value returns None; it takes one for each row, of shape \(3, 1\)",
    OneValue: r"OneValue\.value returns an array of shape \(1,\); it takes one for each row",
    NoPair: r"NoPair\.measure returns .*; it takes a pair",
    Triple: r"Triple\.measure returns a tuple of 3; it takes a pair",
    NoDims: r"NoDims\.measure returns statistics with an array of shape \(3,\).* keepdims=True",
    OddMerge: r"OddMerge\.merge returns an array .*; it takes what measure returns",
    NoMerge: r"NoMerge\.merge returns statistics with .*; each has the shape \(3, 1\)",
    OfRows: r"OfRows\.gradient returns an array of shape \(3, 1\); it takes the shape .*, \(3, 5\)",
}


@pytest.mark.parametrize("kernel", RETURNED, ids=lambda kernel: kernel.__name__)
def test_what_a_method_returns(kernel):
    with pytest.raises(TypeError, match=RETURNED[kernel] + ".*: of loss, labels and logits"):
        check(broken.of_labels(kernel()), libraries="numpy")


def test_what_a_second_round_returns():
    @xent.loss(xent.DivergenceOptions)
    def loss(target, *, logits, **options):
        kernels = {"logits": AfterPair()}
        return xent.Call(target, {"logits": logits}, distributions=kernels, options=options)

    with pytest.raises(TypeError, match=r"AfterPair\.measure_after returns a tuple of 2; it takes"):
        check(loss, libraries="numpy")


@pytest.mark.parametrize(("kernel", "method"), [(NoMeasure, "measure"), (NoGradient, "gradient")])
def test_a_method_that_is_missing(kernel, method):
    said = f"{kernel.__name__} has no method {method}; it returns "
    with pytest.raises(NotImplementedError, match=said) as found:
        check(broken.of_labels(kernel()), libraries="numpy")
    assert "raised by loss, of labels and logits" in found.value.__notes__
    with pytest.raises(NotImplementedError, match=said):
        xent.grad(broken.of_labels(kernel()))([0], logits=[[0.0, 1.0]])


@dataclass(frozen=True)
class Held(labels.FromLogits):
    """With a parameter that is no number."""

    held: object


@pytest.mark.parametrize("held", ["a", (1.0, 2.0), labels.FromLogits(), [1.0], {1.0}], ids=repr)
def test_a_parameter_may_be_anything_but_an_array(held):
    """What can't be hashed too, though no plan is remembered by it."""
    given = {"target": [0], "logits": [[0.0, 1.0, 2.0]]}
    loss = broken.of_labels(Held(held))
    assert loss(**given) == loss(**given) == xent.cross_entropy(**given)


def test_a_curve_that_lacks_a_limit():
    @dataclass(frozen=True)
    class Twice(curves.Curve):
        a: float

        def f(self, xp, c):
            return self.a * c

        def df(self, xp, c):
            return self.a * xp.ones_like(c)

    @xent.loss(xent.CurveOptions)
    def twice(target, *, logits, **options):
        return xent.Call(target, {"logits": logits}, *of_label.kernels(Twice, 2.0), options=options)

    with pytest.raises(NotImplementedError, match="Twice has no method certain; it returns f′"):
        check(twice, libraries="numpy")


@pytest.mark.parametrize("name", OWN)
def test_what_is_right_passes(name, monkeypatch):
    """And is looked at: what else is raised is no way out."""
    textbook, _, parameters = OWN[name]
    looked, broken = [], contract._broken

    def counted(*given):
        looked.append(broken(*given))
        return looked[-1]

    monkeypatch.setattr(contract, "_broken", counted)
    every = list(cases(getattr(xent, name), textbook, None, tuple(parameters or [{}]), True))
    for case in every:
        contract.hold(name, case)
    assert looked == [None] * len(every) != []
