"""What a row weighs in cost and divisor (R10), its smoothed target (R11), its base (R16)."""

import math

import numpy as np
import pytest

import xent
from tests.near import BOTH, assert_near, assert_same, assert_zero, largest


def can_be_infinite(case):
    of_probabilities = "probs" in case.form and case.kind != "target_logits"
    return case.takes("sample_weight") and of_probabilities and not case.record.bounded


def is_weighed(case):
    return case.takes("sample_weight", "reduction")


def mass_of(case, given, class_weight=None):
    """Return Σₖ cₖ tₖ of each row, as R10 has it, in exact sums of floats."""
    rows = given[case.form].shape if case.elementwise else given[case.form].shape[:-1]
    c = np.ones(given[case.form].shape[-1]) if class_weight is None else class_weight
    if case.kind == "labels":
        return c[given["target"]]
    if case.kind == "distributions" and not case.elementwise:
        terms = c * given["target"]
        return np.asarray([math.fsum(t) for t in terms.reshape(-1, terms.shape[-1])]).reshape(rows)
    return np.ones(rows)


@pytest.mark.cases(of=is_weighed)
def test_reductions_are_sums_of_weighed_rows(backend, case):
    given, s = case.arguments(seed=22), case.options(seed=22)["sample_weight"]
    rows = backend.run(case.function, **given, reduction="none")
    weighed = backend.run(case.function, **given, sample_weight=s, reduction="none")
    assert_near(weighed, rows * s, 2)
    total = math.fsum((s * rows).ravel())
    summed = backend.run(case.function, **given, sample_weight=s, reduction="sum")
    assert_near(summed, np.asarray(total), 8)
    divisor = math.fsum((s * mass_of(case, given)).ravel())
    mean = backend.run(case.function, **given, sample_weight=s)
    assert_near(mean, np.asarray(total / divisor), 8)


@pytest.mark.cases(of=lambda case: case.takes("class_weight", "reduction"))
def test_class_weights_enter_cost_and_divisor(backend, case):
    given, c = case.arguments(seed=23), case.options(seed=23)["class_weight"]
    s = case.options(seed=24)["sample_weight"]
    rows = backend.run(case.function, **given, class_weight=c, reduction="none")
    if case.kind == "labels":
        plain = backend.run(case.function, **given, reduction="none")
        assert_near(rows, plain * c[given["target"]], 2)
    divisor = math.fsum(s * mass_of(case, given, c))
    mean = backend.run(case.function, **given, class_weight=c, sample_weight=s)
    assert_near(mean, np.asarray(math.fsum(s * rows) / divisor), 16)


@pytest.mark.cases(
    of=lambda case: case.takes("class_weight", "reduction") and case.kind == "distributions"
)
def test_class_weights_weigh_each_class_of_the_target(backend, case):
    """ℓ = Σₖ cₖ tₖ (−log qₖ): a one-hot target for each class gives the terms."""
    given, c = case.arguments(seed=25), case.options(seed=25)["class_weight"]
    terms = [
        backend.run(case.function, **(given | {"target": hot}), reduction="none")
        for hot in np.eye(4)[:, None, :].repeat(3, 1)
    ]
    wanted = np.asarray(
        [math.fsum(c[k] * given["target"][i, k] * terms[k][i] for k in range(4)) for i in range(3)]
    )
    assert_near(backend.run(case.function, **given, class_weight=c, reduction="none"), wanted)


@pytest.mark.parametrize("smoothing", [0.0, 0.125, 1.0])
@pytest.mark.cases(of=lambda case: case.takes("label_smoothing") and not case.elementwise)
def test_smoothing_mixes_the_target(backend, case, smoothing):
    given = case.arguments(seed=26)
    t = np.eye(4)[given["target"]] if case.kind == "labels" else given["target"]
    soft = {**given, "target": (1 - smoothing) * t + smoothing / 4}
    wanted, wanted_gradient = backend.run(xent.value_and_grad(_of_distributions(case)), **soft)
    value, gradient = backend.run(case.both, **given, label_smoothing=smoothing)
    assert_near(value, wanted)
    assert_near(gradient, wanted_gradient, scale=largest(wanted_gradient))


def _of_distributions(case):
    return xent.perplexity if case.loss == "perplexity" else xent.cross_entropy


@pytest.mark.parametrize("smoothing", [0.125, 1.0])
@pytest.mark.cases(of=lambda case: case.kind == "binary" and case.takes("label_smoothing"))
def test_binary_smoothing_mixes_two_classes(backend, case, smoothing):
    given = case.arguments(seed=27)
    soft = {**given, "target": (1 - smoothing) * given["target"] + smoothing / 2}
    smoothed = backend.run(case.function, **given, label_smoothing=smoothing)
    assert_near(smoothed, backend.run(case.function, **soft))


@pytest.mark.cases(of=lambda case: case.takes("class_weight", "label_smoothing", "reduction"))
def test_the_divisor_is_that_of_the_target_before_smoothing(backend, case):
    given, c = case.arguments(seed=28), case.options(seed=28)["class_weight"]
    options = {"class_weight": c, "label_smoothing": 0.25}
    total = backend.run(case.function, **given, **options, reduction="sum")
    wanted = np.asarray(float(total) / math.fsum(mass_of(case, given, c)))
    assert_near(backend.run(case.function, **given, **options), wanted, 8)


