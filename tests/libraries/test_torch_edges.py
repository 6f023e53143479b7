"""torch's derivatives where a plain formula's are NaN; small losses; dtypes; what has no derivative."""

import numpy as np
import pytest
import torch
from torch.func import grad, hessian, jacfwd, jacrev

import xent
from tests.backends import converted
from tests.cases import CASES, LOSSES
from tests.libraries.edges import EDGES, arrays, prediction
from tests.near import assert_near

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")


def problem(name):
    """Return the NumPy arguments, a number that is a function of the moving tensors, and these."""
    loss, given = EDGES[name]
    given = arrays(given)
    tensors = converted(given, torch.from_numpy)
    moving = {k: x for k, x in tensors.items() if torch.is_tensor(x) and x.is_floating_point()}

    def number(*x):
        return LOSSES[loss](**{**tensors, **dict(zip(moving, x, strict=True))}).sum()

    return xent.grad(LOSSES[loss])(**given), number, moving


@pytest.mark.parametrize("name", EDGES)
def test_first_derivatives_where_a_formula_has_none(name):
    want, number, moving = problem(name)
    x, which = tuple(moving.values()), tuple(range(len(moving)))
    place = list(moving).index(prediction(moving))
    y = [z.clone().requires_grad_() for z in x]
    for got in (
        grad(number, which)(*x),
        jacfwd(number, which)(*x),
        torch.autograd.grad(number(*y), y),
    ):
        assert not any(g.isnan().any() for g in got)
        assert_near(got[place].numpy(), want, 4)


@pytest.mark.parametrize("name", EDGES)
def test_second_derivatives_where_a_formula_has_none(name):
    _, number, moving = problem(name)
    x, which = tuple(moving.values()), tuple(range(len(moving)))
    place = list(moving).index(prediction(moving))
    forward = hessian(number, which)(*x)
    reverse = jacrev(jacrev(number, which), which)(*x)
    for rows in (forward, reverse):
        assert not any(block.isnan().any() for row in rows for block in row)
    assert_near(forward[place][place].numpy(), reverse[place][place].numpy(), 16, scale=1)


def test_curvature_of_entropy_is_infinite_at_0_and_only_there():
    h = hessian(xent.entropy)(torch.tensor([0.0, 0.5, 0.5]))
    assert torch.equal(h, torch.diag(torch.tensor([-torch.inf, -2, -2])))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_small_losses_keep_their_digits(dtype):
    """2e-9, which is 0 by the usual formulas in float32."""
    z = torch.tensor([[20.0, 0.0]], dtype=dtype)
    small = np.exp(-20.0)
    for target in (torch.tensor([0]), torch.tensor([[1.0, 0.0]], dtype=dtype)):
        x = z.clone().requires_grad_()
        value = xent.cross_entropy(target, logits=x)
        assert_near(value.detach().numpy(), np.log1p(small), 4)
        (g,) = torch.autograd.grad(value, x)
        want = small / (1 + small) * np.array([[-1, 1]])
        for got in (g, xent.grad(xent.cross_entropy)(target, logits=z)):
            assert_near(got.numpy(), want, 4)
        got = hessian(lambda x, t=target: xent.cross_entropy(t, logits=x))(z).reshape(2, 2)
        curve = small / (1 + small) ** 2 * np.array([[1, -1], [-1, 1]])
        assert_near(got.numpy(), curve, 64)
    x = torch.tensor([20.0], dtype=dtype, requires_grad=True)
    (g,) = torch.autograd.grad(xent.binary_cross_entropy(torch.ones(1, dtype=dtype), logits=x), x)
    assert_near(g.numpy(), np.array([-small / (1 + small)]), 4)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_half_precision_gradient_is_rounded_once(case, dtype):
    given = {k: torch.from_numpy(x) for k, x in case.arguments().items()}
    moving = [k for k, x in given.items() if x.is_floating_point()]
    x = [given[k].to(dtype).requires_grad_() for k in moving]
    wide = [y.detach().float().requires_grad_() for y in x]
    for options in ({}, {"z_loss": 0.125})[: 1 + case.takes("z_loss")]:
        got, want = (
            torch.autograd.grad(
                case.function(**{**given, **dict(zip(moving, y, strict=True)), **options}).sum(), y
            )
            for y in (x, wide)
        )
        for a, b in zip(got, want, strict=True):
            assert a.dtype == dtype
            if case.loss not in ("softmax", "log_softmax"):  # differentiated by torch, sum by sum
                assert torch.equal(a, b.to(dtype))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_gradients_of_two_values_are_rounded_once(dtype):
    draw = np.random.default_rng(0)
    y = torch.from_numpy(draw.integers(0, 9, 64))
    half = torch.from_numpy(draw.normal(size=(64, 9))).to(dtype)
    got, want = (
        torch.func.grad(lambda x: sum(values.sum() for values in xent.log_probs(y, logits=x)))(x)
        for x in (half, half.float())
    )
    assert torch.equal(got, want.to(dtype))


def test_incoming_gradient_of_every_row():
    """With other weights than one, and 0 where the loss is infinite."""
    q = torch.tensor([[0.0, 1.0], [0.25, 0.75]], requires_grad=True)
    rows = xent.cross_entropy(torch.tensor([0, 0]), q, reduction="none")
    (g,) = torch.autograd.grad(rows, q, torch.tensor([0.0, 2.0]))
    assert g.tolist() == [[0, 0], [-8, 0]]


@pytest.mark.parametrize("size", [(3, 5), (2000, 700)])
def test_large_arrays_are_differentiated_in_blocks_like_small_ones(size):
    draw = np.random.default_rng(0)
    p = torch.from_numpy(draw.dirichlet(np.ones(size[1]), size[0]))
    z = torch.from_numpy(draw.normal(size=size)).requires_grad_()
    for target in (p, p.argmax(1), p.clone().requires_grad_()):
        value = xent.cross_entropy(target, logits=z, reduction="sum")
        plain = torch.nn.functional.cross_entropy(z, target, reduction="sum")
        inputs = [x for x in (z, target) if x.requires_grad]
        got, want = (torch.autograd.grad(v, inputs) for v in (2 * value, 2 * plain))
        torch.testing.assert_close(got, want, rtol=1e-9, atol=0)
    y = torch.from_numpy(draw.uniform(size=size)).requires_grad_()
    value = xent.binary_cross_entropy(y, logits=z)
    plain = torch.nn.functional.binary_cross_entropy_with_logits(z, y)
    got, want = (torch.autograd.grad(v, [z, y]) for v in (value, plain))
    torch.testing.assert_close(got, want, rtol=1e-9, atol=0)
