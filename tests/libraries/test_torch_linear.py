"""Every transform of torch goes through a linear loss, and each agrees with the whole logits'.

torch's own chunked loss says of itself that none of these works there.
"""

import numpy as np
import pytest
import torch
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vmap
from torch.utils.checkpoint import checkpoint

import xent
from tests.backends import converted
from tests.libraries.derivatives import assert_close
from tests.linear.textbook import BCE, CE, all_options, head, labels_of, soft_of

# Of torch's own: its forward mode still scripts its decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")
N, K, BUDGET = 6, 5, 2 * 5 * 8
DRAW = np.random.default_rng(17)
OPTIONS = {"plain": {}, "every": converted(all_options(DRAW, N, K), torch.from_numpy)}
LOSSES = {
    "labels": (CE, xent.cross_entropy, torch.from_numpy(labels_of())),
    "distributions": (CE, xent.cross_entropy, torch.from_numpy(soft_of())),
    "binary": (BCE, xent.binary_cross_entropy, torch.from_numpy(DRAW.uniform(size=(N, K)))),
}


@pytest.fixture(params=LOSSES)
def kind(request):
    return request.param


@pytest.fixture(params=OPTIONS)
def pair(request, kind):
    """Return a linear loss of (features, weight, bias), the same by its whole logits, and these."""
    ours, whole, target = LOSSES[kind]
    options = OPTIONS[request.param]
    if kind == "binary" and options:
        options = {"pos_weight": options["class_weight"], "label_smoothing": 0.125}

    def chunked(x, w, b, **more):
        return ours(target, x, w, b, **options, **{"chunk_bytes": BUDGET, **more})

    def plain(x, w, b, **more):
        return whole(target, logits=x @ w.T + b, **options, **more)

    return chunked, plain, [torch.from_numpy(x) for x in head().values()]


def leaves(tensors):
    return [x.clone().requires_grad_() for x in tensors]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_backward_with_any_incoming_gradient(pair, reduction):
    results = []
    for function in pair[:2]:
        x = leaves(pair[2])
        value = function(*x, reduction=reduction)
        value.backward(torch.linspace(-1, 3, value.numel(), dtype=value.dtype).reshape(value.shape))
        results.append([value.detach(), *(y.grad for y in x)])
    for got, want in zip(*results, strict=True):
        assert_close(got, want)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_a_second_backward(pair, reduction):
    x = leaves(pair[2])
    value = pair[0](*x, reduction=reduction).sum()
    first = torch.autograd.grad(value, x, retain_graph=True)
    kept = [g.clone() for g in first]
    for factor in (1.0, -3.0, 0.0):
        again = torch.autograd.grad(factor * value, x, retain_graph=True)
        for got, want in zip(again, kept, strict=True):
            assert_close(got, factor * want)
    for got, want in zip(first, kept, strict=True):
        assert torch.equal(got, want)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_derivative_checkers(pair, reduction):
    x = leaves(pair[2])

    def function(*y):
        return pair[0](*y, reduction=reduction)

    assert gradcheck(function, x, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(function, x)


@pytest.mark.parametrize("name", ["grad", "jacrev", "jacfwd", "hessian", "vmap", "jvp", "dual"])
def test_transform(pair, name):
    which = (0, 1, 2)

    def batched(function):
        return vmap(grad(function, which), (0, None, None))

    def dual(function):
        def along(*x):
            with forward_ad.dual_level():
                made = function(*(forward_ad.make_dual(y, y.cos()) for y in x))
                return (forward_ad.unpack_dual(made).tangent,)

        return along

    transform = {
        "grad": lambda f: grad(f, which),
        "jacrev": lambda f: jacrev(lambda *x: f(*x, reduction="none"), which),
        "jacfwd": lambda f: jacfwd(f, which),
        "hessian": lambda f: lambda *x: sum(hessian(f, which)(*x), ()),
        "vmap": batched,
        "jvp": lambda f: lambda *x: jvp(f, x, tuple(map(torch.cos, x))),
        "dual": dual,
    }[name]
    x = list(pair[2])
    if name == "vmap":
        x[0] = torch.stack((x[0], 2 * x[0]))
    for got, want in zip(*(transform(function)(*x) for function in pair[:2]), strict=True):
        assert_close(got, want)


def test_checkpoint(pair):
    x = leaves(pair[2])
    wanted = torch.autograd.grad(pair[0](*x), x)
    got = torch.autograd.grad(checkpoint(pair[0], *x, use_reentrant=False), x)
    assert all(map(torch.equal, got, wanted))


@pytest.mark.filterwarnings("ignore")  # of what the compiler thinks of array-api-compat
def test_compiled_whole(pair):
    torch._dynamo.reset()
    compiled = torch.compile(pair[0], fullgraph=True, backend="aot_eager")
    results = []
    for function in (compiled, pair[1]):
        x = leaves(pair[2])
        value = function(*x)
        results.append([value.detach(), *torch.autograd.grad(value, x)])
    for got, want in zip(*results, strict=True):
        assert_close(got, want)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("how", ["vmap", "compile", "leaves", "inference"])
def test_value_and_grad_inside_everything(how):
    target = LOSSES["labels"][2]
    x, w, b = (torch.from_numpy(y) for y in head().values())

    def both(x, w, b):
        value, g = xent.value_and_grad(CE)(target, x, w, b, chunk_bytes=BUDGET)
        return value, *g

    want = both(x, w, b)
    if how == "vmap":
        got = [y[1] for y in vmap(both, (0, None, None))(torch.stack((2 * x, x)), w, b)]
    elif how == "compile":
        torch._dynamo.reset()
        got = torch.compile(both, fullgraph=True, backend="aot_eager")(x, w, b)
    elif how == "leaves":
        got = [y.detach() for y in both(*leaves((x, w, b)))]
    else:
        with torch.inference_mode():
            got = both(x, w, b)
    for mine, right in zip(got, want, strict=True):
        assert_close(mine, right)


def test_chunks_where_values_may_not_be_looked_at(pair, monkeypatch):
    """As on a GPU, where looking would wait for it."""
    from xent.engines.torch import tensor, values

    monkeypatch.setattr(tensor, "HOST", "nowhere")
    monkeypatch.setattr(values.Plain, "product", None)
    results = []
    for function in pair[:2]:
        x = leaves(pair[2])
        value = function(*x)
        results.append([value.detach(), *torch.autograd.grad(3 * value, x)])
    for got, want in zip(*results, strict=True):
        assert_close(got, want)
