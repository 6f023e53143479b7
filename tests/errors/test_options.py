"""What is said of options and keywords that cannot be (R9–R11, R16, R18)."""

from dataclasses import dataclass

import numpy as np
import pytest

import xent
from tests.errors.said import assert_said, rows
from xent.kernels import labels

Z = np.zeros((2, 3))
Y = np.asarray([0, 1])
P = np.full((2, 3), 1 / 3)
CE, BCE = xent.cross_entropy, xent.binary_cross_entropy

WEIGHTS = [
    (
        lambda: CE(Y, logits=Z, class_weight=[1.0, 2.0]),
        ValueError,
        "class_weight has shape (2,)",
        "it takes (3,), one per class",
    ),
    (
        lambda: CE(Y, logits=Z, class_weight=np.ones(3) * 1j),
        TypeError,
        "class_weight has dtype complex128",
        "real numbers",
    ),
    (
        lambda: CE(Y, logits=Z, sample_weight=np.ones((2, 3))),
        ValueError,
        "sample_weight has shape (2, 3)",
        "one entry per row, shape (2,)",
    ),
    (
        lambda: CE(Y, logits=Z, sample_weight=2.0),
        ValueError,
        "sample_weight has shape ()",
        "one entry per row, shape (2,)",
    ),
    (
        lambda: CE(Y, logits=Z, where=Y),
        TypeError,
        "where has dtype int64",
        "bool, True for rows that count",
    ),
    (lambda: CE(Y, logits=Z, where=Z > 0), ValueError, "where has shape (2, 3)", "shape (2,)"),
    (
        lambda: BCE(Z, logits=Z, where=np.ones(2, bool)),
        ValueError,
        "where has shape (2,)",
        "shape (2, 3)",
    ),
    (
        lambda: BCE(Z, logits=Z, pos_weight=np.ones(2)),
        ValueError,
        "pos_weight has shape (2,)",
        "does not broadcast to (2, 3)",
    ),
    (
        lambda: BCE(Z, logits=Z, pos_weight=np.ones((1, 2, 3))),
        ValueError,
        "pos_weight has shape (1, 2, 3)",
        "does not broadcast",
    ),
    (
        lambda: xent.softmax(Z, where=np.ones((2, 3), int)),
        TypeError,
        "where has dtype int64",
        "bool, True for classes that count",
    ),
    (
        lambda: xent.logsumexp(Z, where=[True, False]),
        ValueError,
        "where has shape (2,)",
        "does not broadcast to (2, 3)",
    ),
    (
        lambda: xent.log_softmax(Z, where=np.ones((1, 2, 3), bool)),
        ValueError,
        "where has shape (1, 2, 3)",
        "does not broadcast",
    ),
    (
        lambda: CE(Y, logits=Z, denominator=2, reduction="sum"),
        ValueError,
        "denominator divides a mean",
        "reduction='sum'",
    ),
    (
        lambda: CE(Y, logits=Z, denominator=np.ones(2)),
        ValueError,
        "denominator has shape (2,)",
        "a number or a 0-d array",
    ),
]
OPTIONS = [
    (
        lambda: CE(Y, logits=Z, reduction="avg"),
        ValueError,
        "reduction is 'avg'",
        "'none', 'sum', 'mean'",
    ),
    (
        lambda: xent.likelihood(Y, P, reduction="mean"),
        ValueError,
        "reduction is 'mean'",
        "'none', 'prod'",
    ),
    (lambda: CE(Y, logits=Z, label_smoothing=1.5), ValueError, "label_smoothing is 1.5", "[0, 1]"),
    (lambda: xent.focal_loss(Y, P, gamma=-1), ValueError, "gamma is -1", "not negative"),
    (lambda: xent.focal_loss(Y, P, gamma="2"), TypeError, "gamma is str", "takes a number"),
    (lambda: xent.poly_loss(Y, P, epsilon=np.inf), ValueError, "epsilon is inf", "finite"),
    (lambda: xent.generalized_cross_entropy(Y, P, q=1.5), ValueError, "q is 1.5", "[0, 1]"),
    (lambda: xent.binary_focal_loss(Z, P, alpha=2), ValueError, "alpha is 2", "[0, 1]"),
    (lambda: xent.asymmetric_loss(Z, logits=Z, margin=1), ValueError, "margin is 1", "[0, 1)"),
    (
        lambda: CE(Y, logits=Z, label_smoothing=-0.1),
        ValueError,
        "label_smoothing is -0.1",
        "[0, 1]",
    ),
    (
        lambda: CE(Y, logits=Z, label_smoothing=float("nan")),
        ValueError,
        "label_smoothing is nan",
        "[0, 1]",
    ),
    (
        lambda: CE(Y, logits=Z, label_smoothing=True),
        TypeError,
        "label_smoothing is bool",
        "it takes a number",
    ),
    (lambda: xent.smooth_labels(P, 2), ValueError, "smoothing is 2", "[0, 1]"),
    (lambda: xent.smooth_labels(Y, 0.1), TypeError, "target has dtype int64", "xent.one_hot"),
    (
        lambda: CE(Y, logits=Z, base=1),
        ValueError,
        "base is 1",
        "any positive number but 1",
        "None for nats",
    ),
    (lambda: CE(Y, logits=Z, base=0), ValueError, "base is 0", "any positive number but 1"),
    (lambda: CE(Y, logits=Z, base=-2), ValueError, "base is -2", "any positive number"),
    (lambda: CE(Y, logits=Z, base=float("inf")), ValueError, "base is inf", "any positive number"),
    (lambda: CE(Y, logits=Z, base=float("nan")), ValueError, "base is nan", "any positive number"),
    (
        lambda: xent.self_information(P, base=1),
        ValueError,
        "base is 1",
        "any positive number but 1",
    ),
    (lambda: CE(Y, logits=Z, base="e"), TypeError, "base is str", "it takes a number"),
    (
        lambda: CE(Y, logits=Z, ignore_index=1.0),
        TypeError,
        "ignore_index is 1.0",
        "it takes an int",
    ),
    (
        lambda: CE(Y, logits=Z, ignore_index=True),
        TypeError,
        "ignore_index is True",
        "it takes an int",
    ),
    (
        lambda: CE(Y, logits=Z, ignore_index=(-1, "pad")),
        TypeError,
        "ignore_index is 'pad'",
        "a sequence of them",
    ),
    (
        lambda: CE(P, logits=Z, ignore_index=0),
        ValueError,
        "ignore_index is for integer labels",
        "the target holds distributions",
        "use where=",
    ),
    (
        lambda: CE(Y[:0], logits=Z[:0]),
        ValueError,
        "a mean over no rows",
        "shape (0,)",
        "reduction='sum' or 'none'",
    ),
    (lambda: xent.one_hot(Y, 3.0), TypeError, "num_classes is 3.0", "it takes an int"),
    (lambda: xent.one_hot(Y, 0), ValueError, "num_classes is 0", "at least 1"),
    (lambda: xent.one_hot(P, 3), TypeError, "labels has dtype float64", "it takes integer labels"),
    (lambda: xent.is_distribution(P, atol=-1), ValueError, "atol is -1", "not negative"),
    (lambda: xent.is_distribution(P, atol="1"), TypeError, "atol is str", "it takes a number"),
    (
        lambda: xent.grad(np.sum),
        TypeError,
        "no gradient is known of <function sum",
        "cross_entropy",
    ),
    (lambda: xent.grad(lambda z: z), TypeError, "no gradient is known of <function <lambda>"),
]


