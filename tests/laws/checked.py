"""What the tests of `xent.testing.check` share: the libraries here, and what is found of a wrong loss."""

import pytest

from tests.backends import LIBRARIES, missing
from tests.laws import broken
from xent.testing import BrokenLawError, check

MODULES = {"strict": "array_api_strict"}
QUICK = ("numpy", "strict", "torch")
"""Libraries that a law costs no compilation and no graph."""


def skipped(name):
    """Return the mark of a library that is not here."""
    reason = missing(name)
    return [pytest.mark.skip(reason=reason)] if reason else []


each_library = pytest.mark.parametrize(
    "backend", [pytest.param(name, marks=skipped(name)) for name in LIBRARIES]
)


def here(backend):
    return [MODULES.get(backend, backend)]


def failures(loss, textbook=broken.cross_entropy, backend="numpy", **record):
    """Return what is found, by the law."""
    with pytest.raises(BrokenLawError) as found:
        check(loss, textbook, libraries=here(backend), **record)
    for failure in found.value.failures:
        assert failure.law in str(found.value)
        assert failure.library in str(found.value)
        assert failure.what in str(found.value)
    return {failure.law: failure.what for failure in found.value.failures}


def of(law, found):
    """Return what is said of a law: that it is broken, and not that the loss cannot be run."""
    what = next(what for name, what in found.items() if law in name)
    assert "raises" not in what
    return what
