"""A number that is an option is an operand of JAX: it compiles nothing again, and may be traced."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import xent
from tests.backends import converted
from tests.cases import NAMED
from tests.laws.own_numbers import OF_PARAMETERS, PARAMETERS, loss_with
from tests.laws.test_names import Times, loss_of
from tests.laws.test_operands import NUMBERS, OF_NUMBERS, numbers_of
from tests.libraries.derivatives import assert_close
from tests.linear.textbook import head
from tests.near import assert_near
from xent.engines.jax import engine, linear

CACHES = {
    "value": engine._value,
    "value and gradient": engine._value_and_gradient,
    "linear value": linear.value,
    "linear value and gradients": linear.value_and_gradients,
    "call": engine._call,
    "part": engine._compiled,
}
LABELS = NAMED["cross_entropy-labels-logits"]
STEP = 1e-5


def sizes():
    return {name: cache._cache_size() for name, cache in CACHES.items()}


def arguments(case):
    return converted(case.arguments(seed=63), jnp.asarray)


@pytest.mark.parametrize(("case", "option"), OF_NUMBERS)
def test_another_number_compiles_nothing(case, option):
    given = arguments(case)
    first, second = NUMBERS[option]
    for x in (first, np.float64(first)):
        case.both(**given, **{option: x})
        case.function(**given, **{option: x})
    before = sizes()
    for x in (second, np.float64(second), 1.0625 * second):
        case.both(**given, **{option: x})
        case.function(**given, **{option: x})
    assert sizes() == before


@pytest.mark.parametrize("option", [*numbers_of(LABELS), "factor"])
def test_nor_does_it_for_a_linear_head(option):
    draw = np.random.default_rng(64)
    x, w = jnp.asarray(draw.normal(size=(6, 3))), jnp.asarray(draw.normal(size=(4, 3)))
    y = jnp.asarray(draw.integers(0, 4, 6))

    def run(number):
        loss, options = xent.cross_entropy, {option: number}
        if option == "factor":
            loss, options = loss_of(Times(number)), {}
        head = xent.linear_head(loss)
        return head(y, x, w, **options), *xent.value_and_grad(head)(y, x, w, **options)

    first, second = NUMBERS.get(option, (2.0, 0.5))
    run(first)
    before = sizes()
    run(second)
    run(1.0625 * second)
    assert sizes() == before


def test_nor_does_the_number_of_a_kernel():
    given = arguments(LABELS)

    def run(factor):
        return xent.value_and_grad(loss_of(Times(factor)))(**given), loss_of(Times(factor))(**given)

    run(2.0)
    before = sizes()
    for factor in (0.0, 3, -1.5, np.float32(0.5)):
        run(factor)
    assert sizes() == before


def derivatives(f, x):
    """Return the derivative of ``f`` forwards and backwards, and by differences: one program."""
    h = STEP * x

    @jax.jit
    def all_of_them(x):
        return jax.jacfwd(f)(x), jax.grad(f)(x), jax.lax.map(f, x + h * jnp.asarray([-2, -1, 1, 2]))

    *both, (before, below, above, after) = all_of_them(x)
    return both, (8 * (above - below) - (after - before)) / (12 * h)


@pytest.mark.parametrize(("case", "option"), OF_NUMBERS)
def test_a_traced_number(case, option):
    given = arguments(case)
    compiled = jax.jit(lambda x: case.both(**given, **{option: x}))
    for x in NUMBERS[option]:
        for got, want in zip(compiled(x), case.both(**given, **{option: x}), strict=True):
            assert_close(got, want)
    assert compiled._cache_size() == 1


@pytest.mark.parametrize(("case", "option"), OF_NUMBERS)
def test_the_derivative_of_a_number_is_true_or_refused(case, option):
    """Never a silent 0."""
    given = arguments(case)

    def f(x):
        return jnp.sum(case.function(**given, **{option: x}))

    x = NUMBERS[option][0]
    if (case.kind, case.form, option) == ("labels", "logits", "label_smoothing"):
        with pytest.raises(TypeError, match="no gradient with respect to its target"):
            derivatives(f, x)
        return
    both, want = derivatives(f, x)
    assert want != 0
    for got in both:
        assert_near(got, want, 2.0**24)  # of differences of the fourth order


def test_the_derivative_of_a_kernels_number():
    given = arguments(LABELS)
    want = LABELS.function(**given)
    for transform in (jax.grad, jax.jacfwd, lambda f: jax.jit(jax.grad(f))):
        got = transform(lambda factor: loss_of(Times(factor))(**given))(2.0)
        assert_near(got, want)


@pytest.mark.parametrize(("case", "name"), OF_PARAMETERS)
def test_a_traced_number_beside_arrays_of_numpy(case, name):
    """As by `vmap` over a parameter, of data that stay as they are."""
    given, loss = case.arguments(seed=66), loss_with(case, name)
    first, second = PARAMETERS[name]
    wanted = [loss(**given, **{name: x}) for x in (first, second)]
    got = jax.vmap(lambda x: loss(**given, **{name: x}))(jnp.asarray([first, second]))
    for x, want in zip(got, wanted, strict=True):
        assert_close(x, want)
    assert_close(jax.jit(lambda x: loss(**given, **{name: x}))(first), wanted[0])


def test_a_traced_number_of_a_linear_head_beside_arrays_of_numpy():
    given = {k: np.asarray(x) for k, x in head((4,), 3, 5).items()}
    focal = xent.linear_head(xent.focal_loss)
    y = np.arange(4)
    want = focal(y, **given, gamma=2.0)
    assert_close(jax.jit(lambda x: focal(y, **given, gamma=x))(2.0), want)


def test_a_traced_number_of_a_part_beside_arrays_of_numpy():
    z, y = np.linspace(-1.0, 1.0, 12).reshape(4, 3), np.arange(4) % 3
    part = xent.part(xent.focal_loss)

    def value(number):
        whole = part(y, logits=z, first=0, classes=3, gamma=number)
        return whole.merged([whole.statistics]).value()

    assert_close(jax.jit(value)(2.0), value(2.0))


def test_arrays_that_are_traced_beside_others_that_are_not():
    """The values that are there are checked, and no other is looked at."""
    given = LABELS.arguments(seed=65)
    options = LABELS.options(seed=65)
    for name in ("class_weight", "sample_weight", "where", "denominator"):
        for form in ("logits", "probs"):
            case = NAMED[f"cross_entropy-labels-{form}"]
            given = arguments(case)
            want = case.function(**given, **{name: jnp.asarray(options[name])})
            made = jax.jit(lambda x, c=case, g=given, n=name: c.function(**g, **{n: x}))
            assert_close(made(jnp.asarray(options[name])), want)


@pytest.mark.parametrize(("case", "option"), [*OF_NUMBERS, *OF_PARAMETERS])
def test_a_number_that_is_closed_over(case, option):
    """An array of JAX that no trace follows is read by none of its steps."""
    given, number = arguments(case), jnp.asarray((PARAMETERS | NUMBERS)[option][0])
    z = given.pop(case.form)

    def function(z):
        return loss_with(case, option)(**given, **{case.form: z, option: number}).sum()

    assert jax.eval_shape(jax.grad(function), z).shape == z.shape


def in_parts(labels, smoothing, places=(0, 2)):
    """Return the parts of two classes each, and the value and the gradients that they have of their rows."""
    make, z = xent.part(xent.cross_entropy), jnp.asarray([[0.5, -2.0, 1.0, 3.0]] * len(labels))
    given = {"classes": 4, "label_smoothing": smoothing, "z_loss": 0.5 * smoothing}
    parts = [make(labels, logits=z[:, i : i + 2], first=i, **given) for i in places]
    every = [part.statistics for part in parts]
    return parts, [part.merged(every).value_and_gradient() for part in parts]


def test_a_part_compiles_nothing_for_other_labels_numbers_and_places():
    labels = jnp.asarray([0, 3])
    in_parts(labels, 0.125)
    before = sizes()
    in_parts(labels[::-1], 0.25)
    assert sizes() == before


def test_a_part_is_a_tree_of_arrays():
    """So it goes into a jitted function, and out of one."""
    parts, wanted = in_parts(jnp.asarray([0, 3]), 0.125)
    every = jnp.stack([part.statistics for part in parts])
    for part, (value, gradient) in zip(parts, wanted, strict=True):
        whole = jax.jit(lambda p, every: p.merged(every))(part, every)
        assert_near(whole.value(), value, 1)
        assert_near(whole.gradient(), gradient, 1)
