"""What is said of weights, masks and divisors that cannot be (R9, R10, R13, R18), and what can be."""

import numpy as np
import pytest

import xent
from tests.backends import missing
from tests.errors.said import assert_said, rows
from tests.errors.test_validation import reads
from tests.near import assert_near

Z = np.zeros((2, 3))
Y = np.asarray([0, 1])
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
TABLES = (WEIGHTS,)


@pytest.mark.parametrize(("call", "kind", "held"), rows(*TABLES))
def test_message(call, kind, held):
    assert_said(call, kind, held)


@pytest.mark.cases(
    of=lambda case: case.takes("sample_weight", "reduction"), slow=lambda case: False
)
def test_a_row_may_weigh_less_than_nothing(backend, case):
    """As an advantage, whose sign says whether a row's cost is to fall or to rise."""
    given = case.arguments()
    rows = backend.run(case.function, **given, reduction="none")
    s = np.linspace(-1.0, 0.5, rows.size).reshape(rows.shape)
    total = backend.run(case.function, **given, sample_weight=s, reduction="sum")
    assert_near(total, np.sum(s * rows), 64, scale=np.sum(np.abs(s * rows)))


@pytest.mark.cases(of=lambda case: case.takes("class_weight", "reduction"), slow=lambda case: False)
def test_so_may_a_class(backend, case):
    """As one that is to be forgotten: a divisor that is given leaves its sign."""
    given = case.arguments()
    c = np.ones(given[case.form].shape[-1])
    options = {"reduction": "mean", "denominator": 2.0}
    up, down = (backend.run(case.function, **given, class_weight=x, **options) for x in (c, -c))
    assert_near(down, -up, 4)


@pytest.mark.skipif(missing("jax") is not None, reason="jax is not here")
@pytest.mark.parametrize("sign", [1, -1])
def test_a_denominator_that_a_traced_program_closes_over_is_read(sign):
    """It is no tracer, though what is made of it would be."""
    import jax
    import jax.numpy as jnp

    y, z, n = jnp.asarray([0, 1]), jnp.zeros((2, 3)), jnp.asarray(2.0 * sign)
    loss = jax.jit(lambda z: xent.cross_entropy(y, logits=z, denominator=n))
    if sign > 0:
        assert_near(np.asarray(loss(z)), np.asarray(xent.cross_entropy(y, logits=z)), 4)
        return
    with pytest.raises(ValueError, match=r"denominator is -2\.0"):
        loss(z)


@pytest.mark.cases(of=lambda case: case.takes("denominator"), slow=lambda case: False)
def test_a_denominator_that_is_none(backend, case):
    """However it is given, and after another that was right: a plan knows no number."""
    given = case.arguments()
    backend.run(case.both, **given, denominator=2.0)
    for x in (-1, -0.5, np.nan, np.asarray(-2.0), np.asarray(np.nan)):
        if isinstance(x, np.ndarray) and not reads(backend):
            continue
        with pytest.raises(ValueError, match=r"denominator is .*; it takes a number that is not"):
            backend.run(case.function, **given, denominator=x)
    with pytest.raises(TypeError, match=r"denominator has dtype bool; it takes a number"):
        backend.run(case.function, **given, denominator=True)
    if not backend.is_lazy:
        for x in (-1.0, np.asarray(-1.0)):
            value = backend.run(case.function, **given, denominator=x, validate=False)
            assert np.isfinite(value)
    nothing = 1 if case.loss == "perplexity" else 0
    assert backend.run(case.function, **given, denominator=0) == nothing


def test_a_negative_denominator_of_heads_and_parts():
    z, y = np.zeros((2, 3)), np.asarray([0, 1])
    for call in (
        lambda n: xent.linear_cross_entropy(y, z, z, denominator=n),
        lambda n: xent.contrastive_loss(z, z, temperature=1.0, denominator=n),
        lambda n: xent.part(xent.cross_entropy)(y, logits=z, first=0, classes=3, denominator=n),
    ):
        call(1)
        with pytest.raises(ValueError, match=r"denominator is .*-1.*; it takes a number"):
            call(-1)
