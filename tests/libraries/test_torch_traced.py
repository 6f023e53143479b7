"""torch.jit.trace, torch.export and make_fx: what was written down holds for other rows and other values."""

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from tests.cases import CLASSES, TRIED
from tests.libraries.derivatives import assert_all_close
from tests.libraries.test_torch_gradients import tensors, weighted

# Of torch's own: its tracers are on their way out, and check what they are told.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Converting a tensor to a Python:torch.jit.TracerWarning"),
]
FIRST = list({case.loss: case for case in reversed(TRIED)}.values())


def function_of(case, options=None):
    """Return a loss of its tensors by position, and its arguments of three rows and of five."""
    options = case.options() if options is None else options
    names = [k for k, x in tensors(case, options)[0].items() if torch.is_tensor(x)]
    sizes = []
    for rows in (3, 5):
        given = tensors(case, options, rows=(rows,))[0]
        sizes.append(tuple(given[k] for k in names))
    numbers = {k: x for k, x in given.items() if k not in names}

    def function(*x, **more):
        return case.function(**dict(zip(names, x, strict=True)), **numbers, **more)

    return function, sizes


@pytest.mark.parametrize("case", TRIED, ids=str)
def test_jit_trace(case):
    """With and without a gradient that is asked for, of which the graph has torch's own."""
    function, (few, many) = function_of(case, {})
    wanted = tuple(x.clone().requires_grad_(x.is_floating_point()) for x in few)
    for given in (few, wanted):
        traced = torch.jit.trace(function, given)
        for x in (few, many):
            torch.testing.assert_close(traced(*x), function(*x), rtol=1e-12, atol=0)
    x = [y for y in wanted if y.requires_grad]
    got, want = (torch.autograd.grad(weighted(f(*wanted)), x) for f in (traced, function))
    torch.testing.assert_close(got, want, rtol=1e-10, atol=0)


@pytest.mark.parametrize("case", [c for c in FIRST if c.form == "logits"], ids=str)
def test_what_is_traced_knows_infinities_and_bad_labels(case):
    """No value of the example is taken for granted."""
    loss, (given, _) = function_of(case, {})

    def function(*x):
        return loss(*x, **case.each)

    traced = torch.jit.trace(function, given)
    z, *target = given
    z = z.clone()
    z[0, 0] = -torch.inf
    z[1] = -torch.inf
    if case.kind == "labels":
        target = [torch.tensor([0, 1, CLASSES])]
    # A transform, which looks at no value either.
    want = torch.func.vmap(function)(*(x[None] for x in (z, *target)))[0]
    torch.testing.assert_close(traced(z, *target), want, equal_nan=True, rtol=1e-12, atol=0)


def laid(x):
    """Return an equal tensor that lies otherwise."""
    return x.mT.contiguous().mT if x.ndim > 1 else torch.stack([x, x], -1)[..., 0]


def gradients(function, given):
    """Return the value, and its derivative in each tensor that has one, 0 where autograd says none."""
    x = [y.clone().requires_grad_(y.is_floating_point()) for y in given]
    value, moving = function(*x), [y for y in x if y.requires_grad]
    found = torch.autograd.grad(weighted(value), moving, allow_unused=True)
    zeros = (torch.zeros_like(y) for y in moving)
    return value.detach(), *(z if g is None else g for z, g in zip(zeros, found, strict=True))


@pytest.mark.parametrize("options", [{}, None], ids=["plain", "options"])
@pytest.mark.parametrize("case", TRIED, ids=str)
def test_export(case, options):
    """Of any number of rows, however they lie; the derivatives are those that autograd makes of the steps."""
    function, (few, many) = function_of(case, options)

    class Module(torch.nn.Module):
        def forward(self, given):
            return function(*given)

    rows = torch.export.Dim("rows", min=2)
    by_row = tuple({0: rows} if x.shape[:1] == (3,) else {} for x in few)
    program = torch.export.export(Module(), (few,), dynamic_shapes=(by_row,)).module()
    for x in (few, many, tuple(map(laid, many))):
        got, want = gradients(lambda *x: program(x), x), gradients(function, x)
        assert_all_close(got, want)


@pytest.mark.parametrize("case", TRIED, ids=str)
def test_make_fx(case):
    """What is written down by the values of an example holds for others: value, and gradient.

    Before autograd torch itself takes the numbers of the example for those that a backward pass needs.
    """
    function, (given, _) = function_of(case, {})
    other = tuple(x.flip(0) for x in given)

    def both(*x):
        return gradients(function, x)

    for mode in ("real", "symbolic"):
        assert_all_close(make_fx(both, tracing_mode=mode)(*given)(*other), both(*other))
    value = make_fx(function, pre_dispatch=True)(*given)(*other)
    assert_all_close([value], [function(*other)])
