"""JAX's transforms: each derivative of each loss in each of its arrays is the textbook's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import xent
from tests.backends import converted
from tests.cases import EVERY, TRIED, in_brief
from tests.libraries.derivatives import assert_all_close, assert_close, curvature, of, settings
from tests.libraries.textbook import textbook

ALL = [
    pytest.param(case, options, id=f"{case}-{'-'.join(options)}")
    for case in TRIED
    if EVERY or in_brief(case)
    if not case.loss.endswith("categorical_cross_entropy")  # the kernels of cross_entropy
    for options in settings(case)[:2][-1:]  # all of them, where it takes any
]
FIRST = {case.loss: case for case in reversed(TRIED)}
MAIN = [FIRST[loss] for loss in ("cross_entropy", "binary_cross_entropy", "softmax")]


def arrays(case, options, **size):
    """Return the arguments as JAX arrays, and the names of those that have a derivative."""
    given = converted(case.given(options, **size), jnp.asarray)
    moving = [k for k, x in given.items() if isinstance(x, jax.Array) and x.dtype.kind == "f"]
    return given, moving


def problem(case, options):
    """Return a number that each entry of the loss enters with another weight, and its arguments."""
    given, moving = arrays(case, options)
    x = tuple(given[k] for k in moving)

    def number(function):
        rows = of(function, given, moving)
        return lambda *y: weighted(rows(*y))

    return number(case.function), number(lambda **y: textbook(jnp, case, y)), x


def weighted(y):
    return jnp.sum(y * jnp.arange(1, y.size + 1).reshape(y.shape))


def derivatives(function, x):
    """Return value, gradient, and the derivatives of a weighted sum of the gradient, of one jit."""
    which = tuple(range(len(x)))

    @jax.jit
    def all_of_them(*x):
        value, first = jax.value_and_grad(function, which)(*x)
        second = jax.grad(lambda *y: sum(map(weighted, jax.grad(function, which)(*y))), which)(*x)
        along = jax.jvp(function, x, tuple(map(jnp.cos, x)))[1]
        both = jax.jvp(jax.grad(function, which), x, tuple(map(jnp.cos, x)))[1]
        return value, *first, *second, along, *both

    return all_of_them(*x)


@pytest.mark.parametrize(("case", "options"), ALL)
def test_first_and_second_derivatives_are_the_textbooks(case, options):
    function, plain, x = problem(case, options)
    assert_all_close(derivatives(function, x), derivatives(plain, x))


@pytest.mark.parametrize("case", MAIN, ids=str)
def test_check_grads_to_the_second_order_in_both_modes(case):
    function, _, x = problem(case, {})
    check_grads(jax.jit(function), x, order=2, modes=("fwd", "rev"), rtol=1e-3, eps=1e-5)


@pytest.mark.parametrize("case", TRIED, ids=str)
def test_own_grad_and_jax_grad_agree(case):
    given, _ = arrays(case, case.options())
    want = case.grad(**given)
    x = given.pop(case.form)
    got = jax.grad(lambda y: case.function(**given, **{case.form: y}).sum())(x)
    assert_close(got, want)
    assert got.dtype == want.dtype


@pytest.mark.parametrize("target", [1, [0.0, 1.0, 0.0, 0.0], [0.125, 0.5, 0.25, 0.125]])
@pytest.mark.parametrize("logits", [[0.0] * 4, [1.0, 1.0, 0.0, -2.0], [0.5, -1.0, 2.0, 0.0]])
def test_hessian_is_that_of_softmax(target, logits):
    """Also in a tie, where the peak is several classes."""
    y, z = jnp.asarray(target), jnp.asarray(logits)
    want = curvature(np.exp(logits) / np.sum(np.exp(logits)))
    for loss in (
        lambda x: xent.cross_entropy(y, logits=x),
        lambda x: xent.cross_entropy(y, logits=x, label_smoothing=0.25),
        xent.logsumexp,
    ):
        for hessian in (jax.hessian, lambda f: jax.jacrev(jax.jacrev(f))):
            assert_close(jax.jit(hessian(loss))(z), want)


def test_third_order():
    t, z = 0.75, jnp.asarray([0.75, 0.0])
    s = 1 / (1 + np.exp(t))
    want = -s * (1 - s) * (1 - 2 * s)
    for function in (
        lambda t: xent.cross_entropy(0, logits=z.at[0].set(t)),
        lambda t: xent.cross_entropy(jnp.asarray([1.0, 0.0]), logits=z.at[0].set(t)),
        lambda t: xent.binary_cross_entropy(jnp.asarray(1.0), logits=t),
        lambda t: -xent.log_softmax(z.at[0].set(t))[0],
    ):
        for d in (jax.grad, jax.jacfwd):
            assert_close(jax.jit(d(d(d(function))))(t), want)


@pytest.mark.parametrize("link", [xent.softmax, xent.log_softmax, xent.logsumexp])
def test_classes_that_are_out_have_no_derivative_of_any_order(link):
    """And those that are left have what they would have without the others."""
    keep = np.asarray([True, False, True, True, False])

    def some(x):
        rows = link(x, where=jnp.asarray(keep))
        return weighted(rows[keep] if rows.ndim else rows)

    def every(f):
        ds = (jax.grad, jax.jacfwd, jax.hessian, lambda f: jax.jacrev(jax.jacrev(f)))
        return jax.jit(lambda x: [d(f)(x) for d in ds])

    there, alone = every(some), every(lambda x: weighted(link(x)))
    for bad in (np.nan, np.inf):
        z = jnp.asarray(np.where(keep, [0.5, 0.0, -1.0, 2.0, 0.0], bad))
        for got, want in zip(there(z), alone(z[keep]), strict=True):
            assert_close(got[np.ix_(*[keep] * want.ndim)], want, scale=1.0)
            assert not np.any(np.delete(got, np.flatnonzero(keep), axis=0))


def test_perplexities_of_sequences_have_the_derivatives_of_their_formula():
    draw = np.random.default_rng(73)
    x = tuple(jnp.asarray(draw.uniform(0.5, 2, n)) for n in ((2, 2, 3), (2, 2)))
    y, keep = jnp.asarray([[0, 2], [1, -1]]), jnp.asarray([[1.0, 1.0], [1.0, 0.0]])

    def function(z, s):
        options = {"sample_weight": s, "ignore_index": -1, "sequence_axis": 1}
        return weighted(xent.perplexity(y, logits=z, **options))

    def plain(z, s):
        hot = jnp.arange(3) == y[..., None]
        rows = jnp.log(jnp.exp(z).sum(-1)) - jnp.where(hot, z, 0.0).sum(-1)
        return weighted(jnp.exp((keep * s * rows).sum(1) / (keep * s).sum(1)))

    assert_all_close(derivatives(function, x), derivatives(plain, x))
