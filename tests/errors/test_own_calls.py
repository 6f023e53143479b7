"""What is said of a loss whose function, or whose `xent.Call`, is not what its author meant."""

import numpy as np
import pytest

import xent
from tests.errors.said import assert_said, rows
from xent.kernels import distributions, labels

Z = np.zeros((2, 3))
Y = np.asarray([0, 1])
KERNELS = {"logits": labels.FromLogits()}


def of(call):
    """Return the call of a loss, whose own function returns what ``call`` makes of its arguments."""

    @xent.loss(xent.LikelihoodOptions)
    def mine(target, *, logits, **options):
        return call(target, logits, options)

    return lambda: mine(Y, logits=Z)


def made(target, logits, options, **changed):
    given = {"predictions": {"logits": logits}, "labels": KERNELS, "options": options}
    return xent.Call(target, **{**given, **changed})


def wrong(**changed):
    return of(lambda *given: made(*given, **changed))


CALLS = [
    (of(lambda *given: 5), TypeError, "mine() returns 5; ", "returns a xent.Call"),
    (of(lambda *given: None), TypeError, "mine() returns None; "),
    (wrong(predictions=Z), TypeError, "mine() has an array of shape (2, 3) for the predictions"),
    (
        wrong(predictions={"logit": Z}, labels={"logit": labels.FromLogits()}),
        TypeError,
        "mine() has a prediction 'logit'",
        "one of probs, logits, log_probs",
    ),
    (
        wrong(labels={"probs": labels.FromProbs()}),
        TypeError,
        "mine() has no kernel for logits in its xent.Call; it has those of labels probs",
    ),
    (wrong(labels={}), TypeError, "mine() has no kernel for logits", "of nothing"),
    (
        wrong(labels={"logits": labels.FromLogits}),
        TypeError,
        "mine() has the class FromLogits for labels and logits",
        "as FromLogits()",
    ),
    (
        wrong(labels=labels.FromLogits()),
        TypeError,
        "mine() has FromLogits() for the labels of its xent.Call; it takes a dict",
    ),
    (
        wrong(only="label"),
        TypeError,
        "mine() has only='label' in its xent.Call; it takes one of None, 'labels', 'distributions'",
    ),
]


def test_a_call_that_is_none_is_told_of_in_a_part_and_a_head():
    @xent.loss(xent.LikelihoodOptions)
    def mine(target, *, logits, **options):
        return made(target, logits, options, labels={})

    for call in (
        lambda: xent.grad(mine)(Y, logits=Z),
        lambda: xent.part(mine)(Y, logits=Z, first=0, classes=3),
        lambda: xent.linear_head(mine)(Y, np.eye(2), np.ones((3, 2))),
    ):
        assert_said(call, TypeError, ["mine() has no kernel for logits"])


def test_what_an_argument_is_wrong_in_is_told_as_ever():
    mine = of(made)
    assert mine() == np.log(3)
    assert_said(of(lambda *given: given[2]["nothing"]), KeyError, ["nothing"])


def test_a_loss_without_options_needs_none():
    @xent.loss()
    def mine(target, *, logits):
        return xent.Call(target, {"logits": logits}, KERNELS)

    assert mine(Y, logits=Z) == np.log(3)


def written(target, *, logits, **options):
    return xent.Call(target, {"logits": logits}, KERNELS, options=options)


def twice():
    def mine(target, *, logits, **options):
        return xent.Call(target, {"logits": logits}, KERNELS, options=options)

    group = xent.loss(xent.LikelihoodOptions)
    return group(group(mine))


def without():
    @xent.loss(xent.LikelihoodOptions)
    def mine(target, *, logits):
        return xent.Call(target, {"logits": logits}, KERNELS)


def of_its_own():
    @xent.loss(xent.LikelihoodOptions)
    def mine(target, *, logits, axis=-1, **options):
        return xent.Call(target, {"logits": logits}, KERNELS, options=options)


def without_options(**given):
    @xent.loss(xent.LikelihoodOptions)
    def mine(target, *, logits, **options):
        return xent.Call(target, {"logits": logits}, KERNELS)

    return lambda: mine(Y, logits=Z, **given)


UNHEARD = [
    (without_options(), TypeError, "mine() takes the options of LikelihoodOptions", "options=opt"),
    (without_options(reduction="sum"), TypeError, "mine() takes the options of LikelihoodOptions"),
]
DECORATED = [
    (twice, TypeError, "mine() has options already, beside those of LikelihoodOptions", "once"),
    (without, TypeError, "mine() takes no **options", "options=options"),
    (of_its_own, TypeError, "mine() has a parameter axis", "LikelihoodOptions"),
    (lambda: xent.loss(written), TypeError, "xent.loss got <function written", "@xent.loss()"),
]


TABLES = (CALLS, UNHEARD, DECORATED)


@pytest.mark.parametrize(("call", "kind", "held"), rows(*TABLES))
def test_message(call, kind, held):
    assert_said(call, kind, held)


def test_a_kernel_of_distributions_alone_is_asked_of_distributions():
    soft = wrong(labels={}, distributions={"logits": distributions.FromLogits()})
    assert_said(soft, TypeError, ["target has dtype int64; it takes distributions"])
