"""What is said of what users have at hand that is no array, or none that xent can take (R1, R18)."""

import decimal
import fractions
import sys
import types

import numpy as np
import pytest

import xent
from tests.cases import CASES
from tests.errors.said import assert_said, rows
from xent._check import arguments

Z, Y, P = np.zeros((2, 3)), np.asarray([0, 1]), np.full((2, 3), 1 / 3)
CE, BCE = xent.cross_entropy, xent.binary_cross_entropy


def nested(depth):
    x = [0.5]
    for _ in range(depth):
        x = [x]
    return x


class Frame:
    """As pandas has it."""

    __module__ = "pandas.core.frame"


def endless():
    x = []
    x.append(x)
    return x


MASKED = np.ma.masked_array(Z, mask=Z == 0)
MASK = ("numpy.ma", "its mask would be lost", "where=")
ARRAYS = [
    (lambda: CE(Y, logits=MASKED), TypeError, "logits is", *MASK),
    (lambda: CE(MASKED[:, 0], logits=Z), TypeError, "target is", *MASK),
    (lambda: CE(Y, logits=Z, sample_weight=MASKED[:, 0]), TypeError, "sample_weight is", *MASK),
    (lambda: xent.linear_cross_entropy(Y, MASKED, Z), TypeError, "features is", *MASK),
    (lambda: CE(Y, logits=[MASKED[0], MASKED[1]]), TypeError, "logits is", *MASK),
    (lambda: xent.one_hot(np.ma.masked_array(Y), 3), TypeError, "labels is", *MASK),
    (lambda: CE(Frame(), logits=Z), TypeError, "target is pandas.core.frame", "x.to_numpy()"),
    (lambda: CE(None, logits=Z), TypeError, "target is None", "labels or distributions"),
    (lambda: CE(["a", "b"], logits=Z), TypeError, "target has dtype str", "np.unique"),
    (lambda: CE(np.asarray(["a", "b"], object), logits=Z), TypeError, "dtype object", "np.unique"),
    (lambda: CE([0, None], logits=Z), TypeError, "target has dtype object", "ignore_index"),
    (lambda: CE({0, 1}, logits=Z), TypeError, "target is builtins.set", "array API standard"),
    (lambda: xent.self_information(decimal.Decimal("0.5")), TypeError, "p has dtype object"),
    (lambda: xent.self_information([fractions.Fraction(1, 2)]), TypeError, "p has dtype object"),
    (lambda: xent.self_information(nested(3000)), TypeError, "p is a sequence", "too deep"),
    (lambda: xent.self_information(endless()), TypeError, "p is a sequence", "holds itself"),
    (lambda: CE([0, 2**70], logits=Z), (TypeError, ValueError), "target"),
]
HEADS = [
    (lambda: BCE(Y, logits=Z), ValueError, "as xent.one_hot makes them of labels"),
    (lambda: BCE(Y, logits=Z[:, :1]), ValueError, "take logits[..., 0], or target[..., None]"),
]
NUMBERS = [
    (
        lambda: CE(Y, logits=Z, base=10**309),
        ValueError,
        "base is 1000",
        "any positive number but 1",
    ),
    (lambda: CE(Y, logits=Z, base=10**5000), ValueError, "base is", "any positive number but 1"),
    (lambda: CE(Y, logits=Z, z_loss=-(10**400)), ValueError, "z_loss is -1000", "not negative"),
    (lambda: CE(Y, logits=Z, axis=1.0), TypeError, "axis is 1.0", "one int"),
    (lambda: CE(Y, logits=Z, axis=np.asarray(1.0)), TypeError, "axis is array(1.)", "one int"),
    (lambda: CE(Y, logits=Z, axis=True), TypeError, "axis is True"),
    (
        lambda: CE(Y, logits=Z, validate="yes"),
        TypeError,
        "validate is 'yes'",
        "True, False or None",
    ),
    (lambda: CE(Y, logits=Z, validate=1), TypeError, "validate is 1", "True, False or None"),
    (
        lambda: xent.linear_cross_entropy(Y, np.zeros((2, 4)), np.zeros((4, 5))),
        ValueError,
        "weight has shape (4, 5)",
        "(K, D) with D = 4",
        "pass weight.T",
    ),
]
TABLES = (ARRAYS, HEADS, NUMBERS)


