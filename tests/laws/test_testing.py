"""`xent.testing.check` passes what is right, and finds what is wrong and says where."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import xent
from tests.backends import LIBRARIES, missing
from tests.cases import EVERY
from tests.laws import broken, strangers
from xent.testing import BrokenLawError, check

MODULES = {"strict": "array_api_strict"}
EXAMPLE = Path(__file__).parents[2] / "examples" / "phuber_loss.py"


def skipped(name):
    """Return the mark of a library that is not here."""
    reason = missing(name)
    return [pytest.mark.skip(reason=reason)] if reason else []


each_library = pytest.mark.parametrize(
    "backend", [pytest.param(name, marks=skipped(name)) for name in LIBRARIES]
)


def here(backend):
    return [MODULES.get(backend, backend)]


def example():
    spec = importlib.util.spec_from_file_location("phuber_loss", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


# --- what is right ---


@each_library
def test_the_example_holds(backend):
    phuber = example()
    taus = ({"tau": 10.0}, {"tau": 2.0}, {"tau": 4.5})
    some = taus if backend in ("numpy", "strict", "torch") else taus[:2]
    report = check(phuber.phuber_loss, phuber.textbook, parameters=some, libraries=here(backend))
    (laws,) = report.checked.values()
    assert len(laws) >= 20
    assert "phuber_loss holds" in str(report)


def test_the_example_is_the_cross_entropy_of_what_is_likely():
    phuber, draw = example(), np.random.default_rng(0)
    z, y = draw.normal(size=(50, 7)) * 20, draw.integers(0, 7, 50)
    got = xent.value_and_grad(phuber.phuber_loss)(y, logits=z, tau=1e300, reduction="none")
    wanted = xent.value_and_grad(xent.cross_entropy)(y, logits=z, reduction="none")
    for mine, right in zip(got, wanted, strict=True):
        np.testing.assert_array_max_ulp(mine, right, 1)


def test_the_example_keeps_its_digits():
    """At a margin of 40 the rivals' share is 2 e^−40 and C the same."""
    phuber = example().phuber_loss
    loss, g = xent.value_and_grad(phuber)([0], logits=np.asarray([[40.0, 0.0, 0.0]]))
    share = 2 * np.exp(-40.0)
    np.testing.assert_allclose(loss, share, rtol=1e-14)
    np.testing.assert_allclose(g[0], [-share, share / 2, share / 2], rtol=1e-14)


@each_library
def test_a_strangers_elementwise_loss_holds(backend):
    """Its mean is over elements, and ``pos_weight`` reaches it."""
    loss, textbook = strangers.squares, strangers.squares_of_textbook
    check(loss, textbook, targets=["binary"], libraries=here(backend))
    mean = loss(np.asarray([0.0, 1.0, 1.0]), np.asarray([0.5, 0.5, 0.5]), pos_weight=3.0)
    assert mean == (0.25 + 0.75 + 0.75) / 3


@each_library
def test_a_strangers_loss_of_probabilities_holds(backend):
    loss, textbook = strangers.generalised, strangers.generalised_of_textbook
    check(loss, textbook, parameters=[{"power": 0.5}], libraries=here(backend))


def log_likelihood(t, q):
    return np.log(np.sum(t * q, axis=-1))


def kl_divergence(t, q):
    return np.sum(t * np.log(np.where(t == 0, 1, t) / q), axis=-1)


def jensen_shannon(t, q):
    m = (t + q) / 2
    return (kl_divergence(t, m) + kl_divergence(q, m)) / 2


def binary(t, q):
    return -t * np.log(q) - (1 - t) * np.log(1 - q)


def asymmetric(t, q):
    over = np.maximum(q - 0.05, 0)
    return -t * np.log(q) - (1 - t) * over**4 * np.log(1 - over)


H, BOTH = broken.cross_entropy, ("labels", "distributions")
OWN = {
    "cross_entropy": (H, BOTH),
    "kl_divergence": (kl_divergence, (*BOTH, "target_logits")),
    "binary_cross_entropy": (binary, ("binary",)),
    "entropy": (lambda t, q: H(q, q), ("nothing",)),
    "categorical_cross_entropy": (H, ("distributions",)),
    "sparse_categorical_cross_entropy": (H, ("labels",)),
    "perplexity": (lambda t, q: np.exp(np.mean(H(t, q))), BOTH),
    "jensen_shannon_divergence": (jensen_shannon, ("distributions",)),
    "negative_log_likelihood": (lambda t, q: -log_likelihood(t, q), BOTH),
    "log_likelihood": (log_likelihood, BOTH),
    "focal_loss": (lambda t, q: -np.sum(t * (1 - q) ** 2 * np.log(q), axis=-1), BOTH),
    "asymmetric_loss": (asymmetric, ("binary",)),
    "softmax": (lambda t, q: q, ("nothing",)),
    "log_softmax": (lambda t, q: np.log(q), ("nothing",)),
    "logsumexp": (None, ("nothing",)),
    "sigmoid": (lambda t, q: q, ("nothing",)),
    "log_sigmoid": (lambda t, q: np.log(q), ("nothing",)),
}
"""By name: the textbook's formula, and what the target may hold."""
QUICK = ("numpy", "strict", "torch")


