"""Run cases on an implementation and judge what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat
from typing import Any

from conformance.backends import HALF, Backend
from conformance.call import AbsentError, call
from conformance.case import Case
from conformance.exact import FORMATS, error_in_ulp, is_subnormal
from conformance.implementation import OWN
from conformance.printed import belongs_to, complaint

PASS, FAIL, ABSENT, SKIP = "pass", "fail", "absent", "skip"

#: What NumPy and torch raise of a label that is no class, as good as what a case names.
AS_GOOD = ("IndexError", "RuntimeError")

#: Functions that return the prediction's dtype even for half precision (R12).
LINKS = ("softmax", "log_softmax", "logsumexp", "sigmoid", "log_sigmoid", "softmax_jacobian")


@dataclass(frozen=True)
class Outcome:
    """What one case gave on one backend in one dtype."""

    case: Case
    backend: str
    dtype: str
    status: str
    ulp: Fraction | None = None
    got: Any = None
    message: str = ""


def expected_dtype(case: Case, dtype: str) -> str:
    """Return the dtype that the result has by R12, or the one the case names."""
    if case.result != "prediction":
        return case.result
    narrow = case.quantity == "gradient" or case.function in LINKS
    return dtype if narrow or dtype not in HALF else "float32"


def run(case: Case, implementation: Any, backend: Backend, dtype: str) -> Outcome:
    """Run one case in one dtype; whatever goes wrong is an outcome, not an exception."""
    if not backend.has(dtype):
        return Outcome(case, backend.name, dtype, SKIP, message=backend.why_not(dtype))
    try:
        with backend.session():
            results = call(case, implementation, backend, dtype)
            problem = _foreign(case, backend, dtype, results)
            got = None if problem else [backend.numbers(result) for result in results]
    except (AbsentError, NotImplementedError) as error:
        return Outcome(case, backend.name, dtype, ABSENT, message=str(error))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # one that exits is wrong too, and must not end the run well
        strict = getattr(implementation, "__name__", None) == OWN
        return _raised(case, backend, dtype, error, () if strict else AS_GOOD)
    if problem or got is None:
        return Outcome(case, backend.name, dtype, FAIL, message=problem or "")
    return _judged(case, backend, dtype, got[0] if len(got) == 1 else got)


def run_all(cases: Iterable[Case], implementation: Any, backend: Backend) -> Iterator[Outcome]:
    """Run every case in every dtype it lists."""
    for case in cases:
        for dtype in case.dtypes:
            yield run(case, implementation, backend, dtype)


def _raised(
    case: Case, backend: Backend, dtype: str, error: BaseException, as_good: tuple[str, ...]
) -> Outcome:
    name = type(error).__name__
    if case.raises and name in (case.raises, *as_good):
        return Outcome(case, backend.name, dtype, PASS, Fraction(0), name, str(error))
    return Outcome(case, backend.name, dtype, FAIL, None, name, f"{name}: {error}")


def _foreign(case: Case, backend: Backend, dtype: str, results: tuple[Any, ...]) -> str | None:
    """Say what is wrong with the kind of the results: library (R1) or dtype (R12)."""
    wanted = expected_dtype(case, dtype)
    for result in results:
        if not backend.owns(result):
            return f"the result is a {type(result).__module__}.{type(result).__qualname__}"
        if backend.dtype_name(result) != wanted:
            return f"the result is {backend.dtype_name(result)}, not {wanted}"
    return None


def _judged(case: Case, backend: Backend, dtype: str, got: Any) -> Outcome:
    if dtype not in case.expected:
        return Outcome(case, backend.name, dtype, FAIL, None, got, f"no {case.raises}")
    worst, message = _compare(case, backend, dtype, got)
    message = message or _printed(case, dtype, got) or ""
    status = FAIL if message else PASS
    return Outcome(case, backend.name, dtype, status, worst, got, message)


def _compare(case: Case, backend: Backend, dtype: str, got: Any) -> tuple[Fraction | None, str]:
    """Return the worst error and, where it is too large or the shape is wrong, a message."""
    # A result made by rule repeats one pair in tens of thousands of places.
    pairs = list(dict.fromkeys(_pairs(case.expected[dtype], got)))
    if any(wanted is None or value is None for wanted, value in pairs):
        return None, "the result has another shape"
    kind = expected_dtype(case, dtype)
    if kind == "bool":
        agree = all(wanted == value for wanted, value in pairs)
        return (Fraction(0), "") if agree else (None, "another truth value")
    errors = [_error(value, wanted, backend, kind) for wanted, value in pairs]
    if None in errors:
        return None, f"{pairs[errors.index(None)][1]} in place of {pairs[errors.index(None)][0]}"
    worst = max((error for error in errors if error is not None), default=Fraction(0))
    return worst, f"{float(worst):.3g} ULP" if worst > allowed(case, dtype) else ""


def allowed(case: Case, dtype: str) -> Fraction:
    """Return the largest error in ULP: the tolerance times the condition of what is computed."""
    return Fraction(case.tolerance) * Fraction(case.condition.get(dtype, 1))


def _error(got: float, wanted: str, backend: Backend, kind: str) -> Fraction | None:
    form = FORMATS[kind]
    if backend.flushes and got == 0 and is_subnormal(_fraction(wanted), form):
        return Fraction(0)
    return error_in_ulp(got, wanted, form)


def _fraction(text: str) -> Fraction:
    return Fraction(0) if text in ("inf", "-inf", "nan", "±0") else Fraction(text)


def _pairs(expected: Any, got: Any) -> Iterator[tuple[Any, Any]]:
    """Walk two nested lists side by side; other shapes give None."""
    if isinstance(expected, dict):
        expected = _filled(expected["every"], expected["shape"])
    if isinstance(expected, list) != isinstance(got, list):
        yield None, None
    elif not isinstance(expected, list):
        yield expected, got
    elif len(expected) != len(got):
        yield None, None
    else:
        for wanted, value in zip(expected, got, strict=True):
            yield from _pairs(wanted, value)


def _filled(text: str, shape: list[int]) -> Any:
    return text if not shape else list(repeat(_filled(text, shape[1:]), shape[0]))


def _printed(case: Case, dtype: str, got: Any) -> str | None:
    """Compare the result with the digits of the document."""
    for printed in case.printed:
        if belongs_to(printed, dtype):
            value = got
            for index in printed.at:
                value = value[index]
            problem = complaint(printed, Fraction(value), case.tolerance)
            if problem:
                return f"{value!r} {problem}"
    return None
