"""The public names are those of the document, each documented, and with no senseless option."""

import inspect
import re
from typing import get_type_hints

import pytest

import xent
from tests.cases import LOSSES, RECORDS
from xent._linear import Gradients
from xent._pair_call import BySign, ByTemperature
from xent._typing import Array

PAIRS = ("base", "where", "reduction", "denominator", "chunk_bytes")
OTHERS = {
    "self_information": ("p", "base"),
    "likelihood": ("target", "probs", "axis", "reduction"),
    "softmax_jacobian": ("logits", "axis"),
    "is_distribution": ("p", "axis", "atol"),
    "one_hot": ("labels", "num_classes", "dtype", "axis"),
    "smooth_labels": ("target", "smoothing", "axis"),
    "grad": ("loss",),
    "value_and_grad": ("loss",),
    "contrastive_loss": ("a", "b", "temperature", "sample_weight", *PAIRS),
    "sigmoid_contrastive_loss": ("a", "b", "scale", "bias", *PAIRS),
}
SIGNATURES = {**{loss: record.signature for loss, record in RECORDS.items()}, **OTHERS}
POSITIONAL = {
    **{loss: record.positional for loss, record in RECORDS.items()},
    "self_information": ("p",),
    "likelihood": ("target", "probs"),
    "softmax_jacobian": ("logits",),
    "is_distribution": ("p",),
    "one_hot": ("labels", "num_classes"),
    "smooth_labels": ("target", "smoothing"),
    "grad": ("loss",),
    "value_and_grad": ("loss",),
    "contrastive_loss": ("a", "b"),
    "sigmoid_contrastive_loss": ("a", "b"),
}
REDUCTIONS = {
    **{loss: record.reduction for loss, record in RECORDS.items()},
    "likelihood": "prod",
    "contrastive_loss": "mean",
    "sigmoid_contrastive_loss": "mean",
}
LINEAR = ("linear_cross_entropy", "linear_binary_cross_entropy")
TWO_HEADS = ("linear_kl_divergence", "linear_jensen_shannon_divergence")
BESIDE = ("log_probs", "linear_log_probs", "with_metrics", "vjp", "LogProbs", "Metrics")
WORKERS = ("set_workers", "get_workers")
CURVATURES = ("hvp", "gauss_newton", "grad_and_hessian_diagonal")
TARGETS = ("SparseDistribution",)
OF_YOUR_OWN = ("Call", "Kernel", "loss", "linear_head", "part")
OPTIONS = (
    *("BinaryOptions", "CrossEntropyOptions", "DistanceOptions"),
    *("CurveOptions", "DivergenceOptions", "LikelihoodOptions", "ScoreOptions"),
)
FUNCTIONS = (
    *SIGNATURES,
    *LINEAR,
    *TWO_HEADS,
    *BESIDE,
    *WORKERS,
    *CURVATURES,
    *TARGETS,
    *OF_YOUR_OWN,
    *OPTIONS,
)
DEFAULTS = {
    "axis": -1,
    "base": None,
    "class_weight": None,
    "pos_weight": None,
    "sample_weight": None,
    "where": None,
    "ignore_index": None,
    "label_smoothing": 0.0,
    "denominator": None,
    "validate": None,
}


def parameters(name):
    return inspect.signature(getattr(xent, name)).parameters


def test_public_names():
    public = {n for n, x in vars(xent).items() if not n.startswith("_") and not inspect.ismodule(x)}
    assert public == set(FUNCTIONS)
    assert set(xent.__all__) == {*FUNCTIONS, "kernels", "math"}
    assert set(dir(xent)) - {"testing"} == set(xent.__all__)  # which is there once it is imported
    assert all(callable(getattr(xent, name)) for name in FUNCTIONS)


def test_what_can_be_differentiated():
    """R17, and what the document's last lines on `grad` name beside the losses."""
    assert set(RECORDS) <= set(LOSSES)
    for name in LOSSES:
        assert callable(xent.grad(getattr(xent, name)))


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(name):
    assert set(parameters(name)) == set(SIGNATURES[name])


@pytest.mark.parametrize("name", SIGNATURES)
def test_positional_arguments(name):
    positional = tuple(k for k, p in parameters(name).items() if p.kind is not p.KEYWORD_ONLY)
    assert positional == POSITIONAL[name]


@pytest.mark.parametrize("name", SIGNATURES)
def test_defaults(name):
    for option, p in parameters(name).items():
        if option in DEFAULTS:
            assert p.default == DEFAULTS[option]
        if option == "reduction":
            assert p.default == REDUCTIONS[name]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_docstring(name):
    text = inspect.getdoc(getattr(xent, name))
    first = text.partition("\n")[0]
    assert first.endswith(".")
    if inspect.isclass(getattr(xent, name)):
        return  # CONTRIBUTING shows how they are used
    for section in ("Parameters", "Returns", "Examples"):
        if (name, section) in {("set_workers", "Returns"), ("get_workers", "Parameters")}:
            continue
        assert re.search(rf"^{section}\n-+$", text, re.MULTILINE), f"{name} has no {section}"
    assert ">>> " in text


@pytest.mark.parametrize("name", [n for n in SIGNATURES if n not in ("grad", "value_and_grad")])
def test_every_parameter_is_documented_once(name):
    text = inspect.getdoc(getattr(xent, name)).partition("\nReturns\n")[0]
    documented = re.findall(r"^(\w[\w, ]*) : ", text, re.MULTILINE)
    names = [part for line in documented for part in line.split(", ")]
    assert sorted(names) == sorted(parameters(name))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_type_hints(name):
    get_type_hints(getattr(xent, name))


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_what_is_returned_is_said(name):
    """A loss's body returns a `Call`, and the loss what comes of it."""
    said = str(inspect.signature(getattr(xent, name)).return_annotation)
    assert "Call" not in said
    assert said == {"log_probs": "LogProbs[A]"}.get(name, "Array")


@pytest.mark.parametrize("name", [*LOSSES, *LINEAR, *TWO_HEADS, "contrastive_loss"])
def test_type_hints_of_gradients(name):
    loss = getattr(xent, name)
    gradient = Array | Gradients[Array] | ByTemperature[Array] | BySign[Array]
    hints = get_type_hints(loss)
    assert hints["return"] == Array
    assert get_type_hints(xent.grad(loss)) == {**hints, "return": gradient}
    both = get_type_hints(xent.value_and_grad(loss))
    assert both == {**hints, "return": tuple[Array, gradient]}


def test_grad_has_the_signature_of_its_loss():
    for transform in (xent.grad, xent.value_and_grad):
        function = transform(xent.cross_entropy)
        assert inspect.signature(function) == inspect.signature(xent.cross_entropy)
        assert function.__name__ == "cross_entropy"