@pytest.mark.parametrize(("call", "kind", "held"), rows(*TABLES))
def test_message(call, kind, held):
    if isinstance(kind, tuple):
        with pytest.raises(kind, match=held[0]):
            call()
    else:
        assert_said(call, kind, held)


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_a_matrix():
    assert_said(lambda: CE(Y, logits=np.matrix(Z)), TypeError, ["numpy.matrix", "np.asarray(x)"])


@pytest.mark.parametrize("prefix", [p for p in arguments._REMEDIES if not p.startswith("numpy")])
def test_an_object_of_another_library_is_refused_by_name_with_the_remedy(prefix):
    """Also one that passes for an array, and one of a class that inherits from it."""
    kind = type("Frame", (), {"__module__": f"{prefix}core", "__array_namespace__": lambda x: np})
    for x in (kind(), type("Mine", (kind,), {"__module__": "mine"})()):
        with pytest.raises(TypeError, match=r"target is .*Frame; .*pass "):
            CE(x, logits=Z)


def test_a_subclass_of_a_masked_array():
    class Mine(np.ma.MaskedArray):
        pass

    assert_said(lambda: CE(Y, logits=Z.view(Mine)), TypeError, ["Mine", *MASK[1:]])


@pytest.mark.parametrize("case", [c for c in CASES if c.takes("validate")], ids=str)
def test_validate_takes_truth_values_of_numpy(case):
    given = case.arguments()
    for validate in (True, False):
        assert case.function(**given, validate=np.bool_(validate)) == case.function(**given)


INDEX = [np.int8, np.uint64, np.asarray]


@pytest.mark.parametrize("index", INDEX)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_whatever_is_an_index_is_an_int(case, index):
    """Beside options that are numbers, which must not be lost."""
    given = case.arguments() | {k: x for k, x in case.options().items() if k != "ignore_index"}
    plain = {k: x for k, x in {"axis": 1, "ignore_index": 2}.items() if case.takes(k)}
    wanted = case.both(**given, **plain)
    got = case.both(**given, **{k: index(x) for k, x in plain.items()})
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("index", INDEX)
def test_so_are_numbers_of_classes_and_of_bytes(index):
    np.testing.assert_array_equal(xent.one_hot(Y, index(3)), np.eye(3)[Y])
    weight = np.ones((3, 3))
    got = xent.linear_cross_entropy(Y, Z + 1, weight, chunk_bytes=index(8))
    assert got == xent.linear_cross_entropy(Y, Z + 1, weight)


def test_a_range_is_a_sequence():
    assert CE(range(2), logits=Z) == CE(Y, logits=Z)


LONG = {
    "text": "x" * 10_000,
    "list": list(range(10_000)),
    "array": np.arange(10_000.0).reshape(1, -1),
    "number": 10**4000,
    "negative": -(10**5000),
    "dict": dict.fromkeys(range(10_000)),
    "shape": np.zeros((1,) * 60),
    "module": types,
    "type": type("x" * 10_000, (), {}),
    "deep": nested(sys.getrecursionlimit() * 2),
}


@pytest.mark.parametrize("what", LONG)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_message_is_long(case, what):
    """Whatever is passed, and wherever."""
    given = case.arguments()
    for name in (*case.parameters, LONG["text"]):
        said = message(case.function, given | {name: LONG[what]})
        assert len(said) <= 600
        assert not said or name[:20] in said or "exactly one" in said


def message(function, given):
    """Return what a call that is wrong says, nothing where it is right."""
    try:
        function(**given)
    except (TypeError, ValueError, IndexError) as error:
        return str(error)
    return ""