SEQUENCES = [
    (
        lambda: xent.perplexity(Y, logits=Z, sequence_axis=1),
        ValueError,
        "sequence_axis 1 is out of range",
        "rows of 1 axes",
    ),
    (
        lambda: xent.perplexity(Y, logits=Z, sequence_axis=0.5),
        TypeError,
        "sequence_axis is 0.5",
        "an axis of the rows",
    ),
    (
        lambda: xent.perplexity(Y, logits=Z, sequence_axis=0, denominator=2),
        ValueError,
        "denominator divides one mean",
        "use sample_weight",
    ),
    (
        lambda: xent.part(xent.perplexity)(Y, logits=Z, sequence_axis=0, first=0, classes=3),
        TypeError,
        "sequence_axis is for perplexity alone",
        "the rows of cross_entropy",
    ),
    (
        lambda: xent.linear_head(xent.perplexity)(Y, Z, Z, sequence_axis=0),
        TypeError,
        "sequence_axis is for perplexity alone",
        "a linear head",
    ),
]


class Recorded:
    """A number of a library whose autograd would look for its derivative."""

    shape, dtype, requires_grad = (), np.dtype(float), True


@xent.loss(xent.CrossEntropyOptions)
def of_labels(target, *, logits, **options):
    """A loss that knows labels alone."""
    return xent.Call(target, {"logits": logits}, labels.KERNELS, options=options)


