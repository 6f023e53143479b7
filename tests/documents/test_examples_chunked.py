"""The example of a store of chunks runs as a user runs it, and returns the textbook's numbers."""

import re
import runpy

import numpy as np
import pytest

from tests.documents.script import EXAMPLES, run

SCRIPT = EXAMPLES / "chunked_store.py"


def test_a_store_of_chunks(tmp_path):
    for library in ("dask", "xarray", "zarr"):
        pytest.importorskip(library)
    import zarr

    done = run(SCRIPT, "--rows", 3000)
    assert done.returncode == 0, done.stderr
    runpy.run_path(str(SCRIPT))["store"](tmp_path, 3000)
    logits = zarr.open_array(tmp_path / "logits.zarr")[:].astype(np.float64)
    labels = zarr.open_array(tmp_path / "labels.zarr")[:]
    normaliser = np.log(np.sum(np.exp(logits), axis=1))
    want = np.mean(normaliser - logits[np.arange(3000), labels])
    said = dict(re.findall(r"^(mean|their mean|logsumexp)\D*([\d.]+)", done.stdout, re.MULTILINE))
    assert {name: float(x) for name, x in said.items()} == pytest.approx(
        {"mean": want, "their mean": want, "logsumexp": np.mean(normaliser)}, rel=2e-6
    )
    assert "gradient    (3000, 32) in chunks of (1024, 32)" in done.stdout
