"""What is said of options and keywords that cannot be (R10, R11, R16, R18)."""

import numpy as np
import pytest

import xent
from tests.errors.said import assert_said, rows

Z = np.zeros((2, 3))
Y = np.asarray([0, 1])
P = np.full((2, 3), 1 / 3)
CE, BCE = xent.cross_entropy, xent.binary_cross_entropy

OPTIONS = [
    (
        lambda: CE(Y, logits=Z, reduction="avg"),
        ValueError,
        "reduction is 'avg'",
        "'none', 'sum', 'mean'",
    ),
    (
        lambda: xent.kl_divergence(P, P, reduction="batchmean"),
        ValueError,
        "reduction is 'batchmean' (xent's name is 'mean')",
    ),
    (lambda: CE(Y, P, reduction=None), ValueError, "reduction is None (xent's name is 'none')"),
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


LOGITS = [
    (
        lambda: xent.self_information(P, base=Recorded()),
        TypeError,
        "base requires a gradient",
        "detach it",
    ),
    (lambda: CE(Y, logits=Z, softcap=0), ValueError, "softcap is 0", "a positive number"),
    (
        lambda: xent.kl_divergence(P, logits=Z, temperature=1e-310),
        ValueError,
        "temperature is 1e-310",
        "1 over it is no number",
    ),
    (
        lambda: xent.log_probs(Y, logits=Z.astype("float32"), temperature=1e-40),
        ValueError,
        "temperature is 1e-40",
        "float32, which holds 1.2e-38",
    ),
    (
        lambda: CE(Y, logits=Z.astype("float16"), softcap=1e300),
        ValueError,
        "softcap is 1e+300",
        "float32",
    ),
    (
        lambda: xent.linear_cross_entropy(Y, *np.ones((2, 2, 3), "float32"), softcap=1e300),
        ValueError,
        "softcap is 1e+300",
        "float32",
    ),
    (
        lambda: CE(Y, logits=Z.astype("float32"), softcap=1e-50),
        ValueError,
        "softcap is 1e-50",
        "float32",
    ),
    (lambda: CE(Y, logits=Z, softcap="1"), TypeError, "softcap is str", "it takes a number"),
    (lambda: CE(Y, P, softcap=1), ValueError, "softcap acts on logits", "was given as probs"),
    (lambda: CE(Y, P, z_loss=1), ValueError, "z_loss acts on logits", "was given as probs"),
    (lambda: CE(Y, logits=Z, z_loss=-1), ValueError, "z_loss is -1", "not negative"),
]
TABLES = (OPTIONS, SEQUENCES, LOGITS)


@pytest.mark.parametrize(("call", "kind", "held"), rows(*TABLES))
def test_message(call, kind, held):
    assert_said(call, kind, held)


def test_the_largest_number_of_float32_is_none_too_large():
    """As it is printed it is more than that, and rounds to it."""
    z = Z.astype("float32")
    assert CE(Y, logits=z, softcap=3.4028235e38) == CE(Y, logits=z)
    assert xent.log_probs(Y, logits=z, temperature=3.4028235e38).log_prob[0] < 0
