"""A linear loss is torch's own of its own samples, and makes no gradient of what is frozen."""

import pytest
import torch
from torch.nn import functional

from tests.linear.textbook import CE, head, labels_of, softmax_head
from tests.near import assert_near

ULP = 4
"""Of what rounding a logit does to both, which is most where a loss is small."""


@pytest.mark.pinned  # torch 2.11 has no such samples
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_torchs_own_samples(dtype, seed):
    tried = 0
    for sample in _samples(dtype, seed):
        x, (w, target), options = sample.input, sample.args, dict(sample.kwargs)
        if w.ndim != 2 or x.ndim == 0 or 0 in w.shape:
            continue
        tried += 1
        wanted = functional.linear_cross_entropy(x, w, target, **options)
        options["class_weight"] = options.pop("weight", None)
        bias = options.pop("linear_bias", None)
        if target.is_floating_point() and options.get("reduction", "mean") == "mean":
            options["denominator"] = max(1, target.shape[0]) if target.ndim > 1 else 1
        got = CE(target, x, w, bias, validate=False, **options)
        given = {"target": target, "features": x, "weight": w, "bias": bias, **options}
        scale = softmax_head(**{k: _numbers(y) for k, y in given.items() if y is not None})[1]
        assert_near(got.detach(), wanted.detach(), ULP, scale=scale.value)
        moving = [k for k, y in given.items() if getattr(y, "requires_grad", False)]
        leaves = [given[k] for k in moving]
        pairs = (torch.autograd.grad(y.sum(), leaves, allow_unused=True) for y in (got, wanted))
        for name, mine, right in zip(moving, *pairs, strict=True):
            # A target's derivatives are the losses of its classes: one of them at least is large.
            size = right.abs().max() if name == "target" else getattr(scale, name)
            assert_near(mine, right, ULP, scale=size)
    assert tried > 10


def _samples(dtype, seed):
    from torch.testing._internal import common_methods_invocations as made

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return list(made.sample_inputs_linear_cross_entropy(None, "cpu", dtype, True))


def _numbers(x):
    """Return an argument as the textbook takes it: numbers in float64, labels as they are."""
    if not torch.is_tensor(x):
        return x
    return (x.detach().double() if x.is_floating_point() else x).numpy()


@pytest.mark.parametrize("frozen", [(0,), (1,), (2,), (0, 2), (1, 2)])
def test_only_wanted_gradients_are_made(frozen, monkeypatch):
    from xent.engines import head as heads

    made, run = [], heads.run

    def seen(*args):
        made.append(run(*args))
        return made[-1]

    monkeypatch.setattr(heads, "run", seen)
    x = [torch.from_numpy(y).requires_grad_(i not in frozen) for i, y in enumerate(head().values())]
    CE(torch.from_numpy(labels_of()), *x).backward()
    ((_, gradients),) = made
    assert {i for i, g in enumerate(gradients) if g is None} == set(frozen)
    assert {i for i, y in enumerate(x) if y.grad is None} == set(frozen)
