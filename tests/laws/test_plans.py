"""A plan is remembered for any number of rows, and for no call that is another."""

import numpy as np
import pytest

import xent
from tests.cases import NAMED
from xent import _call
from xent.kernels import labels

LABELS = NAMED["cross_entropy-labels-logits"]
SOFT = NAMED["cross_entropy-distributions-logits"]
BINARY = NAMED["binary_cross_entropy-binary-logits"]
WEIGHED = ("class_weight", "pos_weight", "sample_weight", "where")


@pytest.fixture(autouse=True)
def plans(monkeypatch):
    made = {}
    monkeypatch.setattr(_call, "_PLANS", made)
    return made


def all_of(case, rows, **more):
    """Return arguments of a number of rows, with all that weighs them."""
    given, made = case.arguments(rows=rows), case.options(rows=rows)
    return {**given, **{k: x for k, x in made.items() if k in WEIGHED}, **more}


@pytest.mark.cases(slow=lambda case: case in (LABELS, SOFT, BINARY))
def test_any_number_of_rows_has_one_plan(backend, case, plans):
    for first, others in ((3,), [(5,), (1,), (8,)]), ((2, 3), [(4, 3), (2, 1)]):
        backend.run(case.both, **all_of(case, first))
        backend.run(case.function, **all_of(case, first))
        made = len(plans)
        assert made
        for rows in others:
            backend.run(case.both, **all_of(case, rows))
            backend.run(case.function, **all_of(case, rows))
        assert len(plans) == made


@pytest.mark.cases(of=lambda case: case.takes("axis"), slow=lambda case: case in (LABELS, SOFT))
@pytest.mark.parametrize("axis", [0, 1, -2])
def test_any_class_axis(backend, case, axis, plans):
    def moved(rows):
        given = case.arguments(rows=rows)
        whole = len(rows) + 1
        return {k: np.moveaxis(x, -1, axis) if x.ndim == whole else x for k, x in given.items()}

    backend.run(case.both, **moved((3, 2)), axis=axis)
    made = len(plans)
    for rows in ((5, 2), (3, 4), (1, 1)):
        backend.run(case.both, **moved(rows), axis=axis)
    assert len(plans) == made


def test_a_linear_head_has_one_too(backend, plans):
    for n in (6, 2, 9):
        draw = np.random.default_rng(n)
        x, w = draw.normal(size=(n, 3)), draw.normal(size=(4, 3))
        y = draw.integers(0, 4, n)
        backend.call(xent.value_and_grad(xent.linear_cross_entropy), target=y, features=x, weight=w)
        assert len(plans) == 1


@pytest.mark.parametrize("value", [0.125, 0.5, 1.0])
def test_another_number_is_no_other_plan(backend, value, plans):
    given = LABELS.arguments()
    for x in (0.25, value):
        backend.run(LABELS.both, **given, label_smoothing=x, z_loss=x, softcap=4 * x, base=1 + x)
        assert len(plans) == 1


WRONG = [
    (LABELS, "target", np.zeros(4, int), "target of labels has shape (4,)"),
    (LABELS, "target", np.zeros((3, 1), int), "target of labels has shape (3, 1)"),
    (LABELS, "logits", np.zeros((3, 5)), "class_weight has shape (4,)"),
    (LABELS, "logits", np.zeros((2, 4)), "target of labels has shape (3,)"),
    (LABELS, "sample_weight", np.ones(2), "sample_weight has shape (2,)"),
    (LABELS, "sample_weight", np.ones(1), "sample_weight has shape (1,)"),
    (LABELS, "where", np.ones(4, bool), "where has shape (4,)"),
    (LABELS, "class_weight", np.ones(3), "class_weight has shape (3,)"),
    (LABELS, "class_weight", np.ones(1), "class_weight has shape (1,)"),
    (SOFT, "target", np.full((3, 3), 0.25), "target has shape (3, 3)"),
    (SOFT, "target", np.full((1, 4), 0.25), "target has shape (1, 4)"),
    (SOFT, "where", np.ones((3, 1), bool), "where has shape (3, 1)"),
    (BINARY, "target", np.full((3, 1), 0.5), "target has shape (3, 1)"),
    (BINARY, "target", np.full((4, 3), 0.5), "target has shape (4, 3)"),
    (BINARY, "pos_weight", np.ones(3), "pos_weight has shape (3,)"),
    (BINARY, "sample_weight", np.ones((3, 1)), "sample_weight has shape (3, 1)"),
    (BINARY, "where", np.ones((2, 4), bool), "where has shape (2, 4)"),
]


@pytest.mark.parametrize(("case", "name", "wrong", "said"), WRONG, ids=lambda x: str(x)[:24])
def test_a_wrong_shape_after_a_right_one(backend, case, name, wrong, said):
    given = all_of(case, (3,))
    for _ in range(2):
        backend.run(case.function, **given)
        with pytest.raises(ValueError) as caught:  # noqa: PT011  # whose message is held below
            backend.run(case.function, **{**given, name: wrong})
        assert said in str(caught.value)


@pytest.mark.parametrize("case", [LABELS, SOFT, BINARY], ids=str)
def test_an_empty_batch_after_a_full_one(backend, case):
    backend.run(case.function, **case.arguments(rows=(3,)))
    empty = case.arguments(rows=(0,))
    with pytest.raises(ValueError, match="a mean over no rows"):
        backend.run(case.function, **empty)
    assert backend.run(case.function, **empty, denominator=2.0) == 0
    with pytest.raises(ValueError, match="a mean over no rows"):
        backend.run(case.function, **empty)
    assert backend.run(case.function, **empty, reduction="sum") == 0
    assert backend.run(case.function, **empty, reduction="none").size == 0


def test_a_divisor_that_is_no_number_after_one_that_is(backend):
    given = LABELS.arguments()
    backend.run(LABELS.function, **given, denominator=np.asarray(2.0))
    with pytest.raises(ValueError, match=r"denominator has shape \(2,\)"):
        backend.run(LABELS.function, **given, denominator=np.ones(2))
    with pytest.raises(ValueError, match="denominator"):
        backend.run(LABELS.function, **given, denominator=np.asarray(2.0), reduction="sum")


def test_a_kernel_of_labels_is_not_one_of_distributions():
    """Though a plan of one call with the same kernel has been remembered."""
    kernels = {"probs": labels.FromProbs()}

    @xent.loss(xent.LikelihoodOptions)
    def of_labels(target, probs, **options):
        return xent.Call(target, {"probs": probs}, labels=kernels, options=options)

    @xent.loss(xent.LikelihoodOptions)
    def of_distributions(target, probs, **options):
        return xent.Call(target, {"probs": probs}, distributions=kernels, options=options)

    q = np.full((2, 2), 0.5)
    of_labels(np.asarray([0, 1]), q)
    with pytest.raises(TypeError, match="distributions"):
        of_distributions(np.asarray([0, 1]), q)
