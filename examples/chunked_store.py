"""Score the predictions of a model that do not fit in memory: a zarr store of chunks, by xarray's names.

The logits lie on disk in chunks. Dask reads them chunk by chunk, and each loss is computed where its chunk
is: what is returned to this process is one number, or a store of gradients as large as that of the logits.

    python examples/chunked_store.py --rows 100000

needs zarr and xarray beside Dask.
"""

import argparse
import tempfile
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import xarray as xr
import zarr

import xent

CLASSES, CHUNK = 32, 1024


def store(folder, rows):
    """Write logits and labels, chunk by chunk, as a model would that predicts batch by batch."""
    draw = np.random.default_rng(0)
    made = {"shape": (rows, CLASSES), "chunks": (CHUNK, CLASSES), "dtype": "f4"}
    logits = zarr.create_array(folder / "logits.zarr", **made)
    labels = zarr.create_array(folder / "labels.zarr", shape=(rows,), chunks=(CHUNK,), dtype="i8")
    for start in range(0, rows, CHUNK):
        batch = slice(start, min(start + CHUNK, rows))
        truth = draw.integers(0, CLASSES, batch.stop - batch.start)
        labels[batch] = truth
        logits[batch] = draw.normal(size=(len(truth), CLASSES)) + 4 * np.eye(CLASSES)[truth]


def by_zarr(folder):
    """Return the mean loss of the store, and write its gradient into another, never whole in memory."""
    logits, labels = (da.from_zarr(folder / f"{name}.zarr") for name in ("logits", "labels"))
    value, gradient = xent.value_and_grad(xent.cross_entropy)(labels, logits=logits)
    written = gradient.to_zarr(folder / "gradient.zarr", compute=False)
    value, _ = dask.compute(value, written)
    return float(value), zarr.open_array(folder / "gradient.zarr")


def by_xarray(folder):
    """Return the loss of each row as an array with names: its dimension is that of the labels."""
    logits, labels = (da.from_zarr(folder / f"{name}.zarr") for name in ("logits", "labels"))
    logits = xr.DataArray(logits, dims=("row", "class"))
    labels = xr.DataArray(labels, dims="row")
    return xr.apply_ufunc(
        lambda logits, labels: xent.cross_entropy(labels, logits=logits, reduction="none"),
        logits,
        labels,
        input_core_dims=[["class"], []],
        dask="allowed",  # the function takes Dask's arrays as they are, whatever their chunks
    )


def main():
    """Make a store, and score it both ways."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000, help="rows of logits (%(default)s)")
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store(folder, rows)
        value, gradient = by_zarr(folder)
        print(f"mean        {value:.6f} nats")
        print(f"gradient    {gradient.shape} in chunks of {gradient.chunks}")
        each = by_xarray(folder)
        print(f"by row      {each.dims} {each.shape}")
        print(f"their mean  {float(each.mean()):.6f} nats")
        parallel = xr.apply_ufunc(
            xent.logsumexp,
            xr.DataArray(da.from_zarr(folder / "logits.zarr"), dims=("row", "class")),
            input_core_dims=[["class"]],
            dask="parallelized",  # or it is called on each chunk, which has whole rows
            output_dtypes=[np.float32],
        )
        print(f"logsumexp   {parallel.dims} {float(parallel.mean()):.6f}")


if __name__ == "__main__":
    main()
