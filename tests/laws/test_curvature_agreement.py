"""Second derivatives are the same on all libraries, compiled or not, and in half precision."""

import pickle
from dataclasses import dataclass

import numpy as np
import pytest

import xent
from tests.cases import CASES, NAMED
from tests.laws.strangers import generalised, squares
from tests.laws.test_dtypes import DTYPES, HALF, cast
from tests.laws.test_finite_differences import assert_derivative, derivative
from tests.near import assert_near, assert_same, assert_zero, wide
from xent.engines import blocks
from xent.kernels import labels

FEW = (
    *("cross_entropy-labels-logits", "perplexity-labels-logits", "log_softmax-nothing-logits"),
    "focal_loss-labels-logits",  # whose γ is an exponent
)
MAIN = NAMED[FEW[0]]
BOTH = xent.grad_and_hessian_diagonal


@pytest.mark.cases(slow=lambda case: str(case) in FEW)
def test_libraries_agree(any_backend, case):
    given = {**case.arguments(seed=5), **case.options()}
    v = np.random.default_rng(6).uniform(-1, 1, given[case.form].shape)
    want, (g, h) = xent.hvp(case.function)(**given, tangent=v), BOTH(case.function)(**given)
    scale = np.max(np.abs(want)) + np.max(np.abs(g))
    assert_near(any_backend.run(xent.hvp(case.function), **given, tangent=v), want, scale=scale)
    if not any_backend.compiles:
        for mine, right in zip(any_backend.run(BOTH(case.function), **given), (g, h), strict=True):
            assert_near(mine, right, scale=scale)


