"""Modules are torch's own on torch's own samples for them, and on a grid of all options."""

from itertools import product

import pytest
import torch

import xent.nn.torch as ours
from tests.nn.modules import NAMES, assert_torchs

ULP = 32

REDUCTIONS = ("mean", "sum", "none")
SHAPES = ((5, 4), (4,), (3, 4, 2), (2, 4, 3, 2))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_torchs_own_samples(name):
    from torch.testing._internal import common_modules

    samples = getattr(common_modules, f"module_inputs_torch_nn_{name}")
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = list(samples(None, "cpu", torch.float32, True, True))
        tried = 0
        for sample in made[:: max(1, len(made) // 40)]:
            given, options = sample.constructor_input.args, sample.constructor_input.kwargs
            x, target = sample.forward_input.args
            state = getattr(torch.nn, name)(*given, **options).state_dict()
            if impossible(options, x, target):
                continue
            tried += 1
            if name == "KLDivLoss" and not are_distributions(options, x, target):
                with pytest.raises(ValueError, match=r"probabilities are (at most 0|0 to 1)"):
                    getattr(ours, name)(*given, **options)(x, target)
                size = target.abs()
                x, target = -x.detach().abs(), -size if log_target(options) else size / 10
            options = {**options, "like": state}
            assert_torchs(name, given, x, target, ULP, **options)
    assert tried >= 4


def impossible(options, x, target):
    """Whether torch raises, or all labels are ignored, of which torch's mean is NaN."""
    no_batch = options.get("reduction") == "batchmean" and x.ndim == 0
    ignored = options.get("ignore_index")
    return no_batch or (ignored is not None and bool(torch.all(target == ignored)))


def log_target(options):
    return options.get("log_target", False)


def are_distributions(options, x, target):
    """Whether there are log-probabilities, and probabilities or their logarithms; of NaN nothing is said."""
    beyond = target > 0 if log_target(options) else (target < 0) | (target > 1)
    return not (torch.any(x > 0) or torch.any(beyond))


def draw(shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def of_classes(shape):
    """Return logits, labels of which some are ignored, and distributions."""
    axis = min(1, len(shape) - 1)
    logits, other = draw(shape), draw(shape, 1)
    labels = other.argmax(axis)
    if labels.numel() > 1:
        labels.reshape(-1)[0] = -100
    return logits, labels, other.softmax(axis)


WEIGHT = torch.tensor([0.5, 0.0, 1.0, 3.0])
GRID = list(product(REDUCTIONS, SHAPES))


@pytest.mark.parametrize(("reduction", "shape"), GRID)
def test_classes(reduction, shape):
    logits, labels, soft = of_classes(shape)
    log_q = logits.log_softmax(min(1, len(shape) - 1))
    for weight in (None, WEIGHT):
        assert_torchs("NLLLoss", (weight,), log_q, labels, ULP, reduction=reduction)
        for smoothing, target in product((0.0, 0.3, 1.0), (labels, soft)):
            options = {"reduction": reduction, "label_smoothing": smoothing}
            assert_torchs("CrossEntropyLoss", (weight,), logits, target, ULP, **options)


@pytest.mark.parametrize(("reduction", "shape"), GRID)
def test_elements(reduction, shape):
    logits, _, soft = of_classes(shape)
    hard = soft.round()
    weights = (None, torch.tensor(2.0), draw(shape[-1:], 2).exp(), draw(shape, 3).exp())
    for weight, target in product(weights, (soft, hard)):
        options = {"reduction": reduction, "weight": weight}
        assert_torchs("BCELoss", (), logits.sigmoid(), target, ULP, **options)
        assert_torchs("MultiLabelSoftMarginLoss", (), logits, target, ULP, **options)
        options["pos_weight"] = weights[2] if weight is None else weight
        assert_torchs("BCEWithLogitsLoss", (), logits, target, ULP, **options)
    assert_torchs("SoftMarginLoss", (), 9 * logits, 2 * hard - 1, ULP, reduction=reduction)


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@pytest.mark.parametrize(("reduction", "shape"), [*GRID, *product(["batchmean"], SHAPES)])
def test_divergence(reduction, shape):
    logits, _, soft = of_classes(shape)
    log_q = logits.log_softmax(min(1, len(shape) - 1))
    for log_target, target in ((False, soft), (True, soft.log())):
        options = {"reduction": reduction, "log_target": log_target}
        assert_torchs("KLDivLoss", (), log_q, target, ULP, **options)
