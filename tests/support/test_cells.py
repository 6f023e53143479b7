"""Every cell of the table of what runs where: a function, a library, a way."""

import pytest

from tests.support.functions import FUNCTIONS, NAMES
from tests.support.record import of_registry
from tests.support.ways import WAYS, applies

# Of torch's own forward mode, which imports it.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")
CELLS = [
    pytest.param(backend, name, f, id=f"{backend}-{name}-{f}")
    for backend, ways in WAYS.items()
    for name in ways
    for f in FUNCTIONS
    if applies(name, f)
]


@pytest.mark.parametrize(("backend", "way", "f"), CELLS)
def test_cell(backend, way, f, record_property):
    pytest.importorskip(backend.module.__name__)
    WAYS[backend][way](backend, f)
    record_property("cell", (f.name, backend.library, way))


def test_every_function_is_in_the_table():
    assert of_registry() == NAMES
