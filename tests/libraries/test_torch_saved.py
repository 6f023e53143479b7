"""What a call saves for its derivative is autograd's: freed by the backward pass, and watched."""

import weakref

import pytest
import torch

import xent
from tests.cases import TRIED
from tests.libraries.test_torch_gradients import tensors

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