@each_library
@pytest.mark.parametrize("name", OWN)
def test_the_losses_of_the_package_hold(backend, name):
    textbook, targets = OWN[name]
    if backend not in QUICK and name not in ("binary_cross_entropy", "entropy"):
        pytest.skip("each law costs this library a compilation or a graph")
    targets = targets if backend in QUICK[:2] or EVERY else targets[-1:]
    check(getattr(xent, name), textbook, targets=targets, libraries=here(backend))


# --- what is wrong ---

WRONG = {
    broken.WrongGradient: "gradient is the derivative of the value",
    broken.WrongWhereMade: "with what `measure` made",
    broken.AddsSums: "Merged statistics",
    broken.TakesTheFirst: "Merged statistics",
    broken.NoLimit: "A single infinite logit",
    broken.LosesDigits: "No digit is lost",
    broken.HidesNaN: "a NaN",
    broken.LooksAround: "whatever rows stand beside",
    broken.FavoursAClass: "in another order",
    broken.WritesOver: "not written to",
    broken.Widens: "float32",
}


def failures(loss, textbook=broken.cross_entropy, backend="numpy", **record):
    """Return what is found, by the law."""
    with pytest.raises(BrokenLawError) as found:
        check(loss, textbook, libraries=here(backend), **record)
    for failure in found.value.failures:
        assert failure.law in str(found.value)
        assert failure.library in str(found.value)
        assert failure.what in str(found.value)
    return {failure.law: failure.what for failure in found.value.failures}


def of(law, found):
    """Return what is said of a law: that it is broken, and not that the loss cannot be run."""
    what = next(what for name, what in found.items() if law in name)
    assert "raises" not in what
    return what


@pytest.mark.parametrize("kernel", WRONG, ids=lambda kernel: kernel.__name__)
def test_a_broken_law_is_found_and_named(kernel):
    assert of(WRONG[kernel], failures(broken.of_labels(kernel())))


def test_the_place_is_named():
    found = failures(broken.of_labels(broken.WrongGradient()))
    what = of("derivative of the value", found)
    assert "the gradient" in what
    assert " of row " in what
    assert ", class " in what
    assert "wanted" in what


def test_a_wrong_gradient_is_the_only_law_of_values_that_is_broken():
    found = failures(broken.of_labels(broken.WrongGradient()))
    assert not [law for law in found if "textbook" in law or "Merged" in law]


def test_a_wrong_textbook_is_found():
    found = failures(xent.cross_entropy, lambda t, q: 1.001 * broken.cross_entropy(t, q))
    assert "The value is the textbook's" in found
    assert all("textbook" in law for law in found)


def test_a_wrong_gradient_in_the_target_is_found():
    loss = broken.of_distributions(broken.WrongTargetGradient())
    found = failures(loss, targets=["distributions"])
    assert "class" in of("gradient in the target", found)


@each_library
def test_a_number_in_a_field_is_right(backend):
    check(
        broken.scaled,
        broken.scaled_cross_entropy,
        parameters=[{"scale": 2.0}, {"scale": 0.5}],
        libraries=here(backend),
        laws=lambda law: "field" in law.name or "number" in law.name or "textbook" in law.name,
    )


@pytest.mark.parametrize("loss", [broken.of_a_class_attribute, broken.of_a_closure])
def test_a_number_beside_the_fields_is_found(loss):
    record = {"parameters": [{"scale": 2.0}, {"scale": 0.5}]}
    found = failures(loss, broken.scaled_cross_entropy, **record)
    assert "scale" in of("The kernel's parameters are its fields", found)


@pytest.mark.parametrize("backend", [pytest.param("jax", marks=skipped("jax"))])
def test_a_number_beside_the_fields_compiles_again(backend):
    found = failures(
        broken.of_a_closure,
        broken.scaled_cross_entropy,
        backend,
        parameters=[{"scale": 2.0}],
        laws=lambda law: "compiles nothing" in law.name,
    )
    assert "compiles" in of("compiles nothing again", found)


@each_library
def test_two_losses_of_one_name_keep_their_numbers(backend):
    """Each has its own gradient, whichever was called first."""
    mine, other = broken.of_labels(broken.Scaled(3.0)), broken.of_labels(broken.Scaled(5.0))
    assert mine.__name__ == other.__name__
    for scale, loss in ((3.0, mine), (5.0, other), (3.0, mine)):
        check(
            loss,
            lambda t, q, scale=scale: scale * broken.cross_entropy(t, q),
            libraries=here(backend),
            laws=lambda law: "textbook" in law.name,
        )
