"""A script that imports another class changes in nothing else: arguments, state, company."""

import copy
import inspect
import pickle

import pytest
import torch

import xent.nn.torch as ours
from tests.nn.modules import EXAMPLES, NAMES, SOFT, WEIGHT, Z

CLOSE = {"rtol": 2e-6, "atol": 0}


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def made(name):
    options, x, target = EXAMPLES[name]
    torch.manual_seed(0)  # for the head that one of them makes
    return getattr(ours, name)(**options), x, target


def test_a_star_imports_the_modules_and_nothing_else():
    got: dict[str, object] = {}
    exec("from xent.nn.torch import *", got)
    del got["__builtins__"]
    assert set(got) == set(ours.__all__) == set(NAMES)
    own = {k for k, x in vars(ours).items() if getattr(x, "__module__", "") == ours.__name__}
    assert {name for name in own if not name.startswith("_")} == set(NAMES)


def test_every_module_has_an_example():
    assert {name for name in EXAMPLES if hasattr(torch.nn, name)} == set(NAMES)


def test_arguments_and_state_are_torchs(name, made):
    module = made[0]
    theirs = getattr(torch.nn, name)
    assert isinstance(module, theirs)
    assert inspect.signature(type(module)) == inspect.signature(theirs)
    exact = theirs(**EXAMPLES[name][0])
    assert list(module.state_dict()) == list(exact.state_dict())
    exact.load_state_dict(module.state_dict())
    for own in ("weight", "pos_weight"):
        if hasattr(module, own):
            assert module.double().state_dict()[own].dtype == torch.float64


def test_positional_arguments_are_torchs():
    loss = ours.CrossEntropyLoss(WEIGHT, None, 2, None, "sum", 0.1)
    exact = torch.nn.CrossEntropyLoss(WEIGHT, None, 2, None, "sum", 0.1)
    labels = torch.tensor([0, 2, 1, 1])
    torch.testing.assert_close(loss(Z, labels), exact(Z, labels), **CLOSE)
    with pytest.warns(UserWarning, match="size_average and reduce args will be deprecated"):
        assert ours.BCELoss(size_average=False).reduction == "sum"


def test_what_is_no_tensor_is_refused(made):
    module, x, target = made
    with pytest.raises(TypeError, match=r"target is .*takes|one library"):
        module(x, target.numpy())
    with pytest.raises(TypeError, match=r" is .*takes an? (tensor|array)"):
        module({0}, target)


def test_arguments_that_change_places_are_told_apart(made):
    """And whole numbers in the place of the prediction are not taken for them."""
    module, x, target = made
    whole = torch.ones(x.shape, dtype=torch.int64)
    with pytest.raises(
        TypeError, match=r"input has dtype int64; .*: loss\(input, target\)"
    ) as caught:
        module(whole, x)
    assert "target comes first" not in str(caught.value)
    with pytest.raises(TypeError, match=r"input has dtype int64; it takes .*; cast it$"):
        module(whole, target.to(torch.int64))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies(made, copied):
    module, x, target = made
    assert torch.equal(copied(module)(x, target), module(x, target))


@pytest.mark.filterwarnings("ignore")
def test_compiled_whole(made):
    module, x, target = made
    torch._dynamo.reset()
    compiled = torch.compile(module, fullgraph=True, backend="eager")
    for rows in (4, 3):
        wanted, got = (
            torch.autograd.functional.vjp(lambda z, f=f, n=rows: f(z, target[:n]), x[:rows])
            for f in (module, compiled)
        )
        torch.testing.assert_close(got, wanted, **CLOSE)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's own jacfwd
def test_functional_transforms(made):
    module, x, target = made
    state = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    state = {key: x.detach() for key, x in state.items()}

    def loss(z, t):
        return torch.func.functional_call(module, state, (z, t))

    wanted = torch.autograd.functional.jacobian(lambda z: module(z, target), x)
    for transform in (torch.func.grad, torch.func.jacfwd, torch.func.jacrev):
        torch.testing.assert_close(transform(loss)(x, target), wanted, **CLOSE)
    rows = torch.func.vmap(loss)(x, target)
    singly = torch.stack([module(z, t) for z, t in zip(x, target, strict=True)])
    if module.reduction != "batchmean":
        torch.testing.assert_close(rows, singly.detach(), **CLOSE)


def test_half_precision_keeps_its_digits(name, made):
    module, x, target = made
    target = target.bfloat16() if target.is_floating_point() else target
    x, module = x.bfloat16(), module.bfloat16()
    exact = getattr(torch.nn, name)(**EXAMPLES[name][0]).double()
    exact.load_state_dict(module.state_dict())
    wide = target.double() if target.is_floating_point() else target
    got = module(x, target)
    assert got.dtype == torch.float32
    if name != "SoftMarginLoss":  # whose product is rounded, as torch's
        # A head's logits may be rounded once.
        rtol = 3e-3 if name == "LinearCrossEntropyLoss" else 1e-6
        torch.testing.assert_close(got.double(), exact(x.double(), wide), rtol=rtol, atol=0)


def test_a_label_that_is_ignored_is_refused_beside_distributions():
    for loss in (torch.nn.CrossEntropyLoss, ours.CrossEntropyLoss):
        with pytest.raises((RuntimeError, ValueError), match="ignore_index"):
            loss(ignore_index=1)(Z, SOFT)


def test_an_empty_batch_costs_nothing(made):
    module, x, target = made
    x = x[:0].requires_grad_()
    value = module(x, target[:0])
    value.backward()
    assert value == 0
    assert x.grad.shape == x.shape


@pytest.mark.skipif("LinearCrossEntropyLoss" not in NAMES, reason="torch has it since 2.13")
@pytest.mark.parametrize("out_features", [(), (2,)])
def test_an_input_of_another_width_is_named(out_features):
    """Not the weight, which nobody passed."""
    module = ours.LinearCrossEntropyLoss(4, 3, out_features=out_features)
    with pytest.raises(
        ValueError, match=r"input has shape \(5, 3\); it takes \(\.\.\., 4\)"
    ) as said:
        module(torch.ones(5, 3), torch.zeros(5, dtype=torch.int64))
    assert "weight" not in str(said.value)
