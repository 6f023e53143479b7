"""Small tensors are computed by NumPy, in the same memory: what comes back is torch's, and the caller's."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import xent
from tests.cases import TRIED
from tests.libraries.test_torch_gradients import tensors
from xent.engines.torch import lent


class Own(torch.Tensor):
    """A tensor that results are to be, too."""


@pytest.fixture(autouse=True)
def lends(_lent, monkeypatch):
    """Whatever the other tests' turn is."""
    monkeypatch.setattr(lent, "BYTES", 1 << 15)


@pytest.fixture
def given(monkeypatch):
    """Whether NumPy was lent the tensors, call by call."""
    made, views = [], lent._views
    monkeypatch.setattr(lent, "_views", lambda *of: made.append(views(*of)) or made[-1])
    return lambda: [x is not None for x in made]


@pytest.mark.parametrize("case", TRIED, ids=str)
def test_every_loss_of_small_tensors_is_numpys(case, given):
    """And what it returns shares no memory with what was lent, and may be written to."""
    arrays, _ = tensors(case, {})
    with torch.no_grad():
        value, g = xent.value_and_grad(case.function)(**arrays)
        rows = case.function(**arrays)
    assert given() == [True, True]
    for made in (value, g, rows):
        assert type(made) is torch.Tensor
        assert made.numpy().flags.writeable
        assert not any(np.shares_memory(made.numpy(), x.numpy(force=True)) for x in arrays.values())


@pytest.mark.parametrize(
    ("dtype", "numbers"),
    [("float32", 1 << 13), ("float64", 1 << 12), ("float16", 1 << 13), ("bfloat16", 1 << 13)],
)
def test_many_numbers_are_torchs_and_few_of_each_dtype_numpys(dtype, numbers, given):
    """Of half precision as many as of float32, which they are lent in."""
    for rows, lent_too in ((numbers // 4 - 1, True), (numbers // 4, False)):
        logits = torch.zeros(rows, 4, dtype=getattr(torch, dtype))
        value = xent.cross_entropy(torch.zeros(rows, dtype=torch.int64), logits=logits)
        assert given()[-1] == lent_too
        np.testing.assert_allclose(value, np.log(4), rtol=1e-6)


@pytest.mark.parametrize("logits", [torch.zeros(1, 3).expand(2, 3), torch.zeros(3, 2).T])
def test_a_gradient_lies_as_torchs_of_logits_in_another_order(logits, given):
    g = xent.grad(xent.cross_entropy)(torch.tensor([0, 2]), logits=logits)
    assert not any(given())
    assert g.shape == (2, 3)


@pytest.mark.parametrize(
    ("logits", "options"),
    [
        (torch.zeros(2, 3).as_subclass(Own), {}),
        (torch.zeros(2, 3), {"softcap": torch.tensor(2.0)}),
        (torch.zeros(2, 3), {"class_weight": torch.ones(3).as_subclass(Own)}),
        (torch.zeros(2, 3), {"sample_weight": torch.ones(2, dtype=torch.uint16)}),
    ],
)
def test_what_numpy_has_no_word_for_is_torchs(logits, options, given):
    with torch.no_grad():
        value = xent.cross_entropy(torch.tensor([0, 2]), logits=logits, **options)
    assert not any(given())
    if type(logits) is Own:
        assert type(value) is Own


def test_infinite_rows_warn_of_nothing():
    """The rows too, which autograd scales afterwards; a warning is an error here."""
    logits = torch.tensor([[np.inf, 0.0], [-np.inf, -np.inf], [np.inf, np.inf]], requires_grad=True)
    labels = torch.tensor([0, 1, 1])
    rows = xent.cross_entropy(labels, logits=logits, reduction="none")
    rows.backward(torch.tensor([1.0, 0.0, 0.0]))
    np.testing.assert_array_equal(rows.detach(), [0, np.nan, np.nan])
    np.testing.assert_array_equal(logits.grad[0], [0, 0])


def test_no_device_that_a_program_sets_is_asked():
    with torch.device("meta"):
        value = xent.cross_entropy(
            torch.tensor([0], device="cpu"), logits=torch.ones(1, 2, device="cpu")
        )
    assert value.device.type == "cpu"


@pytest.mark.parametrize("again", ["", "del sys.modules['numpy']"])
def test_without_numpy_torch_computes_for_itself(again):
    """Where it is missing, and where torch alone was loaded without it."""
    code = f"""
import sys, warnings
sys.modules["numpy"] = None
warnings.simplefilter("ignore")  # torch says that it is missing
import torch
{again}
import xent
logits = torch.zeros(2, 4, requires_grad=True)
xent.cross_entropy(torch.tensor([0, 1]), logits=logits, reduction="sum").backward()
print(logits.grad.tolist())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split("\n")[-2:] == [
        "[[-0.75, 0.25, 0.25, 0.25], [0.25, -0.75, 0.25, 0.25]]",
        "",
    ], done.stderr[-500:]
