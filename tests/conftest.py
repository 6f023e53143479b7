"""Which libraries are tested, and with which cases."""

import gc
import re
import sys
from collections import defaultdict
from pathlib import Path
from zlib import crc32

import pytest

from tests.backends import KNOWN, LIBRARIES, Backend, missing, start
from tests.cases import CASES, in_brief

WHOLE = ("numpy",)
"""Where every case is tried: the formulas are one for all libraries, and here a case costs least."""
SAID = ("errors", "nn")
"""The folders of which every case is tried on every library: what is said costs next to nothing."""
_OF_A_LIBRARY = re.compile(rf"test_({'|'.join(LIBRARIES)})(_\w+)?\.py")


def pytest_addoption(parser):
    parser.addoption(
        "--backend",
        action="append",
        choices=KNOWN,
        help="test this library; may be repeated; all that are installed by default",
    )
    parser.addoption(
        "--require",
        action="append",
        choices=KNOWN,
        default=[],
        help="fail at once where this library is missing; may be repeated",
    )
    parser.addoption(
        "--one-in",
        type=int,
        default=1,
        help="of each test's cases on a library other than NumPy, try one in so many, always the same",
    )


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "cases(of, slow): which cases are tested, and which of them where each costs a compilation",
    )
    config.addinivalue_line(
        "markers",
        "pinned: of the insides of a library, as in the version that is pinned or was measured",
    )
    if config.getoption("one_in") < 1:
        raise pytest.UsageError("--one-in: at least 1")
    lacking = [reason for name in config.getoption("require") if (reason := missing(name))]
    if lacking:
        raise pytest.UsageError(f"--require: {'; '.join(lacking)}")
    start(name for name in _selected(config) if missing(name) is None)


def pytest_report_header(config):
    selected = _selected(config)
    absent = [reason for name in selected if (reason := missing(name))]
    here = ", ".join(name for name in selected if missing(name) is None)
    share = config.getoption("one_in")
    brief = f"; one in {share} of each test's cases but on {', '.join(WHOLE)}" * (share > 1)
    return f"libraries: {here}" + f" ({'; '.join(absent)})" * bool(absent) + brief


def pytest_ignore_collect(collection_path, config):
    """Leave out the tests of one library where it is not asked for, or not there."""
    library = _library_of(collection_path)
    if library is not None and (library not in _bases(config) or missing(library)):
        return True
    return None


def pytest_generate_tests(metafunc):
    """Give ``backend`` the libraries, ``any_backend`` compiled ones too, ``case`` the losses."""
    name = next((n for n in ("backend", "any_backend") if n in metafunc.fixturenames), None)
    if name is None or _parametrized(metafunc, name):
        return
    libraries = _selected(metafunc.config)
    backends = [
        b for b in Backend if b.library in libraries and (name == "any_backend" or not b.compiles)
    ]
    if "case" not in metafunc.fixturenames or _parametrized(metafunc, "case"):
        metafunc.parametrize(name, [_param((b,)) for b in backends])
        return
    marker = metafunc.definition.get_closest_marker("cases")
    chosen = marker.kwargs if marker else {}
    wanted, slow = chosen.get("of", bool), chosen.get("slow", in_brief)
    pairs = []
    for b in backends:
        cases = [c for c in CASES if wanted(c) and (slow(c) or not b.is_slow)]
        pairs += [_param((b, c)) for c in (cases[:1] if missing(b.library) else cases)]
    metafunc.parametrize((name, "case"), pairs)


@pytest.fixture(autouse=True)
def _lent(request):
    """Have torch compute small tensors itself in every second test, always the same: else NumPy would."""
    if "torch" not in sys.modules or crc32(request.node.nodeid.encode()) % 2:
        yield
        return
    from xent.engines.torch import lent

    before, lent.BYTES = lent.BYTES, 0
    yield
    lent.BYTES = before


@pytest.hookimpl(trylast=True)  # of what the command line has chosen
def pytest_collection_modifyitems(config, items):
    """Run the tests of no library with NumPy's, so that they run once; and of some, a share."""
    bases = _bases(config)
    left = {item for item in items if _owner(item) not in bases}
    left |= _beyond(config.getoption("one_in"), (item for item in items if item not in left))
    if left:
        config.hook.pytest_deselected(items=list(left))
        items[:] = [item for item in items if item not in left]


def pytest_collection_finish():
    """Take what was collected, which stays, out of what a collection of garbage looks through each time."""
    gc.collect()
    gc.freeze()


def _beyond(share, items):
    """Return what is not tried of each test's cases where one in ``share`` is; one of each always is."""
    cases = defaultdict(list)
    for item in items:
        if _owner(item) not in WHOLE and item.path.parent.name not in SAID:
            cases[item.path, item.originalname].append(item)
    # By a hash, as every second or third of a grid would be all of one kind.
    mixed = (sorted(every, key=lambda x: crc32(x.nodeid.encode())) for every in cases.values())
    return {item for every in mixed for item in every[-(-len(every) // share) :]}


def _selected(config):
    return config.getoption("backend") or LIBRARIES


def _bases(config):
    """Return the libraries without the device that they are on."""
    return {name.partition("-")[0] for name in _selected(config)}


def _library_of(path):
    found = _OF_A_LIBRARY.fullmatch(Path(path).name)
    return found and found[1]


def _owner(item):
    params = getattr(getattr(item, "callspec", None), "params", {})
    backend = params.get("backend", params.get("any_backend"))
    name = getattr(backend, "library", None) or getattr(backend, "name", backend)
    return str(name or _library_of(item.path) or "numpy").partition("-")[0]


def _parametrized(metafunc, name):
    marks = metafunc.definition.iter_markers("parametrize")
    return any(name in re.findall(r"\w+", str(mark.args[0])) for mark in marks)


def _param(values):
    reason = missing(values[0].library)
    marks = [pytest.mark.skip(reason=reason)] if reason else []
    return pytest.param(*values, id="-".join(map(str, values)), marks=marks)
