"""Second derivatives of linear heads: by differences, by dense Hessians, chunk by chunk."""

import pickle

import numpy as np
import pytest

import xent
from tests.laws.test_finite_differences import STEP
from tests.linear.textbook import BCE, CE, head, labels_of, soft_of
from tests.near import assert_near, assert_same

PERPLEXITY = xent.linear_head(xent.perplexity)
KEPT = np.asarray([True, False, True, True, False, True])
EVERY = {
    "class_weight": np.linspace(0.5, 2, 5),
    "sample_weight": np.linspace(2, 0.5, 6),
    "where": KEPT,
    "label_smoothing": 0.25,
    "softcap": 3.0,
    "z_loss": 0.25,
}
CASES = {
    "labels": (CE, {"target": labels_of()}),
    "every option": (CE, {"target": soft_of(), **EVERY}),
    "each row": (CE, {"target": labels_of(), "reduction": "none"}),
    "binary": (BCE, {"target": soft_of(), "pos_weight": np.linspace(1, 2, 5)}),
    "perplexity": (PERPLEXITY, {"target": labels_of()}),
}


def turned(seed=7):
    """Return a direction of the head."""
    return tuple(head(seed=seed).values())


def by_differences(loss, given, tangent):
    def slope(k):
        moved = {n: x + k * STEP * v for (n, x), v in zip(head().items(), tangent, strict=True)}
        return xent.grad(loss)(**given, **moved)

    four = zip(slope(1), slope(-1), slope(2), slope(-2), strict=True)
    return [(8 * (a - b) - (c - d)) / (12 * STEP) for a, b, c, d in four]


def run(backend, transform, loss, given, tangent, **options):
    """Return a product of a backend as NumPy's arrays."""
    directions = tuple(map(backend.asarray, tangent))
    made = backend.call(transform(loss), **given, **head(), tangent=directions, **options)
    return [backend.numbers(x) for x in made]


def assert_all_near(got, want, ulp):
    scale = max(np.max(np.abs(x)) for x in want)
    for mine, right in zip(got, want, strict=True):
        assert_near(mine, right, ulp, scale=scale)


@pytest.mark.parametrize("chunk_bytes", [None, 64])
@pytest.mark.parametrize("name", CASES)
def test_products_by_differences(backend, name, chunk_bytes):
    if backend.is_slow and (chunk_bytes or name == "each row"):
        pytest.skip("one way of cutting is enough where each takes a compilation")
    loss, given = CASES[name]
    got = run(backend, xent.hvp, loss, given, turned(), chunk_bytes=chunk_bytes)
    assert_all_near(got, by_differences(loss, given, turned()), 2**24)  # 4e-9 of float64


def test_many_chunks_of_rows():
    given = head(rows=(1500,), seed=3)
    tangent = tuple(head(rows=(1500,), seed=4).values())
    target = labels_of(rows=(1500,))
    for transform in (xent.hvp, xent.gauss_newton):
        whole, cut = (
            transform(CE)(target, **given, tangent=tangent, chunk_bytes=n) for n in (1 << 20, 4000)
        )
        assert_all_near(cut, whole, 16)


@pytest.mark.parametrize("name", ["labels", "binary"])
def test_gauss_newton_is_the_curvature_of_the_logits_between_their_derivatives(backend, name):
    loss, given = CASES[name]
    x, weight, bias = head().values()
    dx, turn, shift = turned()
    of_logits = {CE: xent.cross_entropy, BCE: xent.binary_cross_entropy}[loss]
    along = dx @ weight.T + x @ turn.T + shift
    h = xent.hvp(of_logits)(**given, logits=x @ weight.T + bias, tangent=along)
    got = run(backend, xent.gauss_newton, loss, given, turned())
    assert_all_near(got, [h @ weight, h.T @ x, np.sum(h, axis=0)], 16)


def test_where_the_features_stay_the_two_are_the_same():
    still = (None, *turned()[1:])
    given = {"target": labels_of(), **head()}
    full, positive = (f(CE)(**given, tangent=still) for f in (xent.hvp, xent.gauss_newton))
    assert_near(full.weight, positive.weight, 8, scale=np.max(np.abs(full.weight)))
    assert_near(full.bias, positive.bias, 8, scale=np.max(np.abs(full.bias)))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_results_are_as_what_was_given(dtype):
    given = {k: x.astype(dtype) for k, x in head(rows=(2, 3)).items() if k != "bias"}
    tangent = (given["features"], given["weight"], None)
    made = xent.hvp(CE)(labels_of((2, 3)), **given, tangent=tangent)
    exact = [None if x is None else x.astype(float) for x in tangent]
    want = xent.hvp(CE)(labels_of((2, 3)), *exact, tangent=exact)
    assert made.bias is None
    for mine, x, right in zip(made[:2], given.values(), want[:2], strict=True):
        assert (mine.dtype, mine.shape) == (x.dtype, x.shape)
        assert_near(mine, right, 16, scale=np.max(np.abs(right)))


def test_what_is_masked_is_inert():
    given, tangent = {"target": labels_of(), "where": KEPT}, [x.copy() for x in turned()]
    wanted = xent.hvp(CE)(**given, **head(), tangent=tangent)
    spoilt = head()
    spoilt["features"][~KEPT] = tangent[0][~KEPT] = np.nan
    for mine, right in zip(xent.hvp(CE)(**given, **spoilt, tangent=tangent), wanted, strict=True):
        assert_same(mine, right)


def test_what_is_taken():
    given = {"target": labels_of(), **head()}
    for wrong in (np.zeros(3), (None, None), None):
        with pytest.raises(TypeError, match=r"tangent takes \(features, weight, bias\)"):
            xent.hvp(CE)(**given, tangent=wrong)
    with pytest.raises(ValueError, match="tangent has shape"):
        xent.hvp(CE)(**given, tangent=(None, np.zeros((2, 2)), None))
    with pytest.raises(TypeError, match=r"tangent takes \(features, weight, None\)"):
        xent.hvp(CE)(labels_of(), given["features"], given["weight"], tangent=turned())
    with pytest.raises(TypeError, match="no diagonal"):
        xent.grad_and_hessian_diagonal(CE)(**given)
    with pytest.raises(TypeError, match="of any other take hvp"):
        xent.gauss_newton(xent.cross_entropy)([0], logits=np.zeros((1, 2)), tangent=None)


@pytest.mark.parametrize("transform", [xent.hvp, xent.gauss_newton])
def test_pickles(transform):
    function, given = transform(CE), {"target": labels_of(), **head(), "tangent": turned()}
    for a, b in zip(pickle.loads(pickle.dumps(function))(**given), function(**given), strict=True):
        assert_same(a, b)
