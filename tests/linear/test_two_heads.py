"""Divergences of two linear heads, of which neither's logits are stored, against a textbook in float64."""

import numpy as np
import pytest

import xent
from tests.linear.test_half import HALF, WITHIN
from tests.linear.textbook import head, run
from tests.near import EPS, assert_near, largest, wide
from xent import _linear

KL, JS = xent.linear_kl_divergence, xent.linear_jensen_shannon_divergence
ROWS, CLASSES, ULP = (3, 4), 19, 64
STUDENT = head(ROWS, classes=CLASSES)
TEACHER = {f"target_{k}": x for k, x in head(ROWS, width=5, classes=CLASSES, seed=7).items()}
NAMES = (*TEACHER, *STUDENT)
WEIGHT = np.random.default_rng(3).uniform(0.5, 2, ROWS)
KEEP = np.arange(12).reshape(ROWS) % 3 != 1
WAYS = {
    "plain": (KL, {}),
    "reverse": (KL, {"reverse": True, "sample_weight": WEIGHT, "where": KEEP, "temperature": 1.75}),
    "skewed": (KL, {"skew": 0.25, "reverse": True, "reduction": "none", "base": 2}),
    "js": (JS, {"beta": 0.3, "where": KEEP, "temperature": 1.25}),
}


MAIN = ("reverse", "js")
"""Ways of rows that are cut and of rows that are whole, for what compiles each of them in seconds."""


def softmax(z):
    a = np.exp(z)
    return a / a.sum(-1, keepdims=True)


def divergence(p, q, reverse=False, skew=0.0, beta=None):
    """Return the divergence of each row, and its derivatives by p and q."""
    if beta is not None:
        m = beta * p + (1 - beta) * q
        d_p, d_q = beta * np.log(p / m), (1 - beta) * np.log(q / m)
        return (p * d_p + q * d_q).sum(-1), d_p, d_q
    a, b = (q, p) if reverse else (p, q)
    m = skew * a + (1 - skew) * b
    d_a, d_b = np.log(a / m) + 1 - skew * a / m, -(1 - skew) * a / m
    rows = (a * np.log(a / m)).sum(-1)
    return (rows, d_b, d_a) if reverse else (rows, d_a, d_b)


def truth(loss, options, **given):
    """Return the value, and the gradients of the student's three and then of the teacher's."""
    options = dict(options)
    if loss is JS:
        options.setdefault("beta", 0.5)
    names = ("reverse", "skew", "beta")
    own = {name: options[name] for name in names if name in options}
    heads = [[given[of + name] for name in STUDENT] for of in ("", "target_")]
    temperature = options.get("temperature", 1.0)
    q, p = (softmax((x @ w.T + b) / temperature) for x, w, b in heads)
    rows, d_p, d_q = divergence(p, q, **own)
    share = options.get("where", True) * options.get("sample_weight", np.ones(rows.shape))
    cost = share * rows / np.log(options.get("base", np.e))
    none = options.get("reduction") == "none"
    share = share if none else share / share.sum()
    gradients = []
    for a, d, (x, w, _) in ((q, d_q, heads[0]), (p, d_p, heads[1])):
        g = a * (d - (a * d).sum(-1, keepdims=True)) / temperature
        g = g * share[..., None] / np.log(options.get("base", np.e))
        flat = g.reshape(-1, CLASSES)
        gradients += [g @ w, flat.T @ x.reshape(len(flat), -1), flat.sum(0)]
    value = cost if none else (share * rows).sum() / np.log(options.get("base", np.e))
    return np.asarray(value), gradients


def hold(got, wanted):
    for mine, right in zip(got, wanted, strict=True):
        assert_near(mine, right, ULP, scale=largest(right))


def poisoned(given, options):
    """Return arrays whose rows that are taken out hold what no loss survives."""
    keep = options.get("where", np.ones(ROWS, bool))[..., None]
    names = ("features", "target_features")
    return given | {name: np.where(keep, given[name], np.nan) for name in names}


@pytest.fixture
def _cut(monkeypatch):
    """Classes cut where even few rows are too long."""
    monkeypatch.setattr(_linear, "FEW", 2)
    monkeypatch.setattr(_linear, "STRIP", 4)


@pytest.mark.usefixtures("_cut")
@pytest.mark.parametrize("way", WAYS)
def test_value_and_gradient(backend, way):
    if backend.library == "jax" and way not in MAIN:
        pytest.skip("compiled in seconds, and of the same lines as the others")
    loss, options = WAYS[way]
    value, gradients = truth(loss, options, **TEACHER, **STUDENT)
    for budget in [1] if backend.is_slow else [1, 1000, None]:
        given = poisoned(TEACHER | STUDENT, options)
        made, slopes = run(backend, loss, **given, **options, chunk_bytes=budget)
        hold((made, *slopes), (value, *gradients[:3]))
        assert_near(backend.run(loss, **given, **options, chunk_bytes=budget), value, ULP)


