"""The public names are those of the document, each documented, and with no senseless option."""

import inspect
import re

import pytest

import xent
from xent._call import LOSSES

INFORMATION = ("self_information", "entropy")
CROSS_ENTROPIES = (
    "cross_entropy",
    "categorical_cross_entropy",
    "sparse_categorical_cross_entropy",
)
DIVERGENCES = ("kl_divergence", "jensen_shannon_divergence")
LIKELIHOODS = ("likelihood", "log_likelihood", "negative_log_likelihood")
LINKS = ("softmax", "log_softmax", "logsumexp", "sigmoid", "log_sigmoid")
OTHERS = (
    "softmax_jacobian",
    "is_distribution",
    "one_hot",
    "smooth_labels",
    "grad",
    "value_and_grad",
)
LINEAR = ("linear_cross_entropy", "linear_binary_cross_entropy")
WORKERS = ("set_workers", "get_workers")
FUNCTIONS = (
    *INFORMATION,
    *CROSS_ENTROPIES,
    *DIVERGENCES,
    *LIKELIHOODS,
    *LINKS,
    *OTHERS,
    *LINEAR,
    *WORKERS,
    "perplexity",
    "binary_cross_entropy",
)

ROW = ("base", "sample_weight", "where", "reduction", "denominator", "validate")
SOFTMAX = (*ROW, "axis", "class_weight", "ignore_index", "label_smoothing", "softcap", "z_loss")
FORMS = ("probs", "logits", "log_probs")
SIGNATURES = {
    "self_information": ("p", "base"),
    "entropy": (*FORMS, "axis", "base", "reduction"),
    **dict.fromkeys(CROSS_ENTROPIES, ("target", *FORMS, *SOFTMAX)),
    "perplexity": (
        *("target", *FORMS, "axis", "class_weight", "sample_weight", "where", "ignore_index"),
        *("label_smoothing", "denominator", "validate"),
    ),
    "binary_cross_entropy": (
        *("target", "probs", "logits", *ROW, "pos_weight", "label_smoothing"),
    ),
    "kl_divergence": ("target", "target_logits", *FORMS, *ROW, "axis"),
    "jensen_shannon_divergence": ("p", "q", *ROW, "axis"),
    "likelihood": ("target", "probs", "axis", "reduction"),
    "log_likelihood": ("target", *FORMS, "axis", "reduction"),
    "negative_log_likelihood": ("target", *FORMS, *ROW, "axis", "ignore_index"),
    "softmax": ("logits", "axis"),
    "log_softmax": ("logits", "axis"),
    "logsumexp": ("logits", "axis"),
    "sigmoid": ("logits",),
    "log_sigmoid": ("logits",),
    "softmax_jacobian": ("logits", "axis"),
    "is_distribution": ("p", "axis", "atol"),
    "one_hot": ("labels", "num_classes", "dtype", "axis"),
    "smooth_labels": ("target", "smoothing", "axis"),
    "grad": ("loss",),
    "value_and_grad": ("loss",),
}
POSITIONAL = {
    "kl_divergence": ("target", "probs"),
    "jensen_shannon_divergence": ("p", "q"),
    "one_hot": ("labels", "num_classes"),
    "smooth_labels": ("target", "smoothing"),
    "likelihood": ("target", "probs"),
    "self_information": ("p",),
    "is_distribution": ("p",),
    "entropy": ("probs",),
    "grad": ("loss",),
    "value_and_grad": ("loss",),
}
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
REDUCTIONS = {"entropy": "none", "likelihood": "prod", "log_likelihood": "sum"}


def parameters(name):
    return inspect.signature(getattr(xent, name)).parameters


def test_public_names():
    public = {n for n, x in vars(xent).items() if not n.startswith("_") and not inspect.ismodule(x)}
    assert public == set(FUNCTIONS)
    assert all(callable(getattr(xent, name)) for name in FUNCTIONS)


def test_what_can_be_differentiated():
    """R17, and what the document's last lines on `grad` name beside the losses."""
    once = {*CROSS_ENTROPIES, *DIVERGENCES, *LINKS}
    wanted = {"entropy", "perplexity", "log_likelihood", "negative_log_likelihood"}
    assert once | wanted | {"binary_cross_entropy"} <= set(LOSSES)
    for name in LOSSES:
        assert callable(xent.grad(getattr(xent, name)))


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(name):
    assert set(parameters(name)) == set(SIGNATURES[name])


@pytest.mark.parametrize("name", SIGNATURES)
def test_positional_arguments(name):
    positional = tuple(k for k, p in parameters(name).items() if p.kind is not p.KEYWORD_ONLY)
    only = ("logits",) if "target" not in parameters(name) else ("target", "probs")
    if name == "binary_cross_entropy":
        only = ("target", "probs")
    assert positional == POSITIONAL.get(name, only)


@pytest.mark.parametrize("name", SIGNATURES)
def test_defaults(name):
    for option, p in parameters(name).items():
        if option in DEFAULTS:
            assert p.default == DEFAULTS[option]
        if option == "reduction":
            assert p.default == REDUCTIONS.get(name, "mean")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_docstring(name):
    text = inspect.getdoc(getattr(xent, name))
    first = text.partition("\n")[0]
    assert first.endswith(".")
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


def test_grad_has_the_signature_of_its_loss():
    for transform in (xent.grad, xent.value_and_grad):
        function = transform(xent.cross_entropy)
        assert inspect.signature(function) == inspect.signature(xent.cross_entropy)
        assert function.__name__ == "cross_entropy"
