"""One size of one family: every contender checked, then all of them timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.accuracy import judge_gradients, judge_value
from benchmarks.entries import Entry, Key, Missing, entries, missing
from benchmarks.exact import Exact
from benchmarks.family import BOTH, FORWARD, MODES, Contender, Family, MissingError, Shape
from benchmarks.floors import Speeds, floor
from benchmarks.problem import problem, traffic
from benchmarks.runners.base import Call, Runner
from benchmarks.timing import interleave

Row = dict[str, Any]
Chosen = Callable[[Runner, Contender], bool]


@dataclass
class Session:
    """What one run of the command shares between its cases.

    Attributes
    ----------
    runners : dict
        Those that are here.
    quick : bool
        Small sizes and few rounds: to see that all works, never to quote.
    rounds, warmups : int
        Samples per contender, and how many before them are thrown away.
    speeds : dict
        Device to its measured bandwidth.
    missing : list
        Who could not be measured; grows.
    """

    runners: dict[str, Runner]
    quick: bool
    rounds: int
    warmups: int
    speeds: dict[str, Speeds | None] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)

    def leaves_out(self, family: Family, elements: int, chosen: Chosen) -> None:
        """Note who is not asked because the problem is too large for them."""
        for contender in family.contenders:
            if contender.largest is not None and elements > contender.largest:
                reason = MissingError(f"left out above {contender.largest} logits: too slow")
                for name in set(contender.runners) & set(self.runners):
                    note = missing(name, contender.name, reason)
                    new = chosen(self.runners[name], contender) and note not in self.missing
                    self.missing += [note] if new else []

    def lacks(self, entry: Entry, error: BaseException) -> None:
        """Note a contender that cannot run, once."""
        note = missing(*entry.key, error)
        if note not in self.missing:
            self.missing.append(note)


def _check(entry: Entry, mode: str, exact: Exact, dtype: str, rows: bool) -> tuple[Call, Row]:
    """Return the call to be timed, and its errors."""
    call = entry.call(mode)
    if call is None:
        raise MissingError("no gradient of its own")
    result = call()
    value = result if mode == FORWARD else result[0]
    found: Row = {"value_dtype": str(getattr(value, "dtype", type(value).__name__)).split(".")[-1]}
    value = entry.host(value)
    if mode == BOTH:
        slopes = tuple(entry.host(slope) for slope in result[1])
        return call, found | judge_gradients(value, slopes, exact, dtype)
    return call, found | judge_value(value, _rows(entry) if rows else None, exact, dtype)


def _rows(entry: Entry) -> Any:
    """Return the loss of each row, or None where the contender has no such thing."""
    try:
        return entry.host(entry.forward("none")())
    except MissingError:
        return None


def _checked(
    found: list[Entry], mode: str, exact: Exact, dtype: str, session: Session
) -> tuple[dict[Key, Call], dict[Key, Row]]:
    """Return the calls that work and the rows of all that were tried."""
    calls, rows = {}, {}
    for entry in found:
        row: Row = {"runner": entry.runner.name, "contender": entry.contender.name}
        # A third program to compile, for a number that a quick run is not for.
        by_row = not (session.quick and entry.runner.compiled)
        try:
            calls[entry.key], errors = _check(entry, mode, exact, dtype, by_row)
        except (MissingError, ImportError) as error:
            if mode == FORWARD:
                session.lacks(entry, error)
            continue
        except Exception as error:  # whatever a peer raises belongs in the table
            errors = {"ok": False, "raised": missing("", "", error)["why"]}
        rows[entry.key] = row | errors
    return calls, rows


def _add_times(rows: dict[Key, Row], times: dict[Key, list[float]], family: Family) -> None:
    """Add what each round took, the medians, and who is compared with whom."""
    for key, samples in times.items():
        rows[key] |= {"seconds": median(samples), "samples": samples}
    for key, row in rows.items():
        row["reference"] = family.reference[key[0]]


def _one_mode(
    family: Family,
    found: list[Entry],
    exact: Exact,
    dtype: str,
    mode: str,
    session: Session,
    floors: Callable[[str], float | None],
) -> Row:
    calls, rows = _checked(found, mode, exact, dtype, session)
    least = {"least": 0.002} if session.quick else {}
    _add_times(rows, interleave(calls, session.rounds, session.warmups, **least), family)
    for row in rows.values():
        least_time = floors(session.runners[row["runner"]].device)
        row["floor"] = least_time
        known = least_time is not None and "seconds" in row
        row["of_floor"] = least_time / row["seconds"] if known else None
    return {"mode": mode, "rows": list(rows.values())}


def everyone(runner: Runner, contender: Contender) -> bool:
    """Leave nobody out."""
    return True


def measure(
    family: Family,
    shape: Shape,
    axis: int,
    dtype: str,
    session: Session,
    chosen: Chosen = everyone,
) -> list[Row]:
    """Return the results of one size: a dict per mode, with a row per contender."""
    inputs = problem(family, shape, axis, dtype)
    exact = family.exact(inputs, axis)
    all_entries = entries(family, inputs, axis, dtype, session.runners)
    found = [entry for entry in all_entries if chosen(entry.runner, entry.contender)]
    session.leaves_out(family, inputs[family.wrt[0]].size, chosen)
    read, written = traffic(family, inputs, dtype)
    results = []
    for mode in MODES:
        flops = family.flops(shape, mode) if family.flops else 0

        def floors(device: str, mode: str = mode, flops: int = flops) -> float | None:
            return floor(session.speeds.get(device), read, written, mode, flops)

        results.append(_one_mode(family, found, exact, dtype, mode, session, floors))
    for runner in session.runners.values():
        runner.forget()
    return results
