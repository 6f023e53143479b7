"""torch.compile: a number that is an option becomes dynamic once, and no value is taken for another."""

import numpy as np
import pytest
import torch
from torch._dynamo.utils import counters
from torch.autograd import forward_ad

import xent
from tests.cases import NAMED
from tests.laws.own_numbers import EDGES, OF_PARAMETERS, OWN, PARAMETERS, loss_with
from tests.laws.test_names import KERNELS, ROWS, Times, Y, Z, loss_of
from tests.laws.test_operands import NUMBERS, OF_NUMBERS
from tests.libraries.test_torch_gradients import leaves, tensors
from tests.linear.pairs import NUMBERS as PAIRS
from tests.linear.pairs import pairs
from tests.near import assert_near, largest
from xent._check import numbers
from xent._check import pairs as pairs_numbers

pytestmark = [
    # Of torch's own compiler, about what it traces and what it imports.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
LABELS = NAMED["cross_entropy-labels-logits"]
RTOL = 1e-13


@pytest.fixture(autouse=True)
def _reset():
    torch._dynamo.reset()
    counters.clear()


def compiled_by(function):
    return torch.compile(function, fullgraph=True, backend="aot_eager")


def graphs():
    """Return how often anything was compiled."""
    return counters["stats"]["unique_graphs"]


def value_and_gradient(function, z, number):
    (x,) = leaves({"z": z}, ["z"])
    value = function(x, number)
    return value.detach(), torch.autograd.grad(value.sum(), x)[0]


def of_option(case, option):
    """Return a function of the prediction and a number, and the prediction."""
    given, _ = tensors(case, {})
    z = given.pop(case.form)
    loss = loss_with(case, option)

    def function(z, number):
        return loss(**given, **{case.form: z, option: number})

    return function, z


@pytest.mark.pinned  # 2.11 makes a constant of a number that is reckoned with before a tensor is
@pytest.mark.parametrize(("case", "option"), OF_NUMBERS)
def test_a_number_is_compiled_twice_at_most(case, option):
    """Once as dynamo sees it first, and once for all others."""
    function, z = of_option(case, option)
    compiled = compiled_by(function)
    first, second = NUMBERS[option]
    for number in (first, second, 1.0625 * second, 0.9375 * first, first):
        got = value_and_gradient(compiled, z, number)
        want = value_and_gradient(function, z, number)
        torch.testing.assert_close(got, want, rtol=RTOL, atol=0)
    assert graphs() <= 2


def test_each_number_is_tried():
    rules = {*numbers._RULES, *pairs_numbers._RULES} - {"smoothing", "atol"}  # of no loss
    assert {*NUMBERS, *PARAMETERS} == rules | {"denominator"}
    tried = {name for _, name in OWN} | {name for numbers in PAIRS.values() for name in numbers}
    assert tried == {*PARAMETERS}


@pytest.mark.pinned
@pytest.mark.parametrize(("case", "name"), OF_PARAMETERS)
def test_a_number_of_its_own_is_compiled_twice_at_most(case, name):
    function, z = of_option(case, name)
    compiled = compiled_by(function)
    first, second = PARAMETERS[name]
    edge = [0.0] if name in EDGES else []  # where a branch is another
    for number in (first, second, 1.0625 * second, 0.9375 * first, *edge, first):
        got, want = (value_and_gradient(f, z, number) for f in (compiled, function))
        torch.testing.assert_close(got, want, rtol=RTOL, atol=0)
    assert graphs() <= 2


@pytest.mark.pinned
@pytest.mark.parametrize("loss", ["focal_loss", "poly_loss", "generalized_cross_entropy"])
def test_in_a_second_derivative_too(loss):
    """Which other verbs make, by those of torch."""
    (name,) = (name for of, name in OWN if of == loss)
    product, y, z = xent.hvp(getattr(xent, loss)), torch.asarray(Y), torch.asarray(Z)

    def function(z, number):
        return product(y, logits=z, tangent=torch.cos(z), **{name: number})

    compiled = compiled_by(function)
    first, second = PARAMETERS[name]
    for number in (first, second, 1.0625 * second, first):
        got, want = compiled(z, number), function(z, number)
        assert_near(got.numpy(), want.numpy(), 16, scale=largest(want.numpy()))
    assert graphs() <= 2


@pytest.mark.pinned
@pytest.mark.parametrize(("loss", "name"), [(f, name) for f in PAIRS for name in PAIRS[f]])
def test_a_number_of_pairs_is_compiled_twice_at_most(loss, name):
    a, b = map(torch.asarray, pairs().values())
    others = {k: float(x) for k, x in PAIRS[loss].items() if k != name}

    def function(a, number):
        return loss(a, b, **others, **{name: number})

    compiled = compiled_by(function)
    first, second = PARAMETERS[name]
    for number in (first, second, 1.0625 * second, first):
        got, want = (value_and_gradient(f, a, number) for f in (compiled, function))
        torch.testing.assert_close(got, want, rtol=RTOL, atol=0)
    assert graphs() <= 2


@pytest.mark.pinned
def test_the_number_of_a_kernel_is_compiled_twice_at_most():
    y, z = torch.asarray(Y), torch.asarray(Z)

    @xent.loss(xent.LikelihoodOptions)
    def loss(target, *, logits, factor=1.0, **options):
        kernels = {"logits": Times(factor)}
        return xent.Call(target, {"logits": logits}, kernels, options=options, only="labels")

    compiled = compiled_by(lambda z, factor: loss(y, logits=z, factor=factor))
    for factor in (2.0, 0.5, -1.5, 0.25, 2.0):
        value, g = value_and_gradient(compiled, z, factor)
        assert_near(value.numpy(), factor * np.mean(ROWS))
        want = value_and_gradient(lambda z, _: xent.cross_entropy(y, logits=z), z, None)[1]
        torch.testing.assert_close(g, factor * want, rtol=RTOL, atol=0)
    assert graphs() <= 2


@pytest.mark.parametrize(("case", "option"), OF_NUMBERS)
def test_a_tensor_without_axes_is_a_number(case, option):
    """Compiled once: its value is none of the compiler's."""
    function, z = of_option(case, option)
    compiled = compiled_by(function)
    for number in NUMBERS[option]:
        want = value_and_gradient(function, z, number)
        of_tensor = torch.asarray(number, dtype=z.dtype)
        for f in (function, compiled):
            got = value_and_gradient(f, z, of_tensor)
            torch.testing.assert_close(got, want, rtol=RTOL, atol=0)
    assert graphs() == 1


@pytest.mark.filterwarnings(
    "ignore:There is a performance drop"
)  # torch's own, of what has no rule
@pytest.mark.parametrize(("case", "option"), [*OF_NUMBERS, *OF_PARAMETERS])
def test_a_number_alone_is_mapped(case, option):
    """As in a sweep: the logits are the same for all, and of no transform."""
    function, z = of_option(case, option)
    values = (PARAMETERS | NUMBERS)[option]
    numbers = torch.asarray(values, dtype=z.dtype)
    got = torch.func.vmap(lambda x: function(z, x))(numbers)
    want = torch.stack([function(z, x) for x in values])
    torch.testing.assert_close(got, want, rtol=RTOL, atol=0)
    of_each = torch.func.grad(lambda z, x: function(z, x).sum())
    got = torch.func.vmap(of_each, (None, 0))(z, numbers)
    want = torch.stack([value_and_gradient(function, z, x)[1] for x in values])
    torch.testing.assert_close(got, want, rtol=RTOL, atol=0)


@pytest.mark.parametrize(("case", "option"), OF_NUMBERS)
def test_the_derivative_of_a_number_is_true_or_refused(case, option):
    """Never a silent 0."""
    function, z = of_option(case, option)
    number = torch.asarray(NUMBERS[option][0], dtype=z.dtype)

    x = number.clone().requires_grad_()
    if option != "denominator":
        for prediction in (z, z.clone().requires_grad_()):
            with pytest.raises(TypeError, match=f"{option} requires a gradient"):
                function(prediction, x)
        return
    got = torch.autograd.grad(function(z, x).sum(), x)[0]
    h = 1e-5 * number
    near = [function(z, number + k * h).sum() for k in (-2, -1, 1, 2)]
    want = (8 * (near[2] - near[1]) - (near[3] - near[0])) / (12 * h)
    torch.testing.assert_close(got, want, rtol=2.0**-28, atol=0)


@pytest.mark.parametrize("apart", KERNELS)
def test_losses_of_one_name_in_one_process(apart):
    """Compiled one after another, none of them forgotten."""
    y, z = torch.asarray(Y), torch.asarray(Z)
    for _ in range(2):
        for kernel, slope in KERNELS[apart]:
            loss = loss_of(kernel)
            compiled = compiled_by(lambda z, f=loss: f(y, logits=z, reduction="none"))
            assert_near(compiled(z).numpy(), slope * ROWS)


@pytest.mark.parametrize(("case", "option"), [*OF_NUMBERS, *OF_PARAMETERS])
def test_forward_mode_follows_a_number(case, option):
    """Whatever the logits require: never a silent 0."""
    function, z = of_option(case, option)
    number = torch.asarray((PARAMETERS | NUMBERS)[option][0], dtype=z.dtype)
    h = 1e-5 * number
    near = [function(z, number + k * h).sum() for k in (-2, -1, 1, 2)]
    want = (8 * (near[2] - near[1]) - (near[3] - near[0])) / (12 * h)
    for x in (z, z.clone().requires_grad_()):
        with forward_ad.dual_level():
            value = function(x, forward_ad.make_dual(number, torch.ones_like(number))).sum()
            got = forward_ad.unpack_dual(value).tangent
        torch.testing.assert_close(got.detach(), want, rtol=2.0**-28, atol=0)


def test_rows_that_are_far_apart_under_a_temperature_that_is_mapped():
    """torch differentiates the steps themselves, of which none may be NaN where it is not chosen."""
    t, z = torch.tensor([[0.0, -300, -300]]), torch.tensor([[0.0, 300, -5]])

    def slope(temperature):
        def loss(z):
            return xent.kl_divergence(target_logits=t, logits=z, temperature=temperature)

        return torch.func.grad(loss)(z)

    got = torch.func.vmap(slope)(torch.tensor([1.0, 2.0]))
    torch.testing.assert_close(got[:, 0], torch.tensor([[-1.0, 1, 0], [-0.5, 0.5, 0]]))
