"""What a call saves for its derivative is autograd's: freed by the backward pass, and watched."""

import weakref

import pytest
import torch

import xent
from tests.cases import TRIED
from tests.libraries.test_torch_gradients import ALL, tensors

LABELS = [0, 2, 1, 0]


def plain(y, x):
    return xent.cross_entropy(y, logits=x)


def smoothed(y, x):
    return xent.cross_entropy(y, logits=x, label_smoothing=0.1, reduction="sum")


def rows(y, x):
    return xent.cross_entropy(y, logits=x, reduction="none").sum()


def linear(y, x):
    return xent.linear_cross_entropy(y, x, torch.eye(3, requires_grad=True))


def learned(y, x):
    weights = torch.ones(4, requires_grad=True)
    head = torch.eye(3, requires_grad=True)
    return xent.linear_cross_entropy(y, x, head, sample_weight=weights, chunk_bytes=12)


LOSSES = [plain, smoothed, rows, linear, learned]


def parts():
    """Return labels, and a prediction that only the graph of the loss will hold."""
    return torch.tensor(LABELS), torch.ones(4, 3, requires_grad=True) * 1.0


@pytest.mark.parametrize("loss", LOSSES)
def test_a_backward_pass_frees_what_was_saved(loss):
    y, x = parts()
    here, target = weakref.ref(x), weakref.ref(y)
    value = loss(y, x)
    del x, y
    value.backward()
    assert here() is None
    assert target() is None


@pytest.mark.parametrize("case", TRIED, ids=str)
@pytest.mark.parametrize("passes", [1, 2])
def test_every_loss_frees_what_it_saved(case, passes):
    """By the last of its backward passes, whatever stays of the value."""
    given, moving = tensors(case, {})
    made = {k: x.requires_grad_(k in moving) * 1 for k, x in given.items()}
    seen = [weakref.ref(x) for x in made.values()]
    value = case.function(**made).sum()
    del made
    for left in reversed(range(passes)):
        value.backward(retain_graph=left > 0)
    assert all(here() is None for here in seen)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_target_that_was_written_over_is_an_error(loss):
    y, x = parts()
    value = loss(y, x)
    value.backward(retain_graph=True)
    y[:] = 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


@pytest.mark.parametrize(("case", "options"), ALL)
def test_a_second_backward_has_the_bits_of_the_first(case, options):
    """As `gradcheck` asks: also where the first one's gradient was made with the value."""
    for seed in range(3):
        given, _ = tensors(case, options, seed=seed)
        z = given.pop(case.form).requires_grad_()
        draw = torch.Generator().manual_seed(seed)
        for scaled in (False, True):
            value = case.function(**given, **{case.form: z})
            w = torch.rand(value.shape, generator=draw, dtype=value.dtype)
            w = w if scaled else torch.ones_like(w)
            first, second = (
                torch.autograd.grad(value, z, w, retain_graph=again)[0] for again in (True, False)
            )
            assert torch.equal(first, second)
