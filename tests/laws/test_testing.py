"""`xent.testing.check` passes what is right."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import xent
from tests.cases import EVERY, RECORDS
from tests.laws import strangers
from tests.laws.checked import QUICK, each_library, here
from tests.laws.textbooks import OWN
from xent.testing import check
from xent.testing.libraries import library

KIN = (
    "brier_score",
    "chi_square_divergence",
    "generalized_cross_entropy",
    "poly_loss",
    "renyi_entropy",
    "tsallis_divergence",
    "tsallis_entropy",
)
EXAMPLE = Path(__file__).parents[2] / "examples" / "phuber_loss.py"


def example():
    spec = importlib.util.spec_from_file_location("phuber_loss", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


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


@each_library
def test_a_strangers_function_of_the_cross_entropy_holds(backend):
    """As CONTRIBUTING.md makes the gradient of one whose slope has no bound."""
    check(strangers.squared, strangers.squared_of_textbook, libraries=here(backend))


@each_library
@pytest.mark.parametrize("name", OWN)
def test_the_losses_of_the_package_hold(backend, name):
    textbook, targets, parameters = OWN[name]
    if backend not in QUICK and name not in ("binary_cross_entropy", "entropy"):
        pytest.skip("each law costs this library a compilation or a graph")
    if backend == "torch" and name in KIN and not EVERY:
        pytest.skip("it is made as another loss is, which this library is asked of")
    if backend not in QUICK[:2] and not EVERY:
        targets, parameters = targets[-1:], parameters[:1]
    check(
        getattr(xent, name),
        textbook,
        targets=targets,
        parameters=parameters,
        libraries=here(backend),
    )


def test_each_loss_of_the_package_is_held():
    assert OWN.keys() == RECORDS.keys()


class ScalarOfNumPy20(np.float64):
    """NumPy 2.0's arrays say where they lie, its scalars don't."""

    @property
    def device(self):
        raise AttributeError


def test_a_scalar_lies_where_arrays_do():
    numpy = library("numpy")
    assert numpy.place_of(ScalarOfNumPy20(1)) == numpy.place_of(np.ones(1))
