"""Parts of the classes of rows, measured and merged by hand, are the whole: `xent.part`."""

import functools
import warnings

import ml_dtypes
import numpy as np
import pytest

import xent
from tests.backends import Backend
from tests.cases import CASES, NAMED
from tests.laws.parts import CLASSES, UNEVEN, both, given_parts, merged, of_rows, once, parts_of
from tests.laws.strangers import generalised
from tests.laws.test_merge import HIDDEN, masked
from tests.libraries.textbook import textbook
from tests.near import GOAL, assert_near, assert_same, largest

ULP = 8
"""ULP within which parts are the whole, at moderate arguments."""
MAIN = (
    "cross_entropy-labels-logits",
    "cross_entropy-distributions-logits",
    "entropy-nothing-logits",
)
ROW_CASES = [case for case in CASES if of_rows(case)]
of_libraries_and_cases = pytest.mark.cases(of=of_rows, slow=lambda case: str(case) in MAIN)
of_cases = pytest.mark.parametrize("case", ROW_CASES, ids=str)


def calls(case, backend=Backend.NUMPY):
    """Yield all options together, and where it costs little none, each of them alone, each reduction."""
    options = case.options(classes=CLASSES)
    names = [tuple(options)] if backend.is_slow else [(), tuple(options)]
    names += [(name,) for name in options if backend is Backend.NUMPY]
    for some in dict.fromkeys(names):
        yield {name: options[name] for name in some}
    if case.takes("reduction") and not backend.is_slow:
        others = {"sum", "none"} if case.record.reduction == "mean" else {"none"}
        weighed = {name: x for name, x in options.items() if name != "denominator"}
        yield from ({**weighed, "reduction": reduction} for reduction in sorted(others))


def assert_whole(backend, case, given, cuts=UNEVEN):
    value, gradient = both(backend, merged(parts_of(backend, case, given, cuts)))
    wanted, slope = case.both(**given)
    assert_near(value, wanted, ULP)
    assert_near(gradient, slope, ULP, scale=largest(slope))
    return value


@of_libraries_and_cases
def test_merged_parts_are_the_whole(backend, case):
    given = case.arguments(seed=90, classes=CLASSES)
    for options in calls(case, backend):
        assert_whole(backend, case, given | options)


@of_cases
def test_merged_parts_are_what_a_textbook_says(case):
    given = case.arguments(seed=91, classes=CLASSES)
    for options in calls(case):
        wholes = merged(parts_of(Backend.NUMPY, case, given | options))
        assert_near(wholes[0].value(), np.asarray(textbook(np, case, given | options)), GOAL)


@pytest.mark.parametrize("cuts", [(0, 12), (0, 11, 12), tuple(range(13))], ids=str)
@of_cases
def test_any_cut_is_the_whole(case, cuts):
    assert_whole(Backend.NUMPY, case, case.arguments(seed=92, classes=CLASSES), cuts)


@of_cases
def test_what_is_merged_merges_again(case):
    """Within each machine first, and then between machines."""
    given = case.arguments(seed=93, classes=CLASSES) | case.options(classes=CLASSES)
    parts = parts_of(Backend.NUMPY, case, given, (0, 3, 4, 9, 12))

    def in_machines(parts):
        two = [once(parts[i : i + 2])[0].statistics for i in (0, 2)]
        return [part.merged(two) for part in parts]

    wholes = in_machines(parts)
    again = [whole.again for whole in wholes]
    wholes = wholes if again[0] is None else in_machines(again)
    value, gradient = both(Backend.NUMPY, wholes)
    for a, b in zip((value, gradient), both(Backend.NUMPY, merged(parts)), strict=True):
        assert_same(a, b)


@of_libraries_and_cases
def test_statistics_are_one_array_in_the_dtype_to_compute_in(backend, case):
    for dtype in ("float16", "bfloat16", "float32"):
        if not backend.has(dtype):
            continue
        given = case.arguments(seed=94, classes=CLASSES)
        given[case.form] = given[case.form].astype(dtype)
        parts = parts_of(backend, case, given)
        shapes = {tuple(part.statistics.shape) for part in parts}
        assert len(shapes) == 1
        assert shapes.pop()[1:] == given[case.form].shape[:-1]
        assert {backend.dtype_of(part.statistics) for part in parts} == {"float32"}
        value, gradient = merged(parts)[0].value_and_gradient()
        assert backend.owns(value) or np.ndim(value) == 0
        assert backend.dtype_of(gradient) == dtype
        assert backend.dtype_of(value) == (dtype if case.is_link else "float32")


@of_cases
def test_halves_of_one_precision_round_once(case):
    given = case.arguments(seed=95, classes=CLASSES)
    given[case.form] = given[case.form].astype(ml_dtypes.bfloat16)
    value, gradient = both(Backend.NUMPY, merged(parts_of(Backend.NUMPY, case, given)))
    wanted, slope = case.both(**given)
    assert_near(value, wanted, ULP)
    assert_near(gradient, slope, 1, scale=largest(slope))


