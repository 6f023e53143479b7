"""A loss is what it computes, not what it is called: no name, signature or hash stands for a kernel."""

from dataclasses import dataclass

import numpy as np
import pytest

import xent
from tests.laws.test_softcap import LSE, Y, Z
from tests.near import assert_near, largest
from xent.kernels import labels

ROWS = LSE - Z[np.arange(len(Y)), Y]
SOFTMAX = np.exp(Z - LSE[:, None])
EXCESS = SOFTMAX - np.eye(Z.shape[1])[Y]
X, W = np.asarray([[1.0, 0.0], [0.0, 1.0]]), Z.T.copy()


@dataclass(frozen=True)
class Times(labels.FromLogits):
    """The cross entropy of a label, times a number; a string and a truth value choose it too."""

    factor: float = 1.0
    more: str = "none"
    negative: bool = False

    def slope(self):
        sign = -1.0 if self.negative else 1.0
        return self.factor * sign * {"none": 1.0, "half": 0.5}[self.more]

    def value(self, xp, s):
        return self.slope() * super().value(xp, s)

    def gradient(self, xp, logits, label, s, made, w, axis):
        return super().gradient(xp, logits, label, s, made, w * self.slope(), axis)


@dataclass(frozen=True)
class Colliding(Times):
    """The same, and every one of them has the hash of every other."""

    def __hash__(self):
        return 1


def of_the_same_class_name(slope):
    """Return a kernel whose class has the name of others that do something else."""

    class Kernel(labels.FromLogits):
        def value(self, xp, s):
            return slope * super().value(xp, s)

        def gradient(self, xp, logits, label, s, made, w, axis):
            return super().gradient(xp, logits, label, s, made, w * slope, axis)

    return Kernel()


def loss_of(kernel):
    """Return the loss of a kernel, all of one name and one signature."""

    @xent.loss(xent.LikelihoodOptions)
    def loss(target, *, logits, **options):
        kernels = {"logits": kernel}
        return xent.Call(target, {"logits": logits}, kernels, options=options, only="labels")

    return loss


KERNELS = {
    "numbers": [(Times(2.0), 2), (Times(0.0), 0), (Times(-1.5), -1.5), (Times(2), 2)],
    "strings": [(Times(2.0), 2), (Times(2.0, "half"), 1)],
    "truth values": [(Times(1.0), 1), (Times(1.0, negative=True), -1), (Times(0.0), 0)],
    "classes": [(Times(), 1), (labels.FromLogits(), 1), (Times(3.0), 3)],
    "names": [(of_the_same_class_name(2.0), 2), (of_the_same_class_name(5.0), 5)],
    "hashes": [
        (Colliding(2.0, "half"), 1),
        (Colliding(2.0), 2),
        (Colliding(2.0, "half", True), -1),
    ],
}
"""By what tells them apart: kernels, and what each multiplies the cross entropy by."""


def twice(pairs):
    """Return losses and slopes, all of them a second time when the others have been met."""
    return [(loss_of(kernel), slope) for _ in range(2) for kernel, slope in pairs]


@pytest.mark.parametrize("apart", KERNELS)
def test_value(any_backend, apart):
    for loss, slope in twice(KERNELS[apart]):
        rows = any_backend.run(loss, target=Y, logits=Z, reduction="none")
        assert_near(rows, slope * ROWS)


@pytest.mark.parametrize("apart", KERNELS)
def test_value_and_gradient(any_backend, apart):
    for loss, slope in twice(KERNELS[apart]):
        both = xent.value_and_grad(loss)
        value, g = any_backend.run(both, target=Y, logits=Z, reduction="sum")
        assert_near(value, slope * ROWS.sum())
        assert_near(g, slope * EXCESS, scale=abs(slope) * largest(EXCESS) + 1e-300)


