"""`xent.testing.check` finds what is wrong, and says where."""

import pytest

import xent
from tests.laws import broken
from tests.laws.checked import each_library, failures, here, of, skipped
from xent.testing import check

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


def test_a_wrong_value_is_said_before_what_follows_of_it():
    """Its gradient is another then, whichever of the two is meant."""
    found = failures(broken.of_labels(broken.WrongValue()))
    assert next(iter(found)) == "The value is the textbook's"
    assert "The gradient is the derivative of the value" in found


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
