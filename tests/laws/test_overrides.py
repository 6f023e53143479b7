"""A verb that an engine gives its library a form of returns what the plain form returns."""

import inspect

import numpy as np
import pytest
from array_api_compat import numpy

from tests.backends import Backend
from tests.laws.large import long_sum
from tests.laws.verbs import (
    CALLS,
    DTYPES,
    INSIDE,
    MODERATE,
    OUTSIDE,
    SPECIAL,
    WIDE,
    Given,
)
from tests.near import assert_near, assert_same
from xent import _dispatch
from xent._namespace import _STANDARD, Namespace

LARGE = {
    "jax": {"xent.engines.jax.verbs.SMALL": 0},
    "torch": {
        f"xent.engines.torch.in_place.{n}": x for n, x in (("MANY", 0), ("LONG", 1), ("STEP", 3))
    },
}
"""From how many numbers an array has other forms of its own, made as few as test them."""
OF_FEW = "TurnedVerbs"
"""Verbs of rows of few classes: of many each would be a program of its own here."""


def forms_of(engine):
    """Return the verbs of an engine's library in all their forms, each by a name.

    As if all were finite is computed only where temporaries are written over.
    """
    if type(engine.xp) is Namespace:
        return {}
    package = type(engine).__module__.removesuffix(".engine")
    classes = [c for c in _below(Namespace) if c.__module__.startswith(package)]
    forms = {}
    for verbs in classes:
        known = inspect.signature(verbs).parameters
        kinds = [{}, *({"mode": m} for m in ("stored", "block") if "mode" in known)]
        # Not of a class that inherits it: no engine writes over temporaries of what a compiler makes.
        kinds += [{"alone": True}] if "__init__" in vars(verbs) and "alone" in known else []
        kinds += [{"finite": True}] if "finite" in known and "times" in vars(verbs) else []
        for kind in kinds:
            forms[f"{verbs.__name__}{kind or ''}"] = verbs(engine.xp.api, **kind)
    for verbs in getattr(engine, "columns", ()):
        forms[f"columns, finite={verbs.finite}"] = verbs
    return forms


def _below(cls):
    for sub in cls.__subclasses__():
        yield sub
        yield from _below(sub)


def overridden(xp):
    """Return the names of the verbs that are not those of `Namespace`, nor the library's own."""
    plain = Namespace(xp.api, finite=xp.finite)
    own = {n for c in type(xp).__mro__ if c not in (Namespace, object) for n in vars(c)}
    own |= {n for n, f in vars(xp).items() if callable(f) and f is not vars(plain).get(n)}
    return (
        {n for n in own if n in (*_STANDARD, "integer", "floating") or hasattr(Namespace, n)}
        - {n for n in own if n.startswith("__")}
        - {"api"}
    )


def compared(name, got, want, rows, loops):
    if name == "sum" and got.dtype.kind == "f":
        size = np.max(np.abs(rows), where=np.isfinite(rows), initial=0) * 5000
        assert_near(got, want, 4, scale=size)
    elif loops and name in ("parted", "peak_and_place", "sum_beside"):  # by sums of another order
        assert_near(got, want, 4)
    else:
        assert_same(got, want)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_every_form_of_a_verb_is_the_plain_one(backend, dtype):
    check(backend, dtype)


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_and_every_form_for_large_arrays(backend, monkeypatch):
    if backend.library in LARGE:
        _dispatch.engine_of("x", backend.asarray(np.zeros(1)))
        for name, size in LARGE[backend.library].items():
            monkeypatch.setattr(name, size)
    check(backend, "float64")


def check(backend, dtype):
    engine = _dispatch.engine_of("x", backend.asarray(np.zeros(1)))
    make = np.array if backend.library == "numpy" else backend.asarray
    of_plain = np.array if backend.is_lazy else make  # Dask lacks what the plain `pick` is made of
    for form, xp in forms_of(engine).items():
        plain = Namespace(numpy if backend.is_lazy else xp.api, finite=xp.finite)
        cases = [(MODERATE, INSIDE), (WIDE, INSIDE)]
        if not xp.finite:
            cases += [(MODERATE, OUTSIDE), (WIDE, OUTSIDE), (SPECIAL, INSIDE), (SPECIAL, OUTSIDE)]
        # Of which the last bits are others: all are looked at in `test_torch_compiled_digits`.
        names = overridden(xp) - ({"log1p", "log_near_or_far"} if xp.alone else set())
        assert names <= set(CALLS), f"{form} has a form of {names - set(CALLS)} that nothing tests"
        for name in sorted(names):
            for call in CALLS[name]:
                for rows, index in cases:
                    if form.startswith(OF_FEW) and (rows is WIDE or call is long_sum):
                        continue
                    got = engine.run(call, xp, Given(make, rows, index, dtype))
                    want = call(plain, Given(of_plain, rows, index, dtype))
                    if isinstance(want, (bool, list)):
                        assert got == want, (form, name)
                        continue
                    try:
                        of = Backend.NUMPY if backend.is_lazy else backend
                        given = backend.numbers(got), of.numbers(want), np.asarray(rows)
                        compared(name, *given, xp.alone)
                    except AssertionError as error:
                        raise AssertionError(f"{form}.{name} of {rows}: {error}") from error
