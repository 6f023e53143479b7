"""Gradients whose terms nearly cancel keep the digits that the arguments determine."""

from decimal import Decimal, localcontext
from functools import partial

import numpy as np
import pytest

import xent
from tests.near import EPS, assert_near, assert_zero, ulps

I = np.inf  # noqa: E741  # ∞, as the tables are read
DTYPES = ("float32", "float64")
SHARES = (0.0, 0.1, 0.7, 1 - 1e-3)
ORDERS = (0.25, 0.5, 2.0, 8.0)


def exactly(function):
    """Return ``function()`` computed with 60 digits, rounded to float64."""
    with localcontext() as context:
        context.prec = 60
        return np.asarray(function(), dtype=np.float64)


def decimals(x):
    return [Decimal(float(entry)) for entry in x]


def softmax(z):
    e = [x.exp() for x in decimals(z)]
    return [x / sum(e) for x in e]


def around(x, dtype, steps=3):
    """Return the numbers of a dtype next to ``x``."""
    x = np.asarray(x, dtype)
    eps = np.spacing(x)
    return np.asarray([x + k * eps for k in range(-steps, steps + 1)], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_entropy_is_flat_at_1_over_e(backend, dtype):
    p = np.concatenate([around(np.exp(-1), dtype), np.linspace(0.25, 0.5, 60).astype(dtype)])
    got = backend.run(xent.grad(xent.entropy), probs=p)
    assert_near(got, exactly(lambda: [-x.ln() - 1 for x in decimals(p)]), 8)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.25}], ids=["plain", "smoothed"])
def test_a_soft_binary_target_beside_a_half_at_logit_0(backend, dtype, options):
    t = np.concatenate([around(0.5, dtype, 8), np.asarray([0.3, 0.499, 0.1], dtype)])
    z = np.zeros_like(t)
    got = backend.run(
        xent.grad(xent.binary_cross_entropy), target=t, logits=z, reduction="none", **options
    )
    want = (1 - options.get("label_smoothing", 0.0)) * (0.5 - t.astype(np.float64))
    # A smoothed target is rounded; one that is given is not.
    assert_near(got, want, 1, scale=np.maximum(np.abs(want), 0.5) if options else None)


@pytest.mark.parametrize("dtype", DTYPES)
def test_logits_whose_softmax_is_the_smoothed_label(backend, dtype):
    """What is left of a − t′ is known to a unit of a: t′ itself is not rounded."""
    classes, smoothing = 1000, 0.125
    z = np.zeros((2, classes), dtype)
    gap = np.log((1 - smoothing + smoothing / classes) / (smoothing / classes))
    z[0, 7], z[1, 3] = gap, gap + 0.25
    label = np.asarray([7, 3])
    got = backend.run(
        xent.grad(xent.cross_entropy),
        target=label,
        logits=z,
        label_smoothing=smoothing,
        reduction="none",
    )

    def exact():
        share = Decimal(smoothing) / classes
        rows = []
        for row, y in zip(z, label, strict=True):
            a = softmax(row)
            rows.append([x - share - (1 - Decimal(smoothing)) * (k == y) for k, x in enumerate(a)])
        return rows

    assert ulps(got, exactly(exact), scale=exactly(lambda: [softmax(row) for row in z])) <= 3


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("power", [-4, -10, -18])
def test_two_rows_of_logits_that_nearly_agree(backend, dtype, power):
    rng = np.random.default_rng(5)
    p = rng.uniform(-4, 4, (1, 10)).astype(dtype)
    q = (p + np.ldexp(rng.uniform(-1, 1, p.shape), power)).astype(dtype)
    got = backend.run(xent.grad(xent.kl_divergence), target_logits=p, logits=q, reduction="none")
    want = exactly(lambda: [[b - a for a, b in zip(softmax(p[0]), softmax(q[0]), strict=True)]])
    assert_near(
        got, want, 64, scale=np.maximum(np.abs(want), np.ldexp(np.abs(p).max() / 100, power))
    )


def kullback(p, q):
    return sum(x * (x / y).ln() for x, y in zip(p, q, strict=True))


def mixed(share, p, q):
    return [Decimal(share) * x + (1 - Decimal(share)) * y for x, y in zip(p, q, strict=True)]


def powers(order, p, q):
    order = Decimal(order)
    sums = sum(x**order * y ** (1 - order) for x, y in zip(p, q, strict=True))
    return sums, sum(p), order - 1


def tsallis(order, p, q):
    sums, mass, b = powers(order, p, q)
    return (sums - mass) / b


def renyi(order, p, q):
    sums, mass, b = powers(order, p, q)
    return (sums / mass).ln() / b


def jensen(beta, p, q):
    m = mixed(beta, p, q)
    return Decimal(beta) * kullback(p, m) + (1 - Decimal(beta)) * kullback(q, m)


DIVERGENCES = [
    *(
        (xent.kl_divergence, {"skew": a}, lambda p, q, a=a: kullback(p, mixed(a, p, q)))
        for a in SHARES
    ),
    *(
        (
            xent.kl_divergence,
            {"reverse": True, "skew": a},
            lambda p, q, a=a: kullback(q, mixed(a, q, p)),
        )
        for a in SHARES
    ),
    *((xent.jensen_shannon_divergence, {"beta": a}, partial(jensen, a)) for a in SHARES[1:]),
    *((xent.tsallis_divergence, {"order": a}, partial(tsallis, a)) for a in ORDERS),
    *((xent.renyi_divergence, {"order": a}, partial(renyi, a)) for a in ORDERS),
]