@pytest.mark.parametrize("case", [c for c in CASES if c.takes("reduction")], ids=str)
def test_blocks_are_as_the_whole(monkeypatch, case):
    """Rows of a large array are those of a small one, with the divisor of all of them."""
    size = {"rows": (90,), "classes": 5}
    monkeypatch.setattr(blocks, "BLOCK", 1 << 10)
    given = {**case.arguments(**size), **case.options(**size), "reduction": "sum"}
    given.pop("denominator", None)
    v = np.cos(given[case.form])
    whole = (xent.hvp(case.function)(**given, tangent=v), *BOTH(case.function)(**given))
    rows = {k: x[45:50] if np.shape(x)[:1] == (90,) else x for k, x in given.items()}
    some = (xent.hvp(case.function)(**rows, tangent=v[45:50]), *BOTH(case.function)(**rows))
    for all_rows, few in zip(whole, some, strict=True):
        assert_near(all_rows[45:50], few, scale=np.max(np.abs(few)))
    given["reduction"] = "mean"
    g, h = BOTH(case.function)(**given)
    at = np.unravel_index(np.argmax(np.abs(g)), g.shape)
    ratio = whole[1][at] / g[at]
    assert ratio > 1
    for mean, total in ((xent.hvp(case.function)(**given, tangent=v), whole[0]), (h, whole[2])):
        assert_near(mean * ratio, total, scale=np.max(np.abs(total)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_results_have_the_precision_of_the_prediction(backend, dtype):
    if not backend.has(dtype):
        pytest.skip(f"{backend} has no {dtype}")
    given = MAIN.arguments()
    z = given["logits"].astype(DTYPES[dtype])
    exact = {**given, "logits": wide(z).astype(np.float64)}
    product = xent.hvp(MAIN.function)(**exact, tangent=exact["logits"])
    for mine, right in (
        (backend.call(xent.hvp(MAIN.function), **{**given, "logits": z}, tangent=z), product),
        (
            backend.call(BOTH(MAIN.function), **{**given, "logits": z})[1],
            BOTH(MAIN.function)(**exact)[1],
        ),
    ):
        assert backend.dtype_of(mine) == dtype
        assert_near(backend.numbers(mine), right, 4, scale=np.max(np.abs(right)))


@pytest.mark.parametrize("half", HALF)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_half_precision_is_rounded_once(case, half):
    given = cast(case.arguments(seed=12), half)
    v = cast({"v": np.random.default_rng(13).uniform(-1, 1, given[case.form].shape)}, half)["v"]

    def curves(given, v):
        return (xent.hvp(case.function)(**given, tangent=v), *BOTH(case.function)(**given))

    wider = curves(cast(given, "float32"), v.astype(np.float32))
    for mine, right in zip(curves(given, v), wider, strict=True):
        assert_same(mine, right.astype(DTYPES[half]))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("case", [c for c in CASES if c.takes("where", "sample_weight")], ids=str)
def test_masked_rows_are_inert(case, bad):
    given = case.arguments(seed=16)
    x = given[case.form]
    where = np.asarray([True, False, True])
    where = np.broadcast_to(where[:, None], x.shape) if case.elementwise else where
    v = np.ones_like(x)
    want = (
        xent.hvp(case.function)(**given, where=where, tangent=v),
        *BOTH(case.function)(**given, where=where),
    )
    x[1] = v[1] = bad
    got = (
        xent.hvp(case.function)(**given, where=where, tangent=v),
        *BOTH(case.function)(**given, where=where),
    )
    for mine, right in zip(got, want, strict=True):
        assert_same(mine, right)
        assert_zero(mine[1])


def test_what_is_not_there_has_no_curvature(backend):
    """R4: a class that is masked, or has no probability, beside a target that is certain."""
    eye, z = np.eye(3)[:1], np.asarray([[1.0, -np.inf, 0.5]])
    a = np.asarray([[1.0, 0.0, np.exp(-0.5)]]) / (1 + np.exp(-0.5))
    for target in (eye, np.asarray([0])):
        got = backend.run(BOTH(xent.cross_entropy), target=target, logits=z)[1]
        assert_near(got, a * (1 - a), 4)
        v = np.asarray([[1.0, 1.0, 0.0]])
        got = backend.run(xent.hvp(xent.cross_entropy), target=target, logits=z, tangent=v)
        assert_near(got, a * (v - a[:, :1]), 8)
    q = np.asarray([[0.5, 0.0, 0.5]])
    got = backend.run(BOTH(xent.cross_entropy), target=eye, probs=q)[1]
    assert_same(got, np.asarray([[4.0, 0.0, 0.0]]))


# --- losses of your own ---


@pytest.mark.parametrize(
    ("loss", "target"), [(squares, np.asarray([[1, 0, 1]])), (generalised, np.asarray([2]))]
)
def test_losses_of_your_own(backend, loss, target):
    q, v = np.asarray([[0.5, 0.25, 0.25]]), np.asarray([[1.0, -0.5, 0.25]])
    want = derivative(lambda x: np.sum(xent.grad(loss)(target, x) * v), q)
    got = backend.run(xent.hvp(loss), target=target, probs=q, tangent=v)
    assert_derivative(got, want, 1.0)


@dataclass(frozen=True)
class Squared(labels.FromLogits):
    """The square of the cross entropy of a label."""

    def value(self, xp, s):
        return super().value(xp, s) ** 2

    def gradient(self, xp, logits, label, s, made, w, axis):
        w = 2 * w * super().value(xp, s)
        return super().gradient(xp, logits, label, s, made, w, axis)


@xent.loss(xent.LikelihoodOptions)
def squared(target, logits, **options):
    """Return the square of the cross entropy."""
    return xent.Call(target, {"logits": logits}, {"logits": Squared()}, options=options)


def test_a_gradient_of_its_own_has_not_the_curvature_that_is_inherited():
    z, v, y = np.asarray([[0.5, -1.0, 0.25]]), np.asarray([[1.0, -0.5, 0.25]]), [1]
    want = derivative(lambda x: np.sum(xent.grad(squared)(y, x) * v), z)
    assert_derivative(xent.hvp(squared)(y, z, tangent=v), want, 1.0)
    diagonal = [
        derivative(lambda x, k=k: xent.grad(squared)(y, x)[0, k], z)[0, k] for k in range(3)
    ]
    assert_derivative(BOTH(squared)(y, z)[1], np.asarray([diagonal]), 1.0)


class Strange(labels.Entry):
    """A loss by a function that no verb differentiates."""

    def gradient(self, xp, probs, label, q, made, w, axis):
        return xp.put(xp.zeros_like(probs), label, -w * xp.api.sin(q) * xp.atan(q), axis)


@xent.loss(xent.LikelihoodOptions)
def strange(target, probs, **options):
    """Return nothing of use."""
    return xent.Call(target, {"probs": probs}, {"probs": Strange()}, options=options)


# --- what is taken ---


def test_what_no_verb_differentiates_is_named():
    with pytest.raises(TypeError, match=r"no derivative is known of xp\.(sin|atan)"):
        xent.hvp(strange)([0], np.asarray([[0.5, 0.5]]), tangent=np.ones((1, 2)))


def test_the_direction_is_checked():
    z = np.zeros((2, 3))
    product = xent.hvp(xent.cross_entropy)
    with pytest.raises(ValueError, match=r"tangent has shape"):
        product([0, 1], logits=z, tangent=np.zeros(3))
    with pytest.raises(TypeError, match=r"tangent has dtype int"):
        product([0, 1], logits=z, tangent=np.zeros((2, 3), int))
    with pytest.raises(TypeError, match="tangent"):
        product([0, 1], logits=z)
    assert_same(product([0, 1], logits=z, tangent=z.tolist()), z)


@pytest.mark.parametrize("make", [xent.hvp, BOTH])
@pytest.mark.parametrize("case", [NAMED[name] for name in FEW], ids=str)
def test_pickles(case, make):
    given = case.arguments()
    given |= {"tangent": given[case.form]} if make is xent.hvp else {}
    function = make(case.function)
    for a, b in zip(pickle.loads(pickle.dumps(function))(**given), function(**given), strict=True):
        assert_same(a, b)
