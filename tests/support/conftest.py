"""The table of what runs where, of what passed: `nox -s support` names its file, `XENT_SUPPORT`."""

import json
import os
from pathlib import Path

from tests.support.record import digest

FILE = os.environ.get("XENT_SUPPORT")
collect_ignore_glob = [] if FILE else ["test_*.py"]
_cells = []


def pytest_runtest_logreport(report):
    if report.when == "call" and report.passed:
        _cells.extend(value for name, value in report.user_properties if name == "cell")


def pytest_sessionfinish(session, exitstatus):
    if FILE and not hasattr(session.config, "workerinput"):
        table = {"digest": digest(), "passed": exitstatus == 0, "cells": sorted(map(list, _cells))}
        Path(FILE).parent.mkdir(parents=True, exist_ok=True)
        Path(FILE).write_text(json.dumps(table, indent=0) + "\n", encoding="utf-8")