@pytest.mark.usefixtures("_cut")
@pytest.mark.parametrize("at", [0, CLASSES - 1])
def test_a_teacher_that_is_certain(backend, at):
    """Its one class costs −log q, however near 1 that is and however the classes are cut."""
    given = {k: x[0] if "features" in k else x for k, x in (TEACHER | STUDENT).items()}
    given["target_bias"] = np.where(np.arange(CLASSES) == at, np.inf, given["target_bias"])
    given["bias"] = np.where(np.arange(CLASSES) == at, 9.0, given["bias"])
    z = given["features"] @ given["weight"].T + given["bias"]
    others, q = np.delete(z, at, -1) - z[:, [at]], softmax(z)
    value, gradients = run(backend, KL, **given, chunk_bytes=1)
    assert_near(value, np.log1p(np.exp(others).sum(-1)).mean(), ULP)
    assert_near(gradients[2], (q - np.eye(CLASSES)[at]).mean(0), ULP)


def gradients_of(backend, loss, given, options):
    """Return the gradients of all six arrays by the library's autograd."""
    arrays = [backend.asarray(given[name]) for name in NAMES]
    options = {k: backend.asarray(x) if np.ndim(x) else x for k, x in options.items()}

    def total(*arrays):
        return loss(**dict(zip(NAMES, arrays, strict=True)), **options, chunk_bytes=1).sum()

    if backend.library == "torch":
        leaves = [x.requires_grad_() for x in arrays]
        found = backend.module.autograd.grad(total(*leaves), leaves)
    else:
        found = backend.module.grad(total, argnums=range(6))(*arrays)
    return [backend.numbers(x) for x in (*found[3:], *found[:3])]


@pytest.mark.usefixtures("_cut")
@pytest.mark.parametrize("way", MAIN)
def test_the_teacher_has_gradients_by_autograd(backend, way):
    if str(backend) not in ("torch", "jax"):
        pytest.skip("no autograd, or followed by a compiler elsewhere")
    loss, options = WAYS[way]
    given = poisoned(TEACHER | STUDENT, options)
    wanted = truth(loss, options, **TEACHER, **STUDENT)[1]
    hold(gradients_of(backend, loss, given, options), wanted)


def test_compiled(any_backend):
    if not any_backend.compiles:
        pytest.skip("tried without a compiler before")
    loss, options = WAYS["reverse"]
    value, gradients = truth(loss, options, **TEACHER, **STUDENT)
    made, slopes = run(any_backend, loss, **TEACHER, **STUDENT, **options)
    hold((made, *slopes), (value, *gradients[:3]))


@pytest.mark.parametrize("loss", [KL, JS])
def test_equal_heads(backend, loss):
    same = {f"target_{name}": x for name, x in STUDENT.items()}
    value, gradients = run(backend, loss, **same, **STUDENT)
    for x in (value, *gradients):
        np.testing.assert_array_equal(x, np.zeros_like(x))


@pytest.mark.parametrize("dtype", HALF)
def test_half_precision(backend, dtype):
    """Logits and their difference are in float32; the teacher may be in another dtype than the student."""
    if not backend.has(dtype):
        pytest.skip(f"no {dtype} here")
    student = {k: x.astype(HALF[dtype]) for k, x in STUDENT.items()}
    exact = {k: x.astype(np.float64) for k, x in student.items()}
    for teacher in (np.float32, HALF[dtype]):
        rounded = {k: x.astype(teacher) for k, x in TEACHER.items()}
        wanted = truth(KL, {}, **{k: x.astype(np.float64) for k, x in rounded.items()}, **exact)
        value, gradients = run(backend, KL, **rounded, **student)
        assert value.dtype == np.float32
        np.testing.assert_allclose(value, wanted[0], rtol=WITHIN)
        for g, right in zip(gradients, wanted[1], strict=False):
            assert backend.dtype_of(g) == dtype
            error = np.max(np.abs(wide(g).astype(np.float64) - right))
            assert error <= 4 * EPS[dtype] * np.max(np.abs(right))


def test_curvature(backend):
    """By a complex step of the textbook's gradient, which loses no digit."""
    if str(backend) not in ("numpy", "torch", "jax"):
        pytest.skip("the same lines as on one of these")
    loss, options = KL, {"temperature": 1.75}
    tangent = {k: np.cos(np.arange(x.size)).reshape(x.shape) for k, x in STUDENT.items()}
    moved = {k: x + 1e-30j * tangent[k] for k, x in STUDENT.items()}
    wanted = [g.imag / 1e-30 for g in truth(loss, options, **TEACHER, **moved)[1][:3]]
    given = {k: backend.asarray(x) for k, x in (TEACHER | STUDENT).items()}
    along = tuple(map(backend.asarray, tangent.values()))
    made = xent.hvp(loss)(**given, **options, tangent=along)
    hold([backend.numbers(x) for x in made], wanted)


X, W = np.ones((4, 3)), np.ones((2, 3))


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        ((X, W.T), "target_weight has shape .*pass target_weight.T"),
        ((X, np.ones((5, 3))), "target_features @ target_weight.T has shape .*4, 5.*4, 2"),
        ((X[:3], W), "target_features @ target_weight.T has shape .*3, 2.*4, 2"),
    ],
)
def test_heads_that_do_not_fit(teacher, message):
    with pytest.raises(ValueError, match=message):
        KL(*teacher, X, W)
    with pytest.raises(ValueError, match=r"target_bias has shape \(3,\); it takes \(2,\)"):
        KL(X, W, X, W, target_bias=np.ones(3))