@of_libraries_and_cases
def test_a_part_may_begin_at_a_traced_class(any_backend, case):
    """As that of a device does in a program that all devices run."""
    given = case.arguments(seed=96, classes=CLASSES) | case.options(classes=CLASSES)
    part = xent.part(case.function)
    some = [*given_parts(case, given, (0, 4, 12))]
    wanted = parts_of(Backend.NUMPY, case, given, (0, 4, 12))
    every = {"every": np.stack([own.statistics for own in wanted])}
    wholes = once(wanted)
    if wholes[0].again is not None:
        wanted = [whole.again for whole in wholes]
        every["more"], wholes = np.stack([own.statistics for own in wanted]), once(wanted)

    def run(every, more=None, **own):
        whole = part(**own, classes=CLASSES).merged(every)
        return (whole if more is None else whole.again.merged(more)).value_and_gradient()

    for own, want in zip(some, wholes, strict=True):
        given = {k: x for k, x in own.items() if k != "classes"} | {
            "first": np.asarray(own["first"])
        }
        value, gradient = any_backend.run(run, **every, **given)
        value_there, slope = want.value_and_gradient()
        assert_near(value, value_there, ULP)
        assert_near(gradient, slope, ULP, scale=largest(slope))


@pytest.mark.parametrize("out", HIDDEN, ids=str)
@of_libraries_and_cases
def test_parts_of_probability_0(backend, case, out):
    given = masked(case, case.arguments(seed=97, classes=CLASSES), out)
    with warnings.catch_warnings():
        if backend.is_lazy:  # a graph of parts is computed where xent does not see it
            warnings.simplefilter("ignore", RuntimeWarning)
        value, gradient = both(backend, merged(parts_of(backend, case, given)))
    wanted, slope = case.both(**given)
    assert_near(value, wanted, GOAL)
    assert_near(gradient, slope, scale=largest(np.where(np.isfinite(slope), slope, 0)))


@of_cases
def test_classes_along_any_axis_of_many(case):
    given = case.arguments(seed=98, rows=(2, 3), classes=CLASSES)
    options = {k: x for k, x in case.options(rows=(2, 3), classes=CLASSES).items() if k != "where"}
    turned = {k: np.moveaxis(x, -1, 1) if x.ndim == 3 else x for k, x in given.items()}
    part = xent.part(functools.partial(case.function, **options, axis=1))
    parts = []
    for a, b in ((0, 5), (5, 12)):
        cut = {k: x[:, a:b] if x.ndim == 3 else x for k, x in turned.items()}
        parts.append(part(**cut, first=a, classes=CLASSES))
    assert parts[0].statistics.shape[1:] == (2, 3)
    value, gradient = case.both(**turned, **options, axis=1)
    wholes = merged(parts)
    assert_near(wholes[0].value(), value, ULP)
    slope = np.concatenate([whole.gradient() for whole in wholes], axis=1)
    assert_near(slope, gradient, ULP, scale=np.max(np.abs(gradient), axis=1, keepdims=True))


def test_a_perplexity_beyond_its_dtype():
    """Its gradient is infinite where that of the cost is not 0, and no NaN."""
    case = NAMED["perplexity-labels-logits"]
    given = {"target": np.asarray([0, 7]), "logits": np.zeros((2, CLASSES))}
    given["logits"][:, 3] = 2000.0
    value, gradient = both(Backend.NUMPY, merged(parts_of(Backend.NUMPY, case, given)))
    assert_same(value, np.asarray(np.inf))
    assert_same(gradient, case.grad(**given))


def test_a_label_of_no_part_makes_its_row_nan():
    case = NAMED["cross_entropy-labels-logits"]
    given = case.arguments(seed=99, classes=CLASSES) | {"validate": False, "reduction": "none"}
    given["target"] = np.asarray([12, 3, -1])
    value, _ = both(Backend.NUMPY, merged(parts_of(Backend.NUMPY, case, given)))
    assert np.isnan(value).tolist() == [True, False, True]


def test_a_loss_of_ones_own_has_parts():
    """The kernel's own number is an operand of each part, as it is of the whole."""
    given = NAMED["cross_entropy-labels-probs"].arguments(seed=100, classes=CLASSES)
    part, q = xent.part(generalised), given["probs"]
    for power in (0.7, 0.3):
        parts = [
            part(given["target"], q[:, a:b], first=a, classes=CLASSES, power=power)
            for a, b in ((0, 5), (5, 12))
        ]
        value, gradient = both(Backend.NUMPY, merged(parts))
        wanted, slope = xent.value_and_grad(generalised)(**given, power=power)
        assert_near(value, wanted, ULP)
        assert_near(gradient, slope, ULP, scale=largest(slope))
