"""The laws of a loss, for anybody's: values, gradients, merges, limits, on every library.

One call holds a loss to all of them. It takes a plain formula to compare with, and tells which law is
broken, on which library, in which row and class. Nothing of a test framework is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from traceback import extract_tb
from typing import Any

from xent._check.names import needed as _needed

with _needed("numpy", by=__name__):
    from xent.testing import case as _case
from xent.testing import absent as absent
from xent.testing import company as company
from xent.testing import contract as _contract
from xent.testing import edges as edges
from xent.testing import far as far
from xent.testing import gradients as gradients
from xent.testing import kernels as kernels
from xent.testing import kinds as _kinds
from xent.testing import libraries as _libraries
from xent.testing import limits as limits
from xent.testing import masks as masks
from xent.testing import values as values
from xent.testing.compare import LAWS as LAWS
from xent.testing.compare import Law

# The law of the value first: of a wrong value the gradient is another one, too.
LAWS.sort(key=lambda law: law.holds is not values.value)


@dataclass(frozen=True)
class Failure:
    """A law that is broken.

    Attributes
    ----------
    law : the law in a few words
    library : where
    case : the target, the prediction and the parameters
    what : what differs, in which row and class, what was got and what was wanted
    """

    law: str
    library: str
    case: str
    what: str


class BrokenLawError(AssertionError):
    """The laws that a loss breaks, all of them; `failures` has them one by one."""

    def __init__(self, loss: str, failures: list[Failure]) -> None:
        self.failures = tuple(failures)
        found: dict[str, dict[str, list[str]]] = {}
        for f in failures:
            by_what = found.setdefault(f"{f.law}, on {f.library}", {})
            by_what.setdefault(f.what, []).append(f.case)
        lines = [
            line
            for law, by_what in found.items()
            for line in (law, *(f"  {'; '.join(of)}: {what}" for what, of in by_what.items()))
        ]
        super().__init__("\n".join([f"{loss} breaks {len(found)} laws", *lines]))


@dataclass
class Report:
    """What was checked: of which targets, and by library the laws, and of how many cases each."""

    loss: str
    targets: tuple[str, ...] = ()
    checked: dict[str, dict[str, int]] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            f"  {library}: {len(laws)} laws, {sum(laws.values())} checks"
            for library, laws in self.checked.items()
        ]
        return "\n".join([f"{self.loss} holds", f"  targets: {', '.join(self.targets)}", *lines])


def check(
    loss: Callable[..., Any],
    textbook: Callable[..., Any] | None = None,
    *,
    targets: str | Iterable[str] | None = None,
    parameters: Mapping[str, Any] | Iterable[Mapping[str, Any]] = (),
    permutes: bool = True,
    libraries: str | Iterable[str] | None = None,
    laws: Callable[[Law], bool] = lambda law: True,
) -> Report:
    """Hold a loss to the laws on every library that is installed.

    Parameters
    ----------
    loss : function
        A loss by `xent.loss`.
    textbook : function, optional
        ``(t, q, **parameters) -> values``, plain, with no limit or ε that the loss has not: NumPy
        float64 arrays of shape (N, K), the target as a distribution (a label as its one-hot row,
        logits as their softmax, None where there is none) and the prediction as probabilities,
        whatever form it is given in. It returns one value per row, or whatever the loss returns. Where
        its own rounding leaves it no digits, or it is no number, it is not asked. Without it nothing
        tells whether the loss is the one that was meant, only whether it agrees with itself.
    targets : str, or several, optional
        What the target may hold: "labels", "distributions", "binary", "target_logits", or "nothing";
        by default all that the loss's `xent.Call` has kernels for, which the report names.
    parameters : dict, or several, optional
        Values of the loss's own parameters to try, such as ``{"gamma": 2.0}``.
    permutes : bool, default True
        Whether the classes may be put in another order; False where one is special.
    libraries : str, or several, optional
        Among "numpy", "array_api_strict", "torch", "jax", "dask" and "cupy"; all that are installed
        by default.
    laws : function, optional
        Which laws are held, all by default: a function of a law, which has a ``name``.

    Returns
    -------
    Report
        What was checked, to be printed.

    Raises
    ------
    BrokenLawError
        An `AssertionError` that lists every law that is broken, with library, arguments and place.
    Exception
        Whatever the loss raises, where it cannot be run at all on one of the libraries.
    NotImplementedError
        For a method that a kernel, or a curve, has to state and does not.
    TypeError, ValueError
        For a function that is no loss, for a method of a kernel that returns another thing than it has
        to, for parameters that are no dicts, and for names of targets and libraries that are none.

    Examples
    --------
    >>> import numpy as np, xent
    >>> from xent.testing import check
    >>> def textbook(t, q):
    ...     return -np.sum(t * np.log(q), axis=-1)
    >>> report = check(xent.cross_entropy, textbook, libraries="numpy")
    >>> print(str(report).splitlines()[0])
    cross_entropy holds
    """
    name = getattr(loss, "__name__", type(loss).__qualname__)
    if not hasattr(loss, "problem"):
        raise TypeError(f"{name} is no loss: it takes a function by xent.loss")
    kinds = None if targets is None else _kinds.several("targets", targets, str)
    for kind in kinds or ():
        if kind not in _case.KINDS:
            raise ValueError(f"targets has {kind!r}; it takes {', '.join(_case.KINDS)}")
    own = _kinds.several("parameters", parameters or ({},), Mapping)
    cases = tuple(_kinds.cases(loss, textbook, kinds, own, permutes))
    if not cases:
        raise TypeError(
            f"{name} takes no {', '.join(_case.FORMS)}: of its arguments no law is known"
        )
    if libraries is None:
        libraries = _libraries.installed()
    names = _kinds.several("libraries", libraries, str)
    report = Report(name, tuple(dict.fromkeys(case.kind for case in cases)))
    failures = list[Failure]()
    found = tuple(map(_libraries.library, names))
    for case in cases:
        _contract.hold(name, case)
    for library in found:
        _run_once(library, cases)
    for library in found:
        _check_on(library, cases, laws, report, failures)
    if failures:
        raise BrokenLawError(name, failures)
    return report


def _run_once(library: Any, cases: tuple[_case.Case, ...]) -> None:
    """Raise what a loss raises where it raises whatever it is given: no law says more of it."""
    first: Exception | None = None
    with getattr(library, "precise", nullcontext)():
        for case in cases:
            try:
                library.run(case.both, **case.draw())
            except Exception as error:
                error.add_note(f"raised on {library.name}, of {case}")
                first = first or error
            else:
                return
    if first is not None:
        raise first


def _check_on(
    library: Any,
    cases: tuple[_case.Case, ...],
    laws: Callable[[Law], bool],
    report: Report,
    failures: list[Failure],
) -> None:
    done = report.checked.setdefault(library.name, {})
    with getattr(library, "precise", nullcontext)():
        for law in LAWS:
            if (law.of is not None and library.name not in law.of) or not laws(law):
                continue
            for case in cases:
                try:
                    if not law.when(case):
                        continue
                    done[law.name] = done.get(law.name, 0) + 1
                    law.holds(library, case)
                except AssertionError as error:
                    failures.append(Failure(law.name, library.name, str(case), str(error)))
                except Exception as error:  # whatever a loss raises is a law that it breaks
                    what = f"raises {type(error).__name__}: {error}{_where(error)}"
                    failures.append(Failure(law.name, library.name, str(case), what))


def _where(error: BaseException) -> str:
    """Return in which function of somebody's, the innermost, an error was raised, if in any."""
    own, installed = Path(__file__).parents[1], {"site-packages", "dist-packages"}
    for frame in reversed(extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        there = frame.filename.startswith("<") or own in path.parents
        if not there and installed.isdisjoint(path.parts):
            return f", in {frame.name}, line {frame.lineno} of {path.name}"
    return ""
