"""Arrays of two libraries or two devices raise, each argument named with both (R1)."""

import importlib
from itertools import permutations

import numpy as np
import pytest

import xent
from tests.laws.own_numbers import EVERY_ONE, PARAMETERS, loss_with

Z, Y = np.zeros((2, 3)), np.asarray([0, 1])
MAKE = {
    "numpy": ("numpy", "asarray"),
    "array_api_strict": ("array_api_strict", "asarray"),
    "torch": ("torch", "asarray"),
    "jax": ("jax.numpy", "asarray"),
    "dask": ("dask.array", "from_array"),
    "cupy": ("cupy", "asarray"),
}
DEVICES = {"array_api_strict": "CPU_DEVICE", "jax": "CpuDevice|TFRT_CPU_0|cpu", "cupy": "CUDA"}


TAKERS = {"jax", "dask"}
"""Libraries whose own functions take NumPy's arrays as constants."""

APART = [(a, b) for a, b in permutations(MAKE, 2) if "numpy" not in (a, b) or not TAKERS & {a, b}]


def make(library, x):
    pytest.importorskip(library)
    module, name = MAKE[library]
    return getattr(importlib.import_module(module), name)(x)


@pytest.mark.parametrize(("a", "b"), APART)
def test_two_libraries(a, b):
    target, logits = make(a, Y), make(b, Z)
    with pytest.raises(TypeError, match="all arrays must be of one library") as caught:
        xent.cross_entropy(target, logits=logits)
    said = str(caught.value)
    for name, library in (("target", a), ("logits", b)):
        assert f"{name} is {library} on " in said
        device = said.partition(f"{name} is {library} on ")[2].partition(", ")[0].partition(";")[0]
        assert any(d.lower() in device.lower() for d in DEVICES.get(library, "cpu").split("|"))
    assert "convert them to one first" in said


@pytest.mark.parametrize("name", ["sample_weight", "class_weight", "where", "denominator"])
def test_a_weight_of_another_library(name):
    x = {
        "sample_weight": np.ones(2),
        "class_weight": np.ones(3),
        "where": np.ones(2, bool),
        "denominator": np.asarray(2.0),
    }[name]
    with pytest.raises(TypeError, match=f"logits is numpy on cpu.*{name} is array_api_strict on"):
        xent.cross_entropy(Y, logits=Z, **{name: make("array_api_strict", x)})


@pytest.mark.parametrize(("case", "name"), EVERY_ONE, ids=str)
def test_a_number_of_another_library(case, name):
    """Of the kernel, by whose field it is called."""
    x = make("array_api_strict", np.asarray(PARAMETERS[name][0]))
    with pytest.raises(TypeError, match=r"one library: .* is array_api_strict on"):
        loss_with(case, name)(**case.arguments(), **{name: x})


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (xent.kl_divergence, ("target_logits", "logits")),
        (xent.jensen_shannon_divergence, ("p", "q")),
        (xent.binary_cross_entropy, ("target", "logits")),
        (xent.grad(xent.cross_entropy), ("target", "log_probs")),
    ],
)
def test_every_argument_is_named(function, names):
    given = {names[0]: np.full((2, 3), 1 / 3), names[1]: make("array_api_strict", np.zeros((2, 3)))}
    with pytest.raises(TypeError, match="one library") as caught:
        function(**given)
    assert all(f"{name} is " in str(caught.value) for name in names)


def test_two_devices():
    """array-api-strict plays at having several."""
    strict = pytest.importorskip("array_api_strict")
    cpu, other = strict.Device("CPU_DEVICE"), strict.Device("device1")
    target, logits = strict.asarray(Y, device=cpu), strict.asarray(Z, device=other)
    with pytest.raises(ValueError, match="all arrays must be on one device") as caught:
        xent.cross_entropy(target, logits=logits)
    said = str(caught.value)
    assert "target is array_api_strict on array_api_strict.Device('CPU_DEVICE')" in said
    assert "logits is array_api_strict on array_api_strict.Device('device1')" in said
    assert "nothing is moved silently" in said


def test_two_devices_of_torch():
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match="all arrays must be on one device") as caught:
        xent.cross_entropy(torch.zeros(2, dtype=int), logits=torch.zeros(2, 3, device="meta"))
    assert "logits is torch on meta" in str(caught.value)
    assert "target is torch on cpu" in str(caught.value)


def test_a_number_of_a_kernel_may_lie_elsewhere():
    """As torch's own scalars may."""
    torch = pytest.importorskip("torch")
    labels, logits = torch.zeros(2, dtype=int, device="meta"), torch.zeros(2, 3, device="meta")
    assert xent.focal_loss(labels, logits=logits, gamma=torch.tensor(2.0)).device.type == "meta"


def test_the_result_lies_where_the_arguments_do():
    strict = pytest.importorskip("array_api_strict")
    other = strict.Device("device1")
    target, logits = (strict.asarray(x, device=other) for x in (Y, Z))
    value, gradient = xent.value_and_grad(xent.cross_entropy)(
        target, logits=logits, class_weight=[1.0, 2.0, 3.0], sample_weight=[1.0, 2.0]
    )
    assert value.device == gradient.device == other
    for function in (xent.softmax, xent.softmax_jacobian, xent.logsumexp, xent.entropy):
        assert function(logits=logits).device == other
    assert xent.one_hot(target, 3).device == other


def test_numbers_and_sequences_go_where_the_arrays_are():
    torch = pytest.importorskip("torch")
    assert isinstance(xent.cross_entropy([0, 1], logits=torch.zeros(2, 3)), torch.Tensor)
    assert isinstance(xent.binary_cross_entropy(torch.ones(2), [0.5, 0.5]), torch.Tensor)