@pytest.mark.parametrize(("loss", "own", "formula"), DIVERGENCES)
def test_two_distributions_that_nearly_agree(backend, loss, own, formula):
    """The sum of p − q, which is much more than what is left, is of the numbers that are given."""
    draw = np.random.default_rng(15)
    names = ("p", "q") if loss is not xent.kl_divergence else ("target", "probs")
    one = draw.dirichlet(np.ones(5), 12)
    other = one * (
        1 + np.repeat(np.ldexp(1.0, [-6, -12, -20]), 4)[:, None] * draw.uniform(-1, 1, one.shape)
    )
    for dtype in DTYPES[: 1 if backend.is_slow else 2]:
        p, q = one.astype(dtype), (other / other.sum(-1, keepdims=True)).astype(dtype)
        given = dict(zip(names, (p, q), strict=True))
        got = backend.run(loss, **given, **own, reduction="none", validate=False)
        rows = zip(map(decimals, p), map(decimals, q), strict=True)
        assert_near(got, exactly(lambda rows=rows: [formula(*row) for row in rows]), 8)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", [0.0, 1e-9, 1e-6, 1e-3])
@pytest.mark.parametrize(
    ("loss", "formula"), [(xent.tsallis_divergence, tsallis), (xent.renyi_divergence, renyi)]
)
def test_a_divergence_of_an_order_near_0(backend, loss, formula, order, dtype):
    """Of all classes hardly anything is left but what the sums that are given differ by."""
    draw = np.random.default_rng(16)
    p, q = (draw.dirichlet(np.ones(5), 6).astype(dtype) for _ in range(2))
    q[0, 0] -= q[0, 0] / 1024
    got = backend.run(loss, p=p, q=q, order=order, reduction="none", validate=False)
    rows = zip(map(decimals, p), map(decimals, q), strict=True)
    assert_near(got, exactly(lambda: [formula(order, *row) for row in rows]), 64)


CERTAIN = np.asarray([[18, 0, 1, -2], [-1, 25, 2, 0], [0.5, 0, -1, 30]])
SOFT = np.exp(0.75 * CERTAIN) / np.exp(0.75 * CERTAIN).sum(-1, keepdims=True)
OF_WHOLE_ROWS = [
    (loss, {name: target, **own})
    for loss, own in (
        (xent.jensen_shannon_divergence, {"beta": 0.9}),
        (xent.kl_divergence, {"skew": 0.1}),
        (xent.kl_divergence, {"skew": 0.9, "reverse": True}),
        (xent.kl_divergence, {"reverse": True}),
    )
    for name, target in (("target_logits", 0.75 * CERTAIN), ("target", SOFT))
] + [(xent.brier_score, {"target": SOFT}), (xent.focal_loss, {"target": SOFT})]


@pytest.mark.parametrize(("loss", "given"), OF_WHOLE_ROWS)
def test_near_certainty_the_gradient_of_a_row_sums_to_0(backend, loss, given):
    """No loss feels a constant in the logits: the certain class has what the others have, and not 0."""
    if loss is xent.jensen_shannon_divergence and "target" in given:
        given = {"p": given["target"], "beta": given["beta"]}
    for dtype in DTYPES[: 1 if backend.is_slow else 2]:
        own = {k: x.astype(dtype) if isinstance(x, np.ndarray) else x for k, x in given.items()}
        g = backend.run(xent.grad(loss), **own, logits=CERTAIN.astype(dtype), reduction="sum")
        off, peak = np.abs(g.astype("float64").sum(-1)), np.max(np.abs(g), axis=-1)
        assert np.all(peak > 0)
        assert np.all(off <= 16 * EPS[dtype] * peak), (g, off / peak)


OVERFLOWING = [
    ({"target": [1], "logits": [[0, -2000, -5000]]}, [[I, -I, 0]]),
    ({"target": [1], "logits": [[0, -I, 1]]}, [[I, -I, I]]),
    ({"target": [1], "logits": [[0, -I, -I]]}, [[I, -I, 0]]),
    (
        {"target": [1, 0], "logits": [[0, -5000, 1], [0, 1, 2]], "where": [True, False]},
        [[I, -I, I], [0, 0, 0]],
    ),
    (
        {"target": [1, 0], "logits": [[0, -I, 1], [0, 1, 2]], "sample_weight": [1.0, 0.0]},
        [[I, -I, I], [0, 0, 0]],
    ),
]


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")  # Dask computes when asked
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("given", "wanted"), OVERFLOWING)
def test_a_perplexity_beyond_all_bounds_has_no_nan_in_its_gradient(backend, dtype, given, wanted):
    given = {k: np.asarray(x) for k, x in given.items()}
    given["logits"] = given["logits"].astype(dtype)
    value, gradient = backend.run(xent.value_and_grad(xent.perplexity), **given)
    assert value == I
    np.testing.assert_array_equal(gradient, wanted)


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gradient_that_is_due_beside_a_perplexity_that_overflows(backend, dtype):
    """a · exp H, of which exp H alone is beyond the range."""
    z = np.asarray([[0, -720, -705]] if dtype == "float64" else [[0, -95, -80]], dtype)
    value, gradient = backend.run(
        xent.value_and_grad(xent.perplexity), target=np.asarray([1]), logits=z
    )
    assert value == I
    assert_near(gradient[:, 2:], np.exp([[15.0]]), 1024)
    assert_zero(np.isnan(gradient))
