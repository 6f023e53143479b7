"""What is wrong with a call of a module is said before anything is computed, in the module's own words."""

import re

import pytest
import torch

import xent.nn.torch as ours
from tests.nn.modules import EXAMPLES, LABELS, LOG_Q, NAMES, SOFT, Z

FOREIGN = re.compile(
    r"\b(class_weight|sample_weight|probs|log_probs|target_logits|features|where=|denominator)"
    r"|\blogits( has| is| holds| of|=| without)|cross_entropy\b|divergence\b|Keras"
)
"""Names that the functions have, and the modules don't."""
ELEMENTS = (
    "BCELoss",
    "BCEWithLogitsLoss",
    "MultiLabelSoftMarginLoss",
    "SoftMarginLoss",
    "KLDivLoss",
)
WEIGHED = ELEMENTS[:3]
THREE, FOUR = torch.ones(3), torch.ones(4)


def assert_refused(module, x, target, kind, held):
    with pytest.raises(kind) as caught:
        module(x, target)
    assert type(caught.value) is kind
    for fragment in held:
        assert fragment in str(caught.value)
    assert not FOREIGN.search(str(caught.value)), caught.value


def made(name, **options):
    given, x, target = EXAMPLES[name]
    torch.manual_seed(0)  # for the head that one of them makes
    return getattr(ours, name)(**{**given, **options}), x, target


REDUCTIONS = pytest.mark.parametrize("reduction", ["mean", "sum", "none"])


@REDUCTIONS
@pytest.mark.parametrize("name", NAMES)
def test_a_target_of_fewer_rows(name, reduction):
    module, x, target = made(name, reduction=reduction)
    shape, other = tuple(target[:3].shape), "linear(input)" if name[:6] == "Linear" else "input"
    held = (f"has shape {shape}", f"shape {tuple(x.shape)} of {other}")
    if name in ELEMENTS:
        held = (f"target has shape {shape} and input has shape {tuple(x.shape)}",)
    assert_refused(module, x, target[:3], ValueError, held)


@REDUCTIONS
@pytest.mark.parametrize("name", ELEMENTS)
def test_nothing_is_broadcast(name, reduction):
    module, x, target = made(name, reduction=reduction)
    for left, right in (
        (x[:, :1], target[:, 0]),
        (x, target[:, 0]),
        (x, target[:, :1]),
        (x[0], target),
    ):
        held = f"target has shape {tuple(right.shape)} and input has shape {tuple(left.shape)};"
        assert_refused(module, left, right, ValueError, (held,))


@pytest.mark.parametrize("name", WEIGHED)
def test_a_weight_of_elements_broadcasts(name):
    for weight in (torch.ones(2), torch.ones(2, 1), torch.ones(1, 4, 3)):
        module, x, target = made(name, weight=weight)
        held = f"weight has shape {tuple(weight.shape)}, which does not broadcast to (4, 3)"
        assert_refused(module, x, target, ValueError, (held,))
    module, x, target = made(name, weight=1j * THREE)
    assert_refused(module, x, target, TypeError, ("weight has dtype complex64; it takes real",))


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "NLLLoss"])
def test_a_weight_of_classes_has_one_for_each(name):
    for target in (LABELS, SOFT) if name == "CrossEntropyLoss" else (LABELS,):
        module, x, _ = made(name, weight=FOUR)
        held = ("weight has shape (4,); it takes (3,), one per class",)
        assert_refused(module, x, target, ValueError, held)


