"""torch's autograd: each derivative of each loss in each of its tensors is the textbook's."""

import array_api_compat.torch as xp
import numpy as np
import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

import xent
from tests.backends import converted
from tests.cases import CASES, TRIED
from tests.libraries.derivatives import assert_all_close, assert_close, curvature, of, settings
from tests.libraries.textbook import textbook

# Of torch's own: its forward mode still scripts its decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")
ALL = [
    pytest.param(case, options, id=f"{case}-{'-'.join(options)}")
    for case in CASES
    for options in settings(case)
]

LINKS = (xent.softmax, xent.log_softmax, xent.logsumexp)
KEEP = np.asarray([True, False, True, True, False])


def tensors(case, options, **size):
    """Return the arguments as tensors, and the names of those that have a derivative."""
    given = converted(case.given(options, **size), torch.from_numpy)
    moving = [k for k, x in given.items() if torch.is_tensor(x) and x.is_floating_point()]
    return given, moving


def leaves(given, moving):
    return [given[k].clone().requires_grad_() for k in moving]


def weighted(y):
    """Return a number that each entry of ``y`` enters with another weight."""
    return (y * torch.arange(1, y.numel() + 1).reshape(y.shape)).sum()


@pytest.mark.parametrize(("case", "options"), ALL)
def test_first_and_second_derivatives_are_the_textbooks(case, options):
    given, moving = tensors(case, options)
    results = []
    for function in (case.function, lambda **x: textbook(xp, case, x)):
        x = leaves(given, moving)
        value = of(function, given, moving)(*x)
        first = torch.autograd.grad(weighted(value), x, create_graph=True)
        flat = sum((0 * y).sum() for y in x)  # so that what has no second derivative has 0
        second = torch.autograd.grad(sum(map(weighted, first)) + flat, x)
        results.append([value.detach(), *(g.detach() for g in first), *second])
    assert_all_close(*results)


@pytest.mark.parametrize(("case", "options"), [x for x in ALL if x.values[0] in TRIED])
def test_gradcheck_in_both_modes_and_batched(case, options):
    given, moving = tensors(case, options, rows=(2,), classes=3)
    function, x = of(case.function, given, moving), leaves(given, moving)
    modes = {"check_forward_ad": True, "check_batched_forward_grad": True}
    assert gradcheck(function, x, check_batched_grad=True, **modes)
    assert gradgradcheck(function, x, check_batched_grad=True, check_fwd_over_rev=True)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_own_grad_and_autograd_agree(case):
    given, _ = tensors(case, case.options())
    want = case.grad(**given)
    x = given.pop(case.form).requires_grad_()
    case.function(**given, **{case.form: x}).sum().backward()
    assert_close(x.grad, want)
    assert x.grad.dtype == want.dtype


@pytest.mark.parametrize("case", [c for c in CASES if not c.elementwise], ids=str)
def test_any_axis(case):
    given, moving = tensors(case, {}, rows=(2, 3))
    x = leaves(given, moving)
    want = torch.autograd.grad(
        case.function(**{**given, **dict(zip(moving, x, strict=True))}).sum(), x
    )
    for axis in (0, 1, -2):
        moved = [y.detach().movedim(-1, axis).requires_grad_() for y in x]
        value = case.function(**{**given, **dict(zip(moving, moved, strict=True))}, axis=axis)
        for got, g in zip(torch.autograd.grad(value.sum(), moved), want, strict=True):
            assert_close(got, g.movedim(-1, axis))


def test_third_order():
    """d³/dt³ log(1 + e⁻ᵗ) = −σ(1 − σ)(1 − 2σ), through labels, one-hot rows and a binary target."""
    t = torch.tensor(0.75, dtype=torch.float64, requires_grad=True)
    z = torch.stack((t, 0 * t))
    s = torch.sigmoid(-t.detach())
    want = -s * (1 - s) * (1 - 2 * s)
    for value in (
        xent.cross_entropy(torch.tensor(0), logits=z),
        xent.cross_entropy(torch.tensor([1.0, 0.0]).double(), logits=z),
        xent.binary_cross_entropy(torch.tensor(1.0).double(), logits=t),
        -xent.log_softmax(z)[0],
    ):
        slope = value
        for _ in range(3):
            (slope,) = torch.autograd.grad(slope, t, create_graph=True)
        assert_close(slope.detach(), want)