@dataclass(frozen=True)
class Squeezed(labels.FromLogits):
    """A formula with a number and a word."""

    epsilon: float = 1.0
    mode: str = "one"


@xent.loss(xent.LikelihoodOptions)
def squeezed(target, *, logits, epsilon=1.0, mode="one", **options):
    """Its loss."""
    kernels = {"logits": Squeezed(epsilon, mode)}
    return xent.Call(target, {"logits": logits}, kernels, options=options)


PARAMETERS = [
    (
        lambda: squeezed(Y, logits=Z, epsilon="1"),
        TypeError,
        "epsilon is '1'; it takes a number",
    ),
    (lambda: squeezed(Y, logits=Z, epsilon=None), TypeError, "epsilon is None; it takes a number"),
    (lambda: squeezed(Y, logits=Z, epsilon=[1.0]), TypeError, "epsilon is [1.0]; it takes"),
    (lambda: squeezed(Y, logits=Z, epsilon=True), TypeError, "epsilon is True; it takes"),
    (
        lambda: squeezed(Y, logits=Z, epsilon=np.ones(3)),
        TypeError,
        "epsilon is an array of shape (3,); it takes a number",
    ),
]
LOGITS = [
    (
        lambda: xent.self_information(P, base=Recorded()),
        TypeError,
        "base requires a gradient",
        "detach it",
    ),
    (
        lambda: of_labels(Y, logits=Z, label_smoothing=0.1),
        ValueError,
        "label_smoothing",
        "labels only",
    ),
    (lambda: CE(Y, logits=Z, softcap=0), ValueError, "softcap is 0", "a positive number"),
    (lambda: CE(Y, logits=Z, softcap="1"), TypeError, "softcap is str", "it takes a number"),
    (lambda: CE(Y, P, softcap=1), ValueError, "softcap acts on logits", "was given as probs"),
    (lambda: CE(Y, P, z_loss=1), ValueError, "z_loss acts on logits", "was given as probs"),
    (lambda: CE(Y, logits=Z, z_loss=-1), ValueError, "z_loss is -1", "not negative"),
]
BESIDE = [
    (
        lambda: xent.hvp(xent.log_probs)(Y, logits=Z, tangent=Z),
        TypeError,
        "no second derivative is known of log_probs",
        "another loss of one prediction",
    ),
    (
        lambda: xent.with_metrics(CE)(Y, P),
        TypeError,
        "with_metrics(cross_entropy)",
        "takes a prediction as logits",
    ),
    (
        lambda: xent.vjp(CE)(Y, logits=Z, reduction="none", cotangent=1.0),
        ValueError,
        "cotangent is ()",
        "it takes the shape of the value, (2,)",
    ),
    (lambda: xent.vjp(CE)(Y, logits=Z, cotangent=None), TypeError, "cotangent is None"),
    (lambda: xent.hvp(CE)(Y, logits=Z, tangent=None), TypeError, "tangent is None", "an array"),
    (lambda: xent.grad(xent.log_probs)(Y, logits=Z), TypeError, "has several values", "xent.vjp"),
]
TABLES = (WEIGHTS, OPTIONS, SEQUENCES, PARAMETERS, LOGITS, BESIDE)


@pytest.mark.parametrize(("call", "kind", "held"), rows(*TABLES))
def test_message(call, kind, held):
    assert_said(call, kind, held)
