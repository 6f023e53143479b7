"""`grad`, `value_and_grad`, `linear_head` and `part` are of losses alone, of what is really given."""

import functools
import inspect
import typing

import numpy as np
import pytest

import xent
from tests.cases import CASES, LOSSES
from tests.near import assert_same

TRANSFORMS = (
    *(xent.grad, xent.value_and_grad, xent.hvp, xent.grad_and_hessian_diagonal),
    *(xent.linear_head, xent.part),
)
OF_LOGITS = [
    f for f in LOSSES.values() if {"target", "logits"} <= {*inspect.signature(f).parameters}
]


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_derivative_has_none_of_its_own(loss):
    """It has the name of its loss, whose first derivative was once returned for its second."""
    for first in TRANSFORMS[:4]:
        for second in TRANSFORMS:
            with pytest.raises(TypeError, match=rf"{first.__name__}\({loss.__name__}\)"):
                second(first(loss))


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("loss", OF_LOGITS, ids=lambda loss: loss.__name__)
def test_a_function_that_wraps_a_loss_is_another(loss, transform):
    @functools.wraps(loss)
    def twice(*args, **kwargs):
        return 2 * loss(*args, **kwargs)

    with pytest.raises(TypeError, match=r"by xent\.loss"):
        transform(twice)


@pytest.mark.parametrize("case", [c for c in CASES if len(c.options()) > 1], ids=str)
def test_a_loss_with_some_arguments_given(case):
    given, options = case.arguments(), case.options()
    some = functools.partial(case.function, **options)
    for a, b in zip(xent.value_and_grad(some)(**given), case.both(**given, **options), strict=True):
        assert_same(a, b)


@pytest.mark.parametrize("loss", OF_LOGITS, ids=lambda loss: loss.__name__)
def test_a_head_of_a_loss_with_some_arguments_given(loss):
    sparse = loss is xent.sparse_categorical_cross_entropy
    target = np.asarray([0, 1]) if sparse else np.eye(3)[:2]
    some = {"reduction": "sum"} if "reduction" in inspect.signature(loss).parameters else {}
    given = target, np.eye(2), np.ones((3, 2))
    head = xent.linear_head(functools.partial(loss, **some))
    assert head(*given) == xent.linear_head(loss)(*given, **some)


@pytest.mark.parametrize(
    ("some", "kind", "said"),
    [
        ({"axis": 0}, ValueError, "axis is 0; the classes of a linear head lie along the last"),
        ({"logits": np.eye(3)}, TypeError, "takes a function by xent.loss of target and logits="),
        ({"probs": np.eye(3)}, TypeError, "exactly one of"),
    ],
)
def test_a_head_takes_nothing_that_it_would_drop(some, kind, said):
    loss = functools.partial(xent.cross_entropy, **some)
    with pytest.raises(kind, match=said):
        xent.linear_head(loss)([0, 1, 2], np.eye(3), np.eye(3))


def test_what_is_no_loss_has_no_head():
    for other in (max, print, functools.partial(max, 1), xent.softmax, xent.entropy):
        with pytest.raises(TypeError, match="is no loss of logits"):
            xent.linear_head(other)


def test_a_loss_with_some_arguments_given_keeps_its_name():
    some = functools.partial(xent.cross_entropy, label_smoothing=0.1)
    assert xent.linear_head(some).__name__ == "linear_cross_entropy"
    assert xent.grad(some).__name__ == "cross_entropy"
    assert xent.grad(some).__doc__ == xent.cross_entropy.__doc__


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("loss", OF_LOGITS, ids=lambda loss: loss.__name__)
def test_what_is_returned_tells_of_itself(loss, transform):
    made = transform(loss)
    assert typing.get_type_hints(made)
    assert inspect.getdoc(made)
    assert repr(made) == f"{transform.__name__}({loss.__name__})"
    assert "target" in inspect.signature(made).parameters


@pytest.mark.parametrize(
    ("transform", "missing"), [(xent.hvp, "tangent"), (xent.vjp, "cotangent"), (xent.part, "first")]
)
def test_an_argument_of_its_own_that_is_missing_is_said_of_the_transform(transform, missing):
    made = transform(xent.cross_entropy)
    said = rf"^{transform.__name__}\(cross_entropy\)\(\) missing .*'{missing}'"
    with pytest.raises(TypeError, match=said):
        made([0], logits=np.zeros((1, 2)))


def test_a_missing_tangent_is_said_of_gauss_newton():
    said = r"^gauss_newton\(linear_cross_entropy\)\(\) missing .*'tangent'"
    with pytest.raises(TypeError, match=said):
        xent.gauss_newton(xent.linear_cross_entropy)([0], np.eye(1), np.eye(1))


def test_metrics_are_asked_for_of_a_loss():
    with pytest.raises(TypeError, match=r"no metrics are known of .*sum"):
        xent.with_metrics(np.sum)
    for transform in (xent.grad, xent.value_and_grad):
        said = rf"write {transform.__name__}\(with_metrics\(cross_entropy\)\)"
        with pytest.raises(TypeError, match=said):
            xent.with_metrics(transform(xent.cross_entropy))


def test_metrics_are_one_number_each_whatever_the_reduction():
    z = np.asarray([[0.0, 1.0], [2.0, 0.0]])
    rows, metrics = xent.with_metrics(xent.cross_entropy)([0, 1], logits=z, reduction="none")
    assert rows.shape == (2,)
    assert {np.shape(x) for x in metrics} == {()}
