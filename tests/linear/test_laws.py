"""A linear loss is the loss of ``features @ weight.T + bias``, in its value and its three gradients."""

import numpy as np
import pytest

import xent
from tests.linear.textbook import BCE, CE, checked, head, labels_of, soft_of
from tests.near import BOTH, assert_near

DRAW = np.random.default_rng(5)
CLASSED, SAMPLED = DRAW.uniform(0.5, 2, 5), DRAW.uniform(0.5, 2, 6)
KEPT = np.asarray([True, False, True, True, False, True])
TARGETS = {"labels": labels_of(), "distributions": soft_of()}
OPTIONS = [
    {},
    {"reduction": "sum"},
    {"reduction": "none"},
    {"base": 2, "denominator": 7.0, "label_smoothing": 0.125},
    {"class_weight": CLASSED},
    {"sample_weight": SAMPLED, "where": KEPT},
    {"softcap": 2.0, "z_loss": 0.125},
    {
        "class_weight": CLASSED,
        "sample_weight": SAMPLED,
        "where": KEPT,
        "label_smoothing": 0.25,
        "base": 10,
        "softcap": 3.0,
        "z_loss": 0.25,
    },
]
EVERY = OPTIONS[-1]


def names(options):
    return "-".join(options) or "plain"


@pytest.mark.parametrize("options", OPTIONS, ids=names)
@pytest.mark.parametrize("target", TARGETS)
def test_value_and_gradients(backend, target, options):
    checked(backend, CE, target=TARGETS[target], **head(), **options)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_every_option_in_every_reduction(backend, reduction):
    checked(backend, CE, target=TARGETS["distributions"], **head(), **EVERY, reduction=reduction)


@pytest.mark.parametrize("target", TARGETS)
def test_it_is_the_loss_of_the_logits(any_backend, target):
    given = head()
    logits = given["features"] @ given["weight"].T + given["bias"]
    kept = {"target": TARGETS[target], **EVERY}
    wanted = any_backend.run(xent.cross_entropy, logits=logits, **kept)
    assert_near(any_backend.run(CE, **given, **kept), wanted, BOTH)


@pytest.mark.parametrize("rows", [(), (1,), (2, 3), (2, 1, 3)])
@pytest.mark.parametrize("soft", [False, True])
def test_any_leading_axes(backend, rows, soft):
    given = {"target": (soft_of if soft else labels_of)(rows), **head(rows)}
    given["target"] = np.asarray(given["target"])
    value, gradients = checked(backend, CE, **given, reduction="none")
    assert value.shape == rows
    assert [g.shape for g in gradients] == [given[k].shape for k in ("features", "weight", "bias")]


@pytest.mark.parametrize(("width", "classes"), [(1, 5), (3, 1), (1, 2), (11, 7)])
def test_narrow_and_wide_heads(backend, width, classes):
    given = {"target": labels_of(classes=classes), **head(width=width, classes=classes)}
    checked(backend, CE, **given)


def test_a_head_without_bias_has_no_gradient_of_it(backend):
    given = {"target": TARGETS["labels"], **head(), "bias": None}
    _, gradients = checked(backend, CE, **given)
    assert gradients[2] is None


def test_the_gradients_have_names(backend):
    g = backend.call(xent.grad(CE), target=TARGETS["labels"], **head())
    assert g._fields == ("features", "weight", "bias")
    assert all(map(backend.owns, g))


BINARY = [
    {},
    {"reduction": "sum", "base": 2},
    {"reduction": "none"},
    {"label_smoothing": 0.125, "denominator": 7.0},
    {"pos_weight": 3.0},
    {"pos_weight": np.asarray([0.5, 1.0, 2.0])},
    {"pos_weight": DRAW.uniform(0.5, 2, (6, 3))},
    {"pos_weight": DRAW.uniform(0.5, 2, (6, 1)), "label_smoothing": 0.25},
    {
        "sample_weight": DRAW.uniform(0.5, 2, (6, 3)),
        "where": DRAW.uniform(size=(6, 3)) < 0.7,
        "pos_weight": DRAW.uniform(0.5, 2, 3),
    },
]


def binary(rows=(6,), questions=(3,), seed=7):
    draw = np.random.default_rng(seed)
    return {
        "target": draw.uniform(size=(*rows, *questions)),
        "features": draw.normal(size=(*rows, 4)),
        "weight": draw.normal(size=(*questions, 4)),
        "bias": np.asarray(draw.normal(size=questions)),
    }


@pytest.mark.parametrize("options", BINARY, ids=names)
def test_binary(backend, options):
    checked(backend, BCE, **binary(), **options)


NARROW = [
    {},
    {"reduction": "none", "label_smoothing": 0.125},
    {"pos_weight": np.asarray(2.0)},
    {"pos_weight": DRAW.uniform(0.5, 2, 6)},
    {"sample_weight": SAMPLED, "where": KEPT, "base": 2},
]


@pytest.mark.parametrize("options", NARROW, ids=names)
def test_one_question(backend, options):
    checked(backend, BCE, **binary(questions=()), **options)


def test_one_question_with_leading_axes(backend):
    given, options = binary((2, 3), ()), {"pos_weight": DRAW.uniform(0.5, 2, 3), "reduction": "sum"}
    wide = {"pos_weight": np.broadcast_to(options["pos_weight"], (2, 3))}
    checked(backend, BCE, **given, **options, as_if=wide)
    _, gradients = checked(backend, BCE, **{**given, "bias": None})
    assert gradients[1].shape == (4,)
    assert gradients[2] is None


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64"])
def test_hard_binary_targets(backend, dtype):
    given = binary()
    hard = given["target"] > 0.5
    checked(backend, BCE, **{**given, "target": hard.astype(dtype)}, as_if={"target": hard})
