"""Every transform of torch goes through a loss of pairs, and each agrees with that of all logits."""

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend
from torch.autograd import gradcheck, gradgradcheck
from torch.func import grad, hessian, jvp, vmap

import xent
from tests.backends import converted
from tests.libraries.derivatives import assert_close
from tests.linear.pairs import NUMBERS, SIGMOID, SOFTMAX, pairs

pytestmark = pytest.mark.filterwarnings("ignore")  # of what torch's compiler and scripts think
BUDGET = 2 * 6 * 8


def softmax(a, b, temperature):
    z, rows = a @ b.T / temperature, torch.arange(len(a))
    cross_entropy = torch.nn.functional.cross_entropy
    return (cross_entropy(z, rows) + cross_entropy(z.T, rows)) / 2


def sigmoid(a, b, scale, bias):
    signs = 2 * torch.eye(len(a)) - 1
    return -torch.nn.functional.logsigmoid(signs * (scale * a @ b.T + bias)).sum() / len(a)


@pytest.fixture(params=[(SOFTMAX, softmax), (SIGMOID, sigmoid)], ids=["softmax", "sigmoid"])
def both(request):
    """Return a loss of (a, b, numbers), the same of all its logits, and these."""
    loss, whole = request.param

    def ours(a, b, *numbers):
        named = dict(zip(NUMBERS[loss], numbers, strict=True))
        return loss(a, b, **named, chunk_bytes=BUDGET)

    given = converted(pairs() | NUMBERS[loss], torch.from_numpy)
    return ours, whole, list(given.values())


def leaves(tensors):
    return [x.clone().requires_grad_() for x in tensors]


def test_derivative_checkers(both):
    ours, _, given = both
    assert gradcheck(ours, leaves(given), check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(ours, leaves(given))


def test_one_alone_may_be_learned(both):
    """As a temperature is beside towers that are frozen."""
    ours, whole, given = both
    for i, x in enumerate(given):
        one = [*given[:i], x.clone().requires_grad_(), *given[i + 1 :]]
        got, want = (torch.autograd.grad(f(*one), one[i])[0] for f in (ours, whole))
        assert_close(got, want)


TRANSFORMS = {
    "hessian": lambda f, which: lambda *x: sum(hessian(f, which)(*x), ()),
    "jvp": lambda f, _: lambda *x: jvp(f, x, tuple(map(torch.cos, x))),
    "vmap": lambda f, which: (
        lambda a, *x: vmap(grad(f, which), (0, *(None for _ in x)))(torch.stack((a, 2 * a)), *x)
    ),
    "compile": lambda f, which: (
        lambda *x: torch.autograd.grad(
            torch.compile(f, fullgraph=True, backend="aot_eager")(*(x := leaves(x))), x
        )
    ),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transform(both, name):
    ours, whole, given = both
    torch._dynamo.reset()
    which = tuple(range(len(given)))
    results = (TRANSFORMS[name](f, which)(*given) for f in (ours, whole))
    for got, want in zip(*results, strict=True):
        assert_close(got, want)


def test_value_and_grad_inside_transforms(both):
    ours, _, given = both
    loss = SOFTMAX if len(given) == 3 else SIGMOID

    def made(a, b, *numbers):
        value, g = xent.value_and_grad(loss)(a, b, **dict(zip(NUMBERS[loss], numbers, strict=True)))
        return value, *g

    want = ours(*(x := leaves(given))), *torch.autograd.grad(ours(*x), x)
    batched = vmap(made, (0, *(None for _ in given[1:])))
    tried = [x[1] for x in batched(torch.stack((2 * given[0], given[0])), *given[1:])]
    for results in (tried, [x.detach() for x in made(*leaves(given))]):
        for got, right in zip(results, want, strict=True):
            assert_close(got, right.detach())


def test_numbers_compile_nothing_again():
    """Another temperature is the same program; a parameter of half precision has its gradient in that."""
    torch._dynamo.reset()
    count = CompileCounterWithBackend("eager")
    compiled = torch.compile(SOFTMAX, fullgraph=True, backend=count)
    a, b = converted(pairs(), torch.from_numpy).values()
    for temperature in (0.5, 0.25, 0.125, 0.07):
        assert_close(compiled(a, b, temperature=temperature), softmax(a, b, temperature))
    assert count.frame_count <= 2  # the second time it learns that the number may be another
    scale = torch.tensor(0.5, dtype=torch.float16, requires_grad=True)
    SIGMOID(a, b, scale=scale, bias=0).backward()
    assert scale.grad.dtype == torch.float16


def test_products_of_autocast():
    """Inside of it the products are what F.linear makes there: of bfloat16."""
    a, b = (x.float() for x in converted(pairs(), torch.from_numpy).values())
    with torch.autocast("cpu", torch.bfloat16):
        got = SOFTMAX(a, b, temperature=0.5)
    rounded = [x.bfloat16().float() for x in (a / 0.5, b)]
    assert_close(got, SOFTMAX(*rounded, temperature=1.0), rounding=2**-7)
    assert got.dtype == torch.float32
