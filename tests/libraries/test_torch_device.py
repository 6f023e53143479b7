"""Tensors on a device whose compiler writes a program for each plan. Here any tensor lies on such a one."""

import threading
import warnings
from functools import lru_cache, partial

import pytest
import torch

import xent
from tests.backends import Backend
from tests.cases import EVERY, TRIED, in_brief
from tests.libraries.test_torch_unseen import tensors
from tests.near import assert_near, largest
from xent.engines.torch import device, tensor

pytestmark = [
    # torch's own, of what its compiler and its checks of derivatives import.
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
]


class Compiler:
    """A backend that runs a graph as it is, and counts the graphs; or fails."""

    def __init__(self):
        self.graphs, self.failing = 0, False

    def __call__(self, graph, inputs):
        self.graphs += 1
        if self.failing:
            raise NotImplementedError("no such kernel")
        return graph.forward


@pytest.fixture
def compiler(monkeypatch):
    torch._dynamo.reset()
    compiler = Compiler()
    monkeypatch.setattr(tensor, "HOST", "nowhere")
    monkeypatch.setattr(device, "KINDS", ("cpu",))
    monkeypatch.setattr(device, "has_triton", lambda: True)
    monkeypatch.setattr(device, "LEAST", device.WORTH)
    monkeypatch.setattr(device.DEVICE, "program", lru_cache(lambda *key: device.Program()))
    monkeypatch.setattr(device.DEVICE.slower, "said", False)
    monkeypatch.setattr(device.DEVICE, "spent", 0.0)
    monkeypatch.setattr(torch._dynamo, "lookup_backend", lambda name: compiler)
    return compiler


def loss_of(rows, classes=5, **options):
    logits = torch.randn(rows, classes, generator=torch.Generator().manual_seed(rows))
    labels = torch.arange(rows) % classes
    return partial(xent.cross_entropy, labels, logits=logits, **options)


@pytest.mark.parametrize("case", [c for c in TRIED if EVERY or in_brief(c)], ids=str)
def test_every_loss_is_the_same_by_its_program(case, compiler):
    given = case.arguments(rows=(7,), classes=5) | case.options(rows=(7,), classes=5)
    want, slope = Backend.NUMPY.run(case.both, **given)
    here = tensors(given)
    x = here[case.form].clone().requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        value = case.function(**{**here, case.form: x})
        (3 * value.sum()).backward()
        direct, g = case.both(**here)
    assert compiler.graphs
    for got in (value, direct):
        assert_near(Backend.TORCH.numbers(got), want)
    for got, factor in ((x.grad, 3), (g, 1)):
        assert_near(Backend.TORCH.numbers(got), factor * slope, scale=factor * largest(slope))


def test_one_program_has_any_number_of_rows_and_any_numbers(compiler):
    for rows, smoothing in ((7, 0.1), (12, 0.2), (30, 0.3)):
        call = loss_of(rows, label_smoothing=smoothing)
        want = torch.nn.functional.cross_entropy(
            call.keywords["logits"].double(), call.args[0], label_smoothing=smoothing
        )
        assert_near(call().numpy(), want.numpy())
    assert compiler.graphs == 1


def test_losses_do_not_share_a_program(compiler):
    """torch makes eight programs of one code, and no more."""
    for classes in range(2, 15):
        call = loss_of(20, classes)
        want = torch.nn.functional.cross_entropy(call.keywords["logits"].double(), call.args[0])
        assert_near(call().numpy(), want.numpy())
    assert compiler.graphs == 13


def test_a_plan_is_compiled_when_it_was_worth_it(compiler, monkeypatch):
    monkeypatch.setattr(device, "LEAST", device.WORTH // 4)
    call = loss_of(20)
    seen = [call() is not None and compiler.graphs for _ in range(6)]
    assert seen == [0, 0, 0, 1, 1, 1]


def test_all_programs_together_take_no_more_than_some_time(compiler, monkeypatch):
    monkeypatch.setattr(device, "PATIENCE", 1e-9)
    for classes in (3, 4, 5, 3):
        loss_of(20, classes)()
    assert compiler.graphs == 1


def test_without_a_compiler_none_is_asked(compiler, monkeypatch):
    monkeypatch.setattr(device, "has_triton", lambda: False)
    loss_of(20)()
    assert compiler.graphs == 0


def test_what_fails_goes_on_and_is_said_once(compiler):
    compiler.failing = True
    call = loss_of(20)
    want = torch.nn.functional.cross_entropy(call.keywords["logits"].double(), call.args[0]).numpy()
    with pytest.warns(RuntimeWarning, match="NotImplementedError"):
        found = [call()]
    found += [call(), call()]
    loss_of(20, reduction="sum")()  # a second warning would be an error here
    for got in found:
        assert_near(got.numpy(), want)
    assert compiler.graphs == 2


def test_a_mode_sees_each_operation(compiler):
    from torch.utils.flop_counter import FlopCounterMode

    call = loss_of(20)
    with FlopCounterMode(display=False):
        seen = call()
    assert compiler.graphs == 0
    assert_near(seen.numpy(), call().numpy())
    assert compiler.graphs == 1
    with torch.compiler.set_stance("force_eager"):
        loss_of(21, 6)()
    assert compiler.graphs == 1
    with torch.inference_mode(), torch.device("cpu"):
        loss_of(22)()


def test_any_thread_may_be_the_first(compiler):
    call, found = loss_of(20), []
    threads = [threading.Thread(target=lambda: found.append(call())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(map(float, found))) == 1


def test_derivatives_of_every_order_go_by_programs(compiler):
    x = torch.randn(6, 5, dtype=torch.float64, requires_grad=True)
    labels = torch.arange(6) % 5
    loss = partial(xent.cross_entropy, labels)
    assert torch.autograd.gradcheck(lambda z: loss(logits=z), x)
    assert torch.autograd.gradgradcheck(lambda z: loss(logits=z), x)
    jacobian = torch.func.jacrev(lambda z: loss(logits=z, reduction="none"))(x)
    assert_near(
        torch.func.jacfwd(lambda z: loss(logits=z, reduction="none"))(x).detach().numpy(),
        jacobian.detach().numpy(),
    )
    assert compiler.graphs
