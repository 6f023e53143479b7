"""A linear loss is torch's own of its own samples, and makes no gradient of what is frozen."""

import pytest
import torch
from torch.nn import functional

from tests.derivatives import assert_close
from tests.linear import CE, head, labels_of


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_torchs_own_samples(dtype):
    from torch.testing._internal import common_methods_invocations as made

    tried = 0
    for sample in made.sample_inputs_linear_cross_entropy(None, "cpu", dtype, True):
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
        assert_close(got.detach(), wanted.detach(), 1e-5 if dtype == torch.float32 else 1e-12)
        moving = [y for y in (x, w, bias, target) if y is not None and y.requires_grad]
        pairs = (torch.autograd.grad(y.sum(), moving, allow_unused=True) for y in (got, wanted))
        for mine, right in zip(*pairs, strict=True):
            assert_close(mine, right, 1e-5 if dtype == torch.float32 else 1e-12)
    assert tried > 10


@pytest.mark.parametrize("frozen", [(0,), (1,), (2,), (0, 2), (1, 2)])
def test_only_wanted_gradients_are_made(frozen, monkeypatch):
    from xent.engines import torch as engine

    made, run = [], engine.run

    def seen(*args):
        made.append(run(*args))
        return made[-1]

    monkeypatch.setattr(engine, "run", seen)
    x = [torch.from_numpy(y).requires_grad_(i not in frozen) for i, y in enumerate(head().values())]
    CE(torch.from_numpy(labels_of()), *x).backward()
    ((_, gradients),) = made
    assert {i for i, g in enumerate(gradients) if g is None} == set(frozen)
    assert {i for i, y in enumerate(x) if y.grad is None} == set(frozen)
