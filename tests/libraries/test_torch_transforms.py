"""torch.func, forward mode, checkpoints, autocast and every kind of tensor that torch has."""

import pytest
import torch
from torch.autograd import forward_ad
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vjp, vmap
from torch.utils.checkpoint import checkpoint

import xent
from tests.cases import TRIED
from tests.libraries.derivatives import assert_all_close, assert_close, of
from tests.libraries.test_torch_gradients import leaves, tensors

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")


def problem(case, options=None):
    """Return a loss of its moving tensors alone, and these; the largest loss that makes sense."""
    options = (
        {k: x for k, x in case.options().items() if k != "denominator"}
        if options is None
        else options
    )
    given, moving = tensors(case, options)
    return of(case.function, given, moving), [given[k] for k in moving]


@pytest.mark.parametrize("case", TRIED, ids=str)
def test_every_transform_agrees_with_backward(case):
    function, x = problem(case)

    def number(*y):
        return function(*y).sum()

    which = tuple(range(len(x)))
    y = [z.clone().requires_grad_() for z in x]
    want = torch.autograd.grad(number(*y), y)
    one = torch.ones((), dtype=torch.float64)
    for got in (
        grad(number, which)(*x),
        jacrev(number, which)(*x),
        jacfwd(number, which)(*x),
        vjp(number, *x)[1](one),
        *(vmap(grad(number, which))(*(torch.stack((z, z)) for z in x)) for _ in "1"),
    ):
        shaped = [
            w if g.shape == w.shape else torch.stack((w, w)) for g, w in zip(got, want, strict=True)
        ]
        assert_all_close((number(*x), *got), (number(*x), *shaped))
    slope = sum((w * torch.cos(z)).sum() for w, z in zip(want, x, strict=True))
    assert_all_close(jvp(number, tuple(x), tuple(map(torch.cos, x))), (number(*x), slope))
    with forward_ad.dual_level():
        dual = number(*(forward_ad.make_dual(z, torch.cos(z)) for z in x))
        assert_all_close(forward_ad.unpack_dual(dual), (number(*x), slope))


@pytest.mark.parametrize("case", TRIED, ids=str)
def test_hessians_of_both_orders_of_modes_agree(case):
    function, x = problem(case)
    which = tuple(range(len(x)))

    def number(*y):
        return (function(*y) ** 2).sum()

    forward = hessian(number, which)(*x)
    for other in (jacrev(jacrev(number, which), which), jacrev(jacfwd(number, which), which)):
        assert_all_close(sum(other(*x), ()), sum(forward, ()))


@pytest.mark.parametrize("case", TRIED, ids=str)
def test_own_grad_inside_transforms(case):
    given, _ = tensors(case, {})
    x = given.pop(case.form)

    def slope(y):
        return case.grad(**given, **{case.form: y})

    def value(y):
        return case.function(**given, **{case.form: y}).sum()

    want = grad(value)(x)
    other = {k: torch.stack((y, y)) for k, y in given.items()}
    together = vmap(lambda y, rest: case.grad(**rest, **{case.form: y}))(torch.stack((x, x)), other)
    assert_close(together, torch.stack((want, want)))
    second = hessian(value)(x)
    assert_close(jacrev(slope)(x), second)
    assert_close(jacfwd(slope)(x), second)
    units = torch.eye(x.numel(), dtype=x.dtype).reshape(-1, *x.shape)
    curve = vmap(lambda v: xent.hvp(case.function)(**given, **{case.form: x}, tangent=v))(units)
    assert_close(curve.reshape(second.shape), second)
    y = x.clone().requires_grad_()
    (g,) = torch.autograd.grad((slope(y).square() + 0 * y).sum() / 2, y)
    assert_close(g, torch.tensordot(want, second, want.ndim))


@pytest.mark.parametrize("case", TRIED, ids=str)
def test_graph_that_is_kept_serves_twice(case):
    given, moving = tensors(case, {})
    x = leaves(given, moving)
    value = of(case.function, given, moving)(*x).sum()
    first, second, third = (
        torch.autograd.grad(value, x, retain_graph=True, create_graph=graph)
        for graph in (False, False, True)
    )
    for a, b, c in zip(first, second, third, strict=True):
        assert torch.equal(a, b)
        assert_close(c.detach(), a)
    two = 2 * of(case.function, given, moving)(*x).sum()
    for a, b in zip(torch.autograd.grad(two, x), first, strict=True):
        assert_close(a, 2 * b)


