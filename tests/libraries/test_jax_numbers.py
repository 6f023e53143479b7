"""Derivatives with respect to an option that is a number, in JAX: as a class that is masked has none."""

from functools import partial

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

import xent

INF = float("inf")
HOLE = 1
LOGITS, TEACHER = np.asarray([[1.0, -INF, 0.0, -2.0]]), np.asarray([[0.0, -INF, 1.0, 0.5]])
Y, X, ONES = jnp.asarray([0]), jnp.asarray([[0.5, 1.0]]), jnp.ones((4, 2))
P, Q = [[0.5, 0.0, 0.3, 0.2]], [[0.25, 0.0, 0.25, 0.5]]
PROBS = [[0.5, 0.375, 0.125]]


def of_logits(loss, **options):
    """Return a function of a number's name and value, and of which classes are there."""

    def value(name, x, keep):
        z = jnp.asarray(LOGITS)[:, keep]
        return jnp.sum(loss(jnp.asarray(P)[:, keep], logits=z, **{name: x}, **options))

    return value


def of_teacher(loss, **options):
    def value(name, x, keep):
        t, z = (jnp.asarray(y)[:, keep] for y in (TEACHER, LOGITS))
        return jnp.sum(loss(target_logits=t, logits=z, **{name: x}, **options))

    return value


def of_probs(loss, *rows):
    def value(name, x, keep):
        return jnp.sum(loss(*(jnp.asarray(y)[:, keep] for y in rows), **{name: x}))

    return value


def of_token(which, name, x, keep):
    made = xent.log_probs(Y, logits=jnp.asarray(LOGITS)[:, keep], **{name: x})
    return jnp.sum(made[which])


def of_head(name, x, keep):
    head = X, ONES[keep], jnp.asarray(LOGITS)[0, keep]
    return jnp.sum(xent.linear_log_probs(Y, *head, **{name: x}).log_prob)


KL, JS = xent.kl_divergence, xent.jensen_shannon_divergence
FUNCTIONS = {
    "kl-temperature": of_logits(KL),
    "teacher-temperature": of_teacher(KL),
    "reversed-temperature": of_teacher(KL, reverse=True),
    "skewed-temperature": of_teacher(KL, skew=0.25),
    "teacher-skew": of_teacher(KL),
    "js-temperature": of_teacher(JS),
    "js-beta": of_teacher(JS),
    "log_prob-temperature": lambda *given: of_token(0, *given),
    "entropy-temperature": lambda *given: of_token(1, *given),
    "head-temperature": of_head,
    "renyi_divergence-order": of_probs(xent.renyi_divergence, P, Q),
    "renyi_entropy-order": of_probs(xent.renyi_entropy, P),
    "tsallis_divergence-order": of_probs(xent.tsallis_divergence, P, Q),
    "tsallis_entropy-order": of_probs(xent.tsallis_entropy, P),
}
VALUES = {"temperature": 2.0, "skew": 0.5, "beta": 0.25, "order": 0.5}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("made", [jax.grad, jax.jacfwd, lambda f: jax.jit(jax.grad(f))])
def test_a_masked_class_takes_no_part(name, made):
    option = name.split("-")[1]
    function, x, every = FUNCTIONS[name], VALUES[option], np.arange(4)
    got = made(lambda x: function(option, x, every))(x)
    some = np.delete(every, HOLE)
    want = made(lambda x: function(option, x, some))(x)
    assert float(want) != 0
    np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("name", ["cross_entropy", "log_prob", "head"])
def test_a_softcap_makes_a_large_logit_of_it(name):
    function = {
        "cross_entropy": lambda z, cap: xent.cross_entropy(P, logits=z, softcap=cap),
        "log_prob": lambda z, cap: xent.log_probs(Y, logits=z, softcap=cap).log_prob[0],
        "head": lambda z, cap: xent.linear_cross_entropy(Y, X, ONES, z[0], softcap=cap),
    }[name]
    got, want = (
        jax.grad(partial(function, jnp.asarray(np.maximum(LOGITS, least))))(5.0)
        for least in (-INF, -1e300)
    )
    assert float(want) != 0
    np.testing.assert_allclose(got, want, rtol=1e-12)


def test_nor_does_a_row_that_is_left_out():
    p, q = jnp.asarray([[0.0, 1.0], [0.4, 0.6]]), jnp.asarray([[1.0, 0.0], [0.5, 0.5]])

    def value(order, rows, **options):
        return jnp.sum(xent.renyi_divergence(p[rows], q[rows], order=order, **options))

    some = jax.grad(lambda x: value(x, slice(None), where=jnp.asarray([False, True])))(2.0)
    np.testing.assert_allclose(some, jax.grad(lambda x: value(x, slice(1, 2)))(2.0), rtol=1e-12)


def power_sum(order, q):
    p = [mpmath.mpf(x) for x in PROBS[0]]
    return sum(a**order * mpmath.mpf(b) ** (1 - order) for a, b in zip(p, q, strict=True))


ALIKE, OTHER = [1.0] * 3, [0.25, 0.5, 0.25]
OF_ORDER = {
    "renyi_entropy": lambda a: mpmath.log(power_sum(a, ALIKE)) / (1 - a),
    "renyi_divergence": lambda a: mpmath.log(power_sum(a, OTHER)) / (a - 1),
    "tsallis_entropy": lambda a: (1 - power_sum(a, ALIKE)) / (a - 1),
    "tsallis_divergence": lambda a: (power_sum(a, OTHER) - 1) / (a - 1),
}


@pytest.mark.parametrize("name", OF_ORDER)
@pytest.mark.parametrize(
    ("order", "rtol"),
    [(0.4, 1e-13), (1.0, 1e-13), (1 + 1e-9, 1e-8), (1 + 1e-3, 1e-10), (1.5, 1e-13), (3.0, 1e-13)],
)
def test_an_order_has_its_derivative_at_1_too(name, order, rtol):
    rows = [PROBS] if "entropy" in name else [PROBS, [OTHER]]
    got = jax.grad(lambda x: jnp.sum(getattr(xent, name)(*map(jnp.asarray, rows), order=x)))(order)
    with mpmath.workdps(150):
        want = mpmath.diff(OF_ORDER[name], mpmath.mpf(order) + mpmath.mpf(10) ** -30)
    np.testing.assert_allclose(got, float(want), rtol=rtol)


@pytest.mark.parametrize("cap", [0.5, 5.0, 50.0])
@pytest.mark.parametrize("size", [0.01, 1.0])
def test_a_wide_softcap_has_a_derivative_to_its_digits(cap, size):
    logits = np.asarray([1.0, -2.0, 0.5], np.float32) * np.float32(size)

    def value(c):
        z = [c * mpmath.tanh(mpmath.mpf(float(x)) / c) for x in logits]
        return mpmath.log(mpmath.fsum(map(mpmath.exp, z))) - z[0]

    def loss(c):
        return xent.cross_entropy(Y, logits=jnp.asarray(logits)[None], softcap=c)

    with mpmath.workdps(50):
        want = float(mpmath.diff(value, mpmath.mpf(cap)))
    np.testing.assert_allclose(jax.grad(loss)(jnp.float32(cap)), want, rtol=2e-6)
