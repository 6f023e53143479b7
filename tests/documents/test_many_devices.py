"""Losses in parts by hand: the examples give the whole's numbers, and send what is on paper."""

import re

import numpy as np
import pytest

import xent
from tests.documents.script import EXAMPLES, run

PAGE = (EXAMPLES / "many_devices.md").read_text(encoding="utf-8")
PLACE = {"first": 0, "classes": 6}
BYTES, CLASSES, WIDTH, LABELS = 4, 128256, 4096, 3


def table(first):
    """Return the rows of the table whose head begins with a cell."""
    _, _, text = PAGE.partition(f"\n| {first} |")
    lines = text.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def ring(devices):
    return 2 * (devices - 1) / devices


def costs(devices, k, width, classes):
    """Return the bytes a row that a device receives, in the order of the page's columns."""
    machine = 100 if devices == 10000 else 2 ** int(np.log2(devices) / 2)
    two_steps = machine - 1 + devices / machine - 1
    numbers = (devices - 1) * k, two_steps * k, ring(devices) * k, ring(devices) * width
    return [BYTES * n for n in (*numbers, ring(devices) / 2 * classes)]


def test_the_table_is_what_the_formulas_say():
    rows = table("P")
    assert len(rows) == 7
    for devices, *cells in rows:
        for cell, n in zip(cells, costs(int(devices), LABELS, WIDTH, CLASSES), strict=True):
            assert cell == f"{n:.3f}".rstrip("0").rstrip(".")


def statistics(loss, of):
    """Return k of the loss that a row of the table names, in each round."""
    soft = np.full((1, 3), 0.1)
    names = [name.strip("`") for name in of.split(", ")]
    given = {name: soft for name in ("logits", "probs", "target_logits") if name in names}
    if names[0] in ("labels", "smoothed labels", "distributions"):
        given["target"] = soft if names[0] == "distributions" else [0]
    options = {"label_smoothing": 0.1} if names[0] == "smoothed labels" else {}
    options |= {"z_loss": 0.1} if "z_loss" in of else {}
    options |= {"reduction": "sum"} if "sum" in of else {}
    part, every = xent.part(getattr(xent, loss.strip("`")))(**given, **options, **PLACE), []
    while part is not None:
        every.append(part.statistics)
        part = part.merged(every[-1:]).again
    return [s.shape[0] for s in every]


def test_k_is_what_is_measured():
    rows = table("loss")
    assert len(rows) == 12
    assert [statistics(loss, of) for loss, of, _ in rows] == [
        list(map(int, k.split(", and "))) for *_, k in rows
    ]


def said(script):
    done = run(EXAMPLES / script)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_jax_sends_is_what_the_page_says():
    pytest.importorskip("jax")
    printed = said("parts_jax.py")
    one = re.search(r"1 device +loss ([\d.]+)", printed)[1]
    lines = re.findall(r"(\d) devices +loss ([\d.]+) +off (\S+) +bytes a row: (.*)", printed)
    assert [int(devices) for devices, *_ in lines] == [2, 4, 8]
    for devices, loss, off, sent in lines:
        assert float(loss) == pytest.approx(float(one), rel=1e-6)
        assert float(off) < 16 * 2.0**-23
        gathered, _, _, summed, _ = costs(int(devices), LABELS, 32, 4096)
        assert sent == f"all-gather {gathered:g}, all-reduce {summed:g}"


def test_processes_of_torch_train_as_one():
    pytest.importorskip("torch")
    lines = re.findall(
        r"one process ([\d.]+)  2 processes ([\d.]+)  off (\S+)", said("parts_torch.py")
    )
    assert len(lines) == 10
    for one, two, off in lines:
        assert one == two
        assert float(off) < 16 * 2.0**-52
    assert float(lines[-1][0]) < float(lines[0][0]) / 2


def test_files_are_one_array():
    files, memory, off = re.findall(r"[\d.]+(?:e-\d+)?", said("parts_on_disk.py"))
    assert files == memory
    assert float(off) < 8 * 2.0**-52