TABLE = [
    ("BCELoss", {}, Z, SOFT, ValueError, "input holds", "0 to 1 (BCEWithLogitsLoss takes logits)"),
    ("BCELoss", {}, SOFT, 2 + Z, ValueError, "target holds", "sigmoid makes them of logits"),
    ("BCELoss", {}, SOFT, 2 * SOFT.int() + 2, ValueError, "target holds label 2", "ignore_index="),
    ("NLLLoss", {}, -LOG_Q, LABELS, ValueError, "input holds", "log_softmax", "CrossEntropyLoss"),
    ("NLLLoss", {}, LOG_Q, SOFT, TypeError, "integer labels", "CrossEntropyLoss"),
    ("KLDivLoss", {}, LOG_Q, SOFT.log(), ValueError, "target holds", "log_target=True"),
    ("KLDivLoss", {"log_target": True}, LOG_Q, SOFT, ValueError, "target holds", "at most 0"),
    ("KLDivLoss", {}, -LOG_Q, SOFT, ValueError, "input holds", "log_softmax makes them of logits"),
    ("KLDivLoss", {}, LOG_Q, LABELS, TypeError, "target has dtype int64; it takes floating point"),
    ("SoftMarginLoss", {}, Z, Z.to_sparse(), TypeError, "target is a torch.sparse_coo tensor"),
    ("KLDivLoss", {"reduction": "batchmean"}, Z[0, 0], SOFT[0, 0], TypeError, "at least 1 axis"),
    ("MultiLabelSoftMarginLoss", {}, Z[0, 0], SOFT[0, 0], TypeError, "at least 1 axis"),
    ("SoftMarginLoss", {}, Z, 1j * SOFT, TypeError, "target has dtype complex64; it takes real"),
    (
        "CrossEntropyLoss",
        {},
        Z,
        LABELS.clip(0) + 1,
        ValueError,
        "pass target - 1; rows are left out by ignore_index=",
    ),
    ("CrossEntropyLoss", {}, Z, SOFT > 0, TypeError, "target has dtype bool", "BCEWithLogitsLoss"),
    ("CrossEntropyLoss", {"ignore_index": 1}, Z, SOFT, ValueError, "ignore_index is for integer"),
    ("CrossEntropyLoss", {}, Z[:, :0], LABELS, ValueError, "input of shape (4, 0) has no classes"),
    ("CrossEntropyLoss", {}, Z.to_sparse(), LABELS, TypeError, "input is a torch.sparse_coo"),
    (
        *("CrossEntropyLoss", {"weight": THREE.to("meta")}, Z, LABELS, ValueError),
        *("input is torch on cpu", " weight is torch on meta"),
    ),
]


@pytest.mark.parametrize(
    ("name", "options", "x", "target", "kind", "held"), [(*row[:5], row[5:]) for row in TABLE]
)
def test_said(name, options, x, target, kind, held):
    assert_refused(getattr(ours, name)(**options), x, target, kind, held)


@pytest.mark.parametrize("name", NAMES)
def test_a_target_elsewhere(name):
    module, x, target = made(name)
    held = ("one device: input is torch on cpu, target is torch on meta",)
    assert_refused(module, x, target.to("meta"), ValueError, held)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("name", NAMES)
def test_a_nested_tensor(name):
    module, x, target = made(name)
    nested = torch.nested.nested_tensor([THREE, FOUR])
    held = " is a nested tensor; it takes a dense one"
    assert_refused(module, nested, target, TypeError, (f"input{held}",))
    assert_refused(module, x, nested, TypeError, (f"target{held}",))


@pytest.mark.skipif("LinearCrossEntropyLoss" not in NAMES, reason="torch has it since 2.13")
def test_what_a_head_makes_is_no_input():
    several = ours.LinearCrossEntropyLoss(3, 2, out_features=(2,))
    held = ("it takes (4, 2), the shape (4, 2, 2) of linear(input) without axis 1",)
    assert_refused(several, Z, LABELS, ValueError, held)
    one = ours.LinearCrossEntropyLoss(3, 2, device="meta")
    held = ("input is torch on cpu", " linear.weight is torch on meta")
    assert_refused(one, Z, LABELS, ValueError, held)


def test_classes_along_the_last_axis_are_told_of_in_words_of_torch():
    held = ("if axis 2 is that of the classes, take input.movedim(2, 1)",)
    labels = torch.zeros(2, 7, dtype=torch.long)
    assert_refused(ours.CrossEntropyLoss(), torch.zeros(2, 7, 5), labels, ValueError, held)


@pytest.mark.parametrize("name", ["BCELoss", "BCEWithLogitsLoss", "MultiLabelSoftMarginLoss"])
def test_integer_labels_of_elements_are_0_or_1(name):
    """Beside logits torch takes any number in floating point; an integer is a label."""
    module, x, _ = made(name)
    assert_refused(module, x, torch.full(x.shape, -1), ValueError, ("target holds label -1 at",))


@pytest.mark.parametrize("name", NAMES)
def test_an_array_is_told_apart_from_a_tensor(name):
    module, x, target = made(name)
    with pytest.raises(TypeError, match=r"\(numpy\.ndarray\); it takes a tensor"):
        module(x.detach().numpy(), target)


@pytest.mark.parametrize("name", NAMES)
def test_a_list_is_shown_in_short(name):
    module, _, target = made(name)
    with pytest.raises(TypeError, match=r"^input is \[\[.*\.\.\..*\]; it takes a tensor") as caught:
        module(torch.ones(9, 9).div(3).tolist(), target)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("given", [{"reduction": "weight"}, {"ignore_index": "features"}])
def test_what_the_user_wrote_is_shown_as_it_is(given):
    (value,) = given.values()
    with pytest.raises((TypeError, ValueError), match=f"is '{value}'"):
        ours.CrossEntropyLoss(**given)(Z, LABELS)