@pytest.mark.parametrize("base", [2, 10, 0.5, 2.718281828459045])
@pytest.mark.cases(of=lambda case: case.takes("base"))
def test_base_divides_by_its_logarithm(backend, case, base):
    given = case.arguments(seed=29)
    value, gradient = backend.run(case.both, **given)
    there, gradient_there = backend.run(case.both, **given, base=base)
    assert_near(there, value / math.log(base), 4)
    assert_near(gradient_there, gradient / math.log(base), 4, scale=largest(gradient_there))


@pytest.mark.cases(of=lambda case: case.takes("denominator"))
def test_denominator_replaces_the_divisor(backend, case):
    given = case.arguments(seed=30)
    if case.has_rows:
        total, gradient = backend.run(case.both, **given, reduction="sum")
        there, gradient_there = backend.run(case.both, **given, denominator=7.0)
        assert_near(there, total / 7, 2)
        assert_near(gradient_there, gradient / 7, 2, scale=largest(gradient_there))
    as_array = backend.run(case.function, **given, denominator=np.asarray(7.0))
    assert_same(as_array, backend.run(case.function, **given, denominator=7))


@pytest.mark.cases(of=can_be_infinite)
def test_a_zero_sample_weight_silences_an_infinite_cost(backend, case):
    given = case.arguments(seed=31)
    s = np.ones_like(case.options()["sample_weight"])
    given[case.form][1] = {"probs": [0, 0, 0, 1], "log_probs": [-np.inf, -np.inf, -np.inf, 0]}[
        case.form
    ]
    given["target"][1] = {"labels": 0, "distributions": [1, 0, 0, 0], "binary": 0}[case.kind]
    assert np.isinf(backend.run(case.function, **given, sample_weight=s))
    s[1] = 0
    value, gradient = backend.run(case.both, **given, sample_weight=s)
    assert np.isfinite(value)
    assert_zero(gradient[1])
    assert np.all(np.isfinite(gradient))


def test_a_zero_class_weight_silences_an_infinite_cost(backend):
    q, y = np.asarray([[0.0, 1.0], [0.5, 0.5]]), np.asarray([0, 1])
    for target in (y, np.eye(2)[y]):
        value, gradient = backend.run(
            xent.value_and_grad(xent.cross_entropy),
            target=target,
            probs=q,
            class_weight=np.asarray([0.0, 2.0]),
        )
        assert_near(value, np.log(2.0), 2)
        assert_same(gradient + 0.0, np.asarray([[0.0, 0.0], [0.0, -2.0]]))


def test_pos_weight_multiplies_the_positive_part(backend):
    given = {
        "target": np.asarray([[0.25, 1.0], [0.0, 0.5]]),
        "logits": np.asarray([[1.0, -2.0], [3.0, 0.5]]),
    }
    ones = {**given, "target": np.ones((2, 2))}
    none = {"reduction": "none"}
    positive = backend.run(xent.binary_cross_entropy, **ones, **none) * given["target"]
    plain = backend.run(xent.binary_cross_entropy, **given, **none)
    for weight in (3.0, np.asarray([2.0, 0.5]), np.asarray([[2.0], [0.0]]), np.asarray(4)):
        rows = backend.run(xent.binary_cross_entropy, **given, **none, pos_weight=weight)
        assert_near(rows, plain + (np.asarray(weight, float) - 1) * positive)
        mean = backend.run(xent.binary_cross_entropy, **given, pos_weight=weight)
        assert_near(mean, np.asarray(math.fsum(rows.ravel()) / 4), BOTH)


@pytest.mark.cases(of=lambda case: case.takes("class_weight"))
@pytest.mark.parametrize("smoothing", [0.0, 0.125])
def test_a_mean_that_divides_by_0_is_0_and_so_is_its_gradient(backend, case, smoothing):
    """R10: whatever a cost is, smoothing and z_loss included, if nothing weighs anything."""
    options = {"class_weight": np.zeros(4), "label_smoothing": smoothing, "z_loss": 0.125}
    taken = {name: x for name, x in options.items() if case.takes(name)}
    value, gradient = backend.run(case.both, **case.arguments(seed=7), **taken)
    assert_same(value, np.asarray(1.0 if case.loss == "perplexity" else 0.0))
    assert_same(gradient + 0.0, np.zeros_like(gradient))


@pytest.mark.parametrize("form", ["probs", "log_probs"])
def test_a_class_without_weight_has_no_part_in_an_infinite_perplexity(backend, form):
    """Its mean divides by little, which makes the largest of finite factors infinite."""
    probs = np.asarray([[0.0, 0.5, 0.5]])
    with np.errstate(divide="ignore"):
        given = {form: np.log(probs) if form == "log_probs" else probs}
    target, weight = np.asarray([[0.5, 0.25, 0.25]]), np.asarray([0.25, 0.0, 0.0])
    gradient = backend.run(xent.grad(xent.perplexity), target=target, class_weight=weight, **given)
    assert_same(gradient, np.asarray([[-np.inf, 0.0, 0.0]]))