@pytest.mark.parametrize("apart", ["numbers", "names", "hashes"])
def test_linear_head(backend, apart):
    for loss, slope in twice(KERNELS[apart]):
        head = xent.value_and_grad(xent.linear_head(loss))
        given = {"target": Y, "features": X, "weight": W, "reduction": "sum"}
        value, g = backend.call(head, **given)
        assert_near(backend.numbers(value), slope * ROWS.sum())
        want = slope * EXCESS.T @ X
        assert_near(backend.numbers(g.weight), want, scale=abs(slope) + 1e-300)


def test_one_loss_whose_parameter_changes(any_backend):
    @xent.loss(xent.LikelihoodOptions)
    def loss(target, *, logits, factor=1.0, **options):
        kernels = {"logits": Times(factor)}
        return xent.Call(target, {"logits": logits}, kernels, options=options, only="labels")

    for factor in (2.0, 0.0, 1, np.float64(3.0), np.int64(2), np.asarray(0.5), 2.0):
        number = factor if not isinstance(factor, np.ndarray | np.generic) else factor.item()
        rows = any_backend.run(
            lambda number=number, **given: loss(**given, factor=number),
            target=Y,
            logits=Z,
            reduction="none",
        )
        assert_near(rows, float(factor) * ROWS)


@dataclass(frozen=True)
class Under(labels.FromLogits):
    """A label's cross entropy over a number that is called as an option is, times that of another kernel."""

    denominator: float
    of: Times = Times()

    def value(self, xp, s):
        return self.of.value(xp, s) / self.denominator

    def gradient(self, xp, logits, label, s, made, w, axis):
        return self.of.gradient(xp, logits, label, s, made, w / self.denominator, axis)


def test_a_number_is_no_option_of_its_name(backend):
    """Be it an array or not: a mean is of the rows."""
    for number in (4.0, backend.asarray(np.asarray(4.0))):
        for loss in (loss_of(Under(number)), xent.value_and_grad(loss_of(Under(number)))):
            made = backend.call(loss, target=Y, logits=Z)
            value = made[0] if isinstance(made, tuple) else made
            assert_near(backend.numbers(value), np.mean(ROWS) / 4)


def test_numbers_of_one_name_are_told_apart():
    """Of two kernels in one, of which one number is another library's."""
    strict = pytest.importorskip("array_api_strict")
    there, here = Times(strict.asarray(1.0)), Times(np.asarray(1.0))
    for kernel in (Two(there, here), Two(here, there)):
        with pytest.raises(TypeError, match=r"Two\.\w+\.factor is array_api_strict on"):
            loss_of(kernel)(Y, logits=Z)


@dataclass(frozen=True)
class Two(labels.FromLogits):
    """Two kernels, of which the first is one."""

    one: Times
    other: Times


def test_kernels_compare_by_value():
    assert Times(2.0, "half") == Times(2.0, "half")
    assert hash(Times(2.0, "half")) == hash(Times(2.0, "half"))
    assert Times(2.0).structure == Times(3.0).structure
    assert Times(2.0).key == Times(3.0).key
    for other in (Times(2.0, "half"), Times(2.0, negative=True), Colliding(2.0)):
        assert Times(2.0).key != other.key
        assert Times(2.0).structure != other.structure
    assert labels.FromLogits() == labels.FromLogits()
    assert of_the_same_class_name(2.0) != of_the_same_class_name(2.0)


class Unpacked(labels.FromLogits):
    """A value by a user who takes the statistics for what they are said to be."""

    def value(self, xp, s):
        peak, rest, label = s
        return xp.log1p(rest * xp.exp(peak - label))


def test_what_inherits_is_given_the_statistics_that_it_knows(any_backend):
    @xent.loss(xent.LikelihoodOptions)
    def own(target, logits, **options):
        return xent.Call(target, {"logits": logits}, {"logits": Unpacked()}, options=options)

    logits, target = np.asarray([[1.0, 2.0, 0.5], [0.25, -1.0, 3.0]]), np.asarray([1, 2])
    given = {"target": target, "logits": logits}
    got = any_backend.run(xent.value_and_grad(own), **given)
    wanted = xent.value_and_grad(xent.cross_entropy)(**given)
    for a, b in zip(got, wanted, strict=True):
        assert_near(a, b)
