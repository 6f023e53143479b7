"""Weights, soft targets and teachers that are learned with a linear head, a few rows at a time."""

import pytest
import torch

import xent
from tests.near import assert_near, largest
from xent.engines.torch.made import of_logits

N, K, D = 64, 17, 5
BUDGET = 4 * K * 8
"""Bytes of eight rows of logits, of which two are made at a time, and one of a student's and a teacher's."""
GENERATOR = torch.Generator().manual_seed(0)


def drawn(*shape):
    return torch.randn(shape, dtype=torch.float64, generator=GENERATOR)


def positive(*shape):
    return torch.rand(shape, dtype=torch.float64, generator=GENERATOR) + 0.5


LABELS, KEEP = torch.arange(N) * 7 % K, torch.arange(N) % 3 != 0
HEAD = {"features": drawn(N, D), "weight": drawn(K, D), "bias": drawn(K)}
TEACHER = {f"target_{name}": drawn(*x.shape) for name, x in HEAD.items()}
SOFT = {"target": drawn(N, K).softmax(-1)}
MASKED = {"target": LABELS, "where": KEEP, "ignore_index": 2}
CASES = {
    "weighted rows": (
        xent.cross_entropy,
        {**MASKED, "z_loss": 0.1},
        {"sample_weight": positive(N)},
    ),
    "weighted classes": (xent.cross_entropy, MASKED, {"class_weight": positive(K)}),
    "soft": (xent.cross_entropy, {}, SOFT),
    "binary": (xent.binary_cross_entropy, {}, {"sample_weight": positive(N, K), **SOFT}),
    "teacher": (xent.kl_divergence, {"where": KEEP}, TEACHER),
    "both": (xent.jensen_shannon_divergence, {}, {**TEACHER, "sample_weight": positive(N)}),
}
LINEAR = {
    xent.kl_divergence: xent.linear_kl_divergence,
    xent.jensen_shannon_divergence: xent.linear_jensen_shannon_divergence,
}


def of_product(loss):
    """Return the loss of whole logits in float64, which autograd follows."""

    def whole(features, weight, bias, **given):
        if "target_features" in given:
            head = (given.pop(f"target_{name}") for name in HEAD)
            given["target_logits"] = torch.nn.functional.linear(*head)
        return loss(**given, logits=torch.nn.functional.linear(features, weight, bias))

    return whole


def gradients(loss, arrays, dtype, **options):
    leaves = {name: x.to(dtype).clone().requires_grad_() for name, x in arrays.items()}
    value = loss(**leaves, **options)
    return torch.autograd.grad((value * value).sum(), list(leaves.values()))


@pytest.fixture
def rows(monkeypatch):
    """The numbers of rows whose logits are made."""
    made, plain = [], of_logits

    def watched(engine, plan, operands, wide, features, *head):
        made.append(features.shape[0])
        return plain(engine, plan, operands, wide, features, *head)

    monkeypatch.setattr("xent.engines.torch.learned.of_logits", watched)
    return made


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("name", CASES)
def test_a_few_rows_at_a_time(name, reduction, rows):
    """Of half precision the gradients of all rows are added, and rounded then."""
    loss, options, learned = CASES[name]
    arrays, options = {**HEAD, **learned}, {**options, "reduction": reduction}
    linear = LINEAR[loss] if loss in LINEAR else xent.linear_head(loss)
    for dtype, ulps in ((torch.float64, 64), (torch.bfloat16, 1)):
        rounded = {name: x.to(dtype).double() for name, x in arrays.items()}
        wanted = gradients(of_product(loss), rounded, torch.float64, **options)
        got = gradients(linear, arrays, dtype, chunk_bytes=BUDGET, **options)
        for mine, right in zip(got, wanted, strict=True):
            assert mine.dtype == dtype
            unit = torch.finfo(dtype).eps * right.abs().max()
            assert (mine.double() - right).abs().max() <= ulps * unit
        assert max(rows) <= 4  # of float64, or half of it


@pytest.mark.parametrize("frozen", [True, False])
def test_metrics_beside(frozen):
    loss = xent.with_metrics(xent.linear_cross_entropy)
    head = {name: x.clone().requires_grad_(not frozen) for name, x in HEAD.items()}
    share = positive(N).requires_grad_()
    found = [
        loss(LABELS, **head, sample_weight=share, chunk_bytes=budget) for budget in (BUDGET, None)
    ]
    for few, whole in zip(found[0][1], found[1][1], strict=True):
        assert_near(few.detach().numpy(), whole.detach().numpy(), 16)
    leaves = [share] if frozen else [share, *head.values()]
    slopes = [torch.autograd.grad(value, leaves, create_graph=True) for value, _ in found]
    curves = [torch.autograd.grad(sum((g * g).sum() for g in gs), leaves) for gs in slopes]
    for few, whole in (*zip(*slopes, strict=True), *zip(*curves, strict=True)):
        right = whole.detach().numpy()
        assert_near(few.detach().numpy(), right, 64, scale=largest(right))


def test_beside_a_transform_of_something_else():
    """Which a function of autograd has no rule for: there all logits are made."""
    share = positive(N).requires_grad_()

    def value():
        return xent.linear_cross_entropy(LABELS, **HEAD, sample_weight=share, chunk_bytes=BUDGET)

    mapped = torch.func.vmap(lambda t: value() * t)(torch.arange(3.0, dtype=torch.float64))
    (got,), (once,) = (torch.autograd.grad(x, share) for x in (mapped.sum(), value()))
    assert_near(got.numpy(), 3 * once.numpy(), 64, scale=largest(got.numpy()))


def test_autocast():
    """What it rounds is a product: gradients of some rows are still added in float32."""
    n = 4096
    x, w = torch.ones(n, 1), torch.zeros(8, 1, requires_grad=True)
    share = torch.ones(n, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = xent.linear_cross_entropy(
            torch.zeros(n, dtype=torch.int64),
            x,
            w,
            sample_weight=share,
            reduction="sum",
            chunk_bytes=64,
        )
    value.backward()
    assert w.grad[:, 0].tolist() == [n / 8 - n] + [n / 8] * 7


@pytest.mark.parametrize("name", CASES)
def test_twice(name):
    loss, options, learned = CASES[name]
    arrays = {**HEAD, **learned}
    linear = LINEAR[loss] if loss in LINEAR else xent.linear_head(loss)

    def curvature(loss, **options):
        leaves = {name: x.clone().requires_grad_() for name, x in arrays.items()}
        slopes = torch.autograd.grad(
            loss(**leaves, **options), list(leaves.values()), create_graph=True
        )
        return torch.autograd.grad(sum((g * g).sum() for g in slopes), list(leaves.values()))

    wanted = curvature(of_product(loss), **options)
    got = curvature(linear, chunk_bytes=BUDGET, **options)
    for mine, right in zip(got, wanted, strict=True):
        # By the largest of all rows: what each gets is made of sums over them, which may nearly cancel.
        assert_near(mine.numpy(), right.numpy(), 32, scale=right.abs().max().numpy())
