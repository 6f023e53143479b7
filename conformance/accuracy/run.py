"""Measure ways of calling xent and its peers on every subject, dtype and family."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from conformance.accuracy.inputs import FULL, NARROW, QUICK, Size
from conformance.accuracy.measure import Line, of_peer, of_xent
from conformance.accuracy.problem import SEED, problems
from conformance.accuracy.subjects import SUBJECTS, Subject
from conformance.accuracy.ways import Way
from conformance.adapters.peer import Peer
from conformance.backends import HALF, REAL

#: Where each new shape or dtype costs a compilation of seconds.
SLOW = ("torch-compiled",)
COMPILED = ("jax", "optax", "keras")


@dataclass(frozen=True)
class Scope:
    """What is measured: the rows, the dtypes, and what to leave out of a quick run."""

    name: str
    size: Size
    dtypes: tuple[str, ...]

    def includes(self, library: str, dtype: str) -> bool:
        """Whether a library is measured in a dtype."""
        if library in SLOW:
            return self.name == "full" and dtype in REAL
        return self.name == "full" or library not in COMPILED or dtype == "float32"

    def size_for(self, library: str) -> Size:
        """Return the rows that a library is measured on."""
        return NARROW if library in SLOW else self.size


FULL_SCOPE = Scope("full", FULL, REAL + HALF)
QUICK_SCOPE = Scope("quick", QUICK, REAL)


def measure(
    ways: Sequence[Way],
    peers: Sequence[Peer],
    scope: Scope,
    seed: int = SEED,
    only: str = "",
    show: bool = True,
) -> Iterator[Line]:
    """Yield a line for every library, subject, quantity, family and dtype.

    Parameters
    ----------
    only : str
        Subjects whose name contains this text.
    show : bool
        Whether to draw a progress bar on stderr.
    """
    chosen = [subject for name, subject in SUBJECTS.items() if only in name]
    # Kinds outside, so that the inputs of a kind are made once for all that take them.
    chosen.sort(key=lambda subject: subject.kind.__name__)
    steps = [(subject, dtype) for subject in chosen for dtype in scope.dtypes]
    with tqdm(total=len(steps) * (len(ways) + len(peers)), disable=not show, unit="call") as bar:
        for subject, dtype in steps:
            bar.set_description(f"{subject.name} {dtype}"[:40].ljust(40))
            for library in (*ways, *peers):
                yield from _lines(library, subject, dtype, scope, seed)
                bar.update()


def _lines(
    library: Way | Peer, subject: Subject, dtype: str, scope: Scope, seed: int
) -> Iterator[Line]:
    has = library.backend.has(dtype) if isinstance(library, Way) else dtype in library.dtypes
    if not has or not scope.includes(library.name, dtype):
        return
    for problem in problems(subject, dtype, scope.size_for(library.name), seed):
        if isinstance(library, Way):
            yield from of_xent(library, problem)
        else:
            yield from of_peer(library, problem)
