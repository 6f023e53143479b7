"""Autograd through distributions of a few classes: of prediction and probabilities, in every order."""

import pytest
import torch

import xent

# torch's own, of what its compiler and its transforms import.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning"),
]

CLASSES, ENTRIES = 6, 3
DRAW = torch.Generator().manual_seed(3)
LOGITS = torch.randn(4, CLASSES, generator=DRAW, dtype=torch.float64)
INDICES = torch.stack([torch.randperm(CLASSES, generator=DRAW)[:ENTRIES] for _ in range(4)])
WEIGHTS = torch.rand(4, ENTRIES, generator=DRAW, dtype=torch.float64) / 4 + 0.05
FEATURES = torch.randn(4, 2, generator=DRAW, dtype=torch.float64)
WEIGHT = torch.randn(CLASSES, 2, generator=DRAW, dtype=torch.float64)
RESTS = pytest.mark.parametrize("rest", [None, "uniform"])
FORMS = {"logits": LOGITS, "probs": LOGITS.softmax(-1), "log_probs": LOGITS.log_softmax(-1)}


def row(p, rest):
    """Return the rows that entries stand for, as torch differentiates them."""
    t = torch.zeros(4, CLASSES, dtype=p.dtype)
    if rest:
        share = (1 - p.sum(-1, keepdim=True)) / (CLASSES - ENTRIES)
        t = (t + share).scatter(1, INDICES, 0.0)
    return t.scatter_add(1, INDICES, p)


def derivatives(target_of, form, x, p):
    """Return value, gradients, and a product of second derivatives."""
    x, p = (y.clone().requires_grad_() for y in (x, p))
    value = xent.cross_entropy(target_of(p), **{form: x})
    first = torch.autograd.grad(value, (x, p), create_graph=True)
    along = sum((g * torch.cos(torch.arange(g.numel())).reshape(g.shape)).sum() for g in first)
    return value, *first, *torch.autograd.grad(along, (x, p))


@RESTS
@pytest.mark.parametrize("form", FORMS)
def test_derivatives_are_those_of_the_row(form, rest):
    def entries(p):
        return xent.SparseDistribution(INDICES, p, rest)

    got = derivatives(entries, form, FORMS[form], WEIGHTS)
    want = derivatives(lambda p: row(p, rest), form, FORMS[form], WEIGHTS)
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=0)


@RESTS
def test_of_a_linear_head(rest):
    def of(target_of, p):
        inputs = [y.clone().requires_grad_() for y in (FEATURES, WEIGHT, p)]
        features, weight, p = inputs
        loss = xent.linear_cross_entropy(target_of(p), features, weight, reduction="sum")
        return torch.autograd.grad(loss, inputs)

    got = of(lambda p: xent.SparseDistribution(INDICES, p, rest), WEIGHTS)
    for a, b in zip(got, of(lambda p: row(p, rest), WEIGHTS), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=0)


@RESTS
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_of_the_prediction_alone(reduction, rest):
    def of(target):
        x = LOGITS.clone().requires_grad_()
        xent.cross_entropy(target, logits=x, reduction=reduction).sum().backward()
        return x.grad

    got = of(xent.SparseDistribution(INDICES, WEIGHTS, rest))
    torch.testing.assert_close(got, of(row(WEIGHTS, rest)), rtol=1e-12, atol=0)


@RESTS
def test_transforms(rest):
    def loss(x, i, p):
        return xent.cross_entropy(xent.SparseDistribution(i, p, rest), logits=x)

    slopes = torch.func.grad(loss, (0, 2))(LOGITS, INDICES, WEIGHTS)
    want = derivatives(lambda p: row(p, rest), "logits", LOGITS, WEIGHTS)[1:3]
    torch.testing.assert_close(slopes, want, rtol=1e-12, atol=0)
    each = torch.func.vmap(loss)(LOGITS, INDICES, WEIGHTS)
    alone = torch.stack([loss(*some) for some in zip(LOGITS, INDICES, WEIGHTS, strict=True)])
    torch.testing.assert_close(each, alone, rtol=1e-12, atol=0)
    d = [torch.ones_like(LOGITS), torch.full_like(WEIGHTS, 0.5)]
    slope = torch.func.jvp(lambda x, p: loss(x, INDICES, p), (LOGITS, WEIGHTS), tuple(d))[1]
    terms = [a * b for a, b in zip(slopes, d, strict=True)]
    size = sum(x.abs().sum() for x in terms)  # of which the sum is a small difference
    assert abs(slope - sum(x.sum() for x in terms)) <= 1e-14 * size


@RESTS
def test_compiled(rest):
    @torch.compile(fullgraph=True, backend="aot_eager")
    def loss(x, i, p):
        return xent.cross_entropy(xent.SparseDistribution(i, p, rest), logits=x)

    x = LOGITS.clone().requires_grad_()
    value = loss(x, INDICES, WEIGHTS)
    value.backward()
    y = LOGITS.clone().requires_grad_()
    want = xent.cross_entropy(row(WEIGHTS, rest), logits=y)
    want.backward()
    torch.testing.assert_close(value, want, rtol=1e-12, atol=0)
    torch.testing.assert_close(x.grad, y.grad, rtol=1e-12, atol=0)