@pytest.mark.parametrize("case", TRIED, ids=str)
def test_modes_without_a_graph(case):
    given, moving = tensors(case, {})
    want = case.function(**given)
    x = leaves(given, moving)
    for mode in (torch.no_grad(), torch.inference_mode()):
        with mode:
            value = of(case.function, given, moving)(*x)
            assert not value.requires_grad
            assert torch.equal(value, want)
    value = of(
        lambda **y: checkpoint(lambda: case.function(**y), use_reentrant=False), given, moving
    )(*x)
    got = torch.autograd.grad(value.sum(), x)
    for a, b in zip(
        got, torch.autograd.grad(of(case.function, given, moving)(*x).sum(), x), strict=True
    ):
        assert torch.equal(a, b)


@pytest.mark.parametrize("case", TRIED, ids=str)
def test_any_memory_layout(case):
    """Not contiguous, expanded, and without rows."""
    given, moving = tensors(case, {}, rows=(2, 3))
    want = of(case.grad, given, [])()
    apart = {k: torch.stack((y, y), -1)[..., 0] for k, y in given.items()}
    x = leaves(apart, moving)
    of(case.function, apart, moving)(*x).sum().backward()
    assert_close(x[moving.index(case.form)].grad, want)
    one = {k: y[:1] for k, y in given.items()}
    wide = {k: y.expand(5, *y.shape[1:]) for k, y in one.items()}
    x = leaves(one, [case.form])
    value = case.function(**{**wide, case.form: x[0].expand(wide[case.form].shape)})
    y = leaves({case.form: wide[case.form].contiguous()}, [case.form])
    again = case.function(**{**wide, case.form: y[0]})
    (g,), (per_row,) = torch.autograd.grad(value.sum(), x), torch.autograd.grad(again.sum(), y)
    assert_close(g, per_row.sum(0, keepdim=True))
    if case.takes("reduction") or case.is_link:
        none = {k: y[:0] for k, y in given.items()}
        x = leaves(none, [case.form])
        case.function(**{**none, case.form: x[0]}, **case.each).sum().backward()
        assert x[0].grad.shape == x[0].shape


def test_a_network_in_functional_form_and_under_autocast():
    torch.manual_seed(0)
    net, x, y = torch.nn.Linear(5, 3), torch.randn(4, 5), torch.tensor([0, 2, 1, 1])
    weights = dict(net.named_parameters())

    def loss(weights, x, y):
        return xent.cross_entropy(y, logits=functional_call(net, weights, (x,)))

    each = vmap(grad(loss), (None, 0, 0))(weights, x, y)
    loss(weights, x, y).backward()
    assert_close(each["weight"].mean(0).detach(), net.weight.grad, 2**-20)
    exact = net.weight.grad.clone()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = net(x)
        assert logits.dtype == torch.bfloat16
        value = xent.cross_entropy(y, logits=logits)
        assert value.dtype == torch.float32
    net.zero_grad()
    value.backward()
    assert_close(net.weight.grad, exact, 2**-6)


def test_a_batch_of_masks_hides_bad_labels():
    """By a mask, and by a label that is ignored; each of the batch as it is alone."""
    y, z = torch.tensor([[0, 9, 2], [1, -100, 0]]), torch.linspace(-1, 1, 24).reshape(2, 3, 4)
    keep = torch.tensor([[True, False, True], [True, False, False]])
    weights = torch.tensor([[1.0, 2, 3], [3, 2, 1]])

    def masked(y, z, keep, w):
        return xent.cross_entropy(y, logits=z, where=keep, sample_weight=w)

    def ignored(y, z, keep, w):
        y = torch.where(keep, y, -100)
        return xent.cross_entropy(y, logits=z, ignore_index=-100, sample_weight=w)

    for loss in (masked, ignored):
        each = vmap(grad(loss, 1))(y, z, keep, weights)
        alone = [grad(loss, 1)(*x) for x in zip(y, z, keep, weights, strict=True)]
        torch.testing.assert_close(each, torch.stack(alone), rtol=2.0**-20, atol=0)
        assert torch.equal(each == 0, ~keep[..., None].expand_as(each))


@pytest.mark.parametrize("form", ["logits", "probs", "log_probs"])
def test_forwards_over_forwards_is_refused(form):
    """Where torch would silently make it 0."""
    x = torch.softmax(torch.tensor([[1.0, 2.0, 4.0]], dtype=torch.float64), -1)
    y = torch.tensor([1])

    def loss(x):
        return xent.cross_entropy(y, **{form: x}, validate=False)

    for f in (lambda x: jvp(loss, (x,), (torch.ones_like(x),))[1], jacfwd(loss)):
        with pytest.raises(NotImplementedError, match=r"jacfwd\(jacrev\(f\)\)"):
            jacfwd(f)(x)
