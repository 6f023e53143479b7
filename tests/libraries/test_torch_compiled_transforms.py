"""torch.compile of torch.func's transforms: one graph, by the rules that they run by without a compiler."""

from dataclasses import dataclass

import pytest
import torch

import xent
from tests.libraries.derivatives import assert_close
from tests.libraries.derivatives import of as bound
from tests.libraries.test_torch_compile import MAIN, WITH, _once, compiled, pytestmark  # noqa: F401 — for all
from tests.libraries.test_torch_gradients import tensors, weighted
from xent.kernels import labels


@pytest.mark.parametrize(
    ("case", "options"), WITH, ids=lambda x: "-".join(x) if isinstance(x, dict) else str(x)
)
def test_transforms_compile(case, options):
    """One inside another, in one graph; the rules are ours, as they are without a compiler."""
    given, moving = tensors(case, options)
    x = [given[k] for k in moving]
    function = bound(case.function, given, moving)
    prediction = moving.index(case.form)

    def loss(*x):
        return weighted(function(*x))

    def transformed(*x):
        first = torch.func.grad(loss, tuple(range(len(x))))
        batches = [torch.stack([y, y]) for y in x]
        _, along = torch.func.jvp(torch.func.vmap(function), tuple(batches), tuple(batches))
        second = torch.func.hessian(loss, prediction)(*x)
        return [*first(*x), *torch.func.vmap(first)(*batches), along, second]

    for got, want in zip(compiled(transformed)(*x), transformed(*x), strict=True):
        assert_close(got, want)


@pytest.mark.parametrize("case", MAIN, ids=str)
def test_transforms_compile_once_for_any_size(case):
    """But `vmap`, of which torch itself takes the size for a constant."""

    def transformed(target, logits, number):
        def loss(x):
            return case.function(target, logits=x, label_smoothing=number)

        given = {"label_smoothing": number, "tangent": logits}
        along = xent.hvp(case.function)(target, logits=logits, **given)
        del given["tangent"]
        diagonal = xent.grad_and_hessian_diagonal(case.function)(target, logits=logits, **given)
        return torch.func.grad(loss)(logits), along, *diagonal

    function = compiled(transformed, dynamic=True)
    for rows, classes, number in ((3, 4, 0.125), (6, 5, 0.25)):
        given, _ = tensors(case, {}, rows=(rows,), classes=classes)
        arguments = given["target"], given["logits"], number
        for got, want in zip(function(*arguments), transformed(*arguments), strict=True):
            assert_close(got, want)


def test_numbers_that_are_tensors_move_in_transforms():
    """With the prediction or alone: of none of them is a derivative 0 because we have no rule for it."""
    z, y = (
        torch.tensor([[2.0, 0.5, -1.0], [0.0, 1.0, 3.0]], dtype=torch.float64),
        torch.tensor([0, 1]),
    )
    cost = -torch.log_softmax(z, -1)
    slope = cost.mean() - cost[[0, 1], y].mean()

    def loss(z, s):
        return xent.cross_entropy(y, logits=z, label_smoothing=s)

    def transformed(z, s):
        both = torch.func.grad(loss, (0, 1))(z, s)[1]
        many = torch.func.vmap(torch.func.grad(loss, 1), (None, 0))(z, torch.stack([s, 2 * s]))
        return both, torch.func.grad(loss, 1)(z, s), *many

    number = torch.tensor(0.25, dtype=torch.float64)
    for x in (z, z.clone().requires_grad_()):
        for got in compiled(transformed)(x, number):
            torch.testing.assert_close(got.detach(), slope, rtol=1e-13, atol=0)
        torch._dynamo.reset()


@dataclass(frozen=True)
class Doubling(labels.FromLogits):
    """A kernel that makes its own field when it is made: of a copy it would be another one."""

    marks: str = "x"

    def __post_init__(self):
        object.__setattr__(self, "marks", 2 * self.marks)

    def value(self, xp, s):
        return len(self.marks) * super().value(xp, s)

    def gradient(self, xp, x, target, s, made, w, axis):
        return super().gradient(xp, x, target, s, made, len(self.marks) * w, axis)


@xent.loss(xent.LikelihoodOptions)
def doubled(target, *, logits, **options):
    return xent.Call(target, {"logits": logits}, {"logits": Doubling()}, {}, options=options)


def test_a_kernel_that_is_more_than_its_fields_stays_what_it_is():
    z, y = torch.tensor([[2.0, 0.5, -1.0]], dtype=torch.float64), torch.tensor([1])
    grad = torch.func.grad(lambda z: doubled(y, logits=z))
    torch.testing.assert_close(compiled(grad)(z), grad(z), rtol=1e-13, atol=0)


def test_a_number_does_not_widen_an_element():
    def loss(z, t):
        return xent.binary_cross_entropy(t, logits=z, label_smoothing=0.125)

    z, t = torch.tensor([0.5, -1.0]), torch.tensor([1.0, 0.0])
    assert compiled(torch.func.vmap(loss))(z, t).dtype == torch.float32