@pytest.mark.parametrize("link", [xent.sigmoid, xent.log_sigmoid, *LINKS])
def test_derivatives_of_nan_are_nan(link):
    """Of the second order too, where a limit such as torch's clamp would have 0 of it."""
    z = torch.tensor([float("nan"), 0.5], dtype=torch.float64, requires_grad=True)
    slope = link(logits=z)
    for _ in range(2):
        (slope,) = torch.autograd.grad(slope.sum(), z, create_graph=True)
        assert torch.isnan(slope[0])


@pytest.mark.parametrize("target", [1, [0.0, 1.0, 0.0, 0.0], [0.125, 0.5, 0.25, 0.125]])
@pytest.mark.parametrize("logits", [[0.0] * 4, [1.0, 1.0, 0.0, -2.0], [0.5, -1.0, 2.0, 0.0]])
def test_hessian_is_that_of_softmax(target, logits):
    """Also in a tie, where the peak is several classes."""
    y, z = torch.tensor(target), torch.tensor(logits, dtype=torch.float64)
    y = y.double() if y.ndim else y
    want = curvature(np.exp(logits) / np.sum(np.exp(logits)))
    for hessian in (
        torch.func.hessian,
        lambda f: lambda x: torch.autograd.functional.hessian(f, x),
    ):
        for smoothing in (0.0, 0.25):
            given = {"target": y, "label_smoothing": smoothing}
            assert_close(hessian(lambda x, g=given: xent.cross_entropy(**g, logits=x))(z), want)
        assert_close(hessian(xent.logsumexp)(z), want)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("link", LINKS)
def test_classes_that_are_out_have_no_derivative_of_any_order(link, bad):
    """And those that are left have what they would have without the others."""
    z = torch.from_numpy(np.where(KEEP, [0.5, 0.0, -1.0, 2.0, 0.0], bad))
    keep = torch.from_numpy(KEEP)

    def some(x):
        rows = link(x, where=keep)
        return weighted(rows[keep] if rows.ndim else rows)

    def whole(x):
        return weighted(link(x))

    for d in (torch.func.grad, torch.func.jacfwd, torch.func.hessian, of_second_reverse):
        got, want = d(some)(z), d(whole)(z[keep])
        places = np.ix_(*[KEEP] * want.ndim)
        assert_close(got[places], want, scale=1.0)
        assert not np.any(np.delete(got.numpy(), np.flatnonzero(KEEP), axis=0))


def of_second_reverse(f):
    return torch.func.jacrev(torch.func.jacrev(f))


def test_perplexities_of_sequences_are_differentiated_in_both_modes():
    draw = np.random.default_rng(73)
    z, s = (torch.from_numpy(draw.uniform(0.5, 2, n)).requires_grad_() for n in ((2, 2, 3), (2, 2)))
    y = torch.from_numpy(np.asarray([[0, 2], [1, -1]]))

    def function(z, s):
        options = {"sample_weight": s, "label_smoothing": 0.25, "ignore_index": -1}
        return xent.perplexity(y, logits=z, sequence_axis=1, **options)

    assert gradcheck(function, (z, s), check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(function, (z, s), check_fwd_over_rev=True)


@pytest.mark.parametrize("rows", [4, 4000])
def test_logits_that_are_written_over_had_their_gradient(rows):
    """It was made with the value; a further derivative asks for the logits, and says that they are gone."""
    target, logits = torch.arange(rows) % 3, torch.arange(3.0 * rows).sin().reshape(rows, 3)
    want = torch.func.grad(lambda z: xent.cross_entropy(target, logits=z, reduction="mean"))(logits)
    given = logits.clone().requires_grad_()
    kept = given * 1
    value = xent.cross_entropy(target, logits=kept, reduction="mean")
    kept.mul_(0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.grad(value, given, create_graph=True)
    value.backward()
    torch.testing.assert_close(given.grad, want)
