"""Logits that lie on disk in pieces of classes, of which no more than one is in memory: two rounds.

In the first each piece is measured, and k numbers of each row are kept. In the second each has its gradient,
which is written beside it. Printed is the value, and what one array in memory has.
"""

import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np

import xent

ROWS, CUTS = 256, (0, 1000, 1001, 3500, 5000)
CLASSES = CUTS[-1]


def parts(labels, folder):
    """Yield the part of each file, which is read while that is measured, and its number."""
    for i, first in enumerate(CUTS[:-1]):
        logits = np.load(folder / f"logits-{i}.npy", mmap_mode="r")
        yield i, xent.part(xent.cross_entropy)(labels, logits=logits, first=first, classes=CLASSES)


def value_of_files(labels, folder):
    """Return the value; the gradient of each piece is written beside it."""
    every = [part.statistics for _, part in parts(labels, folder)]
    value = None
    for i, part in parts(labels, folder):
        value, gradient = part.merged(every).value_and_gradient()
        np.save(folder / f"gradient-{i}.npy", gradient)
    return value


def main():
    """Print what comes of the parts, and what of the whole."""
    draw = np.random.default_rng(0)
    labels, logits = draw.integers(0, CLASSES, ROWS), draw.normal(size=(ROWS, CLASSES))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for i, (a, b) in enumerate(pairwise(CUTS)):
            np.save(folder / f"logits-{i}.npy", logits[:, a:b])
        value = value_of_files(labels, folder)
        pieces = [np.load(folder / f"gradient-{i}.npy") for i in range(len(CUTS) - 1)]
    whole, slope = xent.value_and_grad(xent.cross_entropy)(labels, logits=logits)
    off = np.max(np.abs(np.concatenate(pieces, axis=1) - slope)) / np.max(np.abs(slope))
    print(f"files {value:.12f}  memory {whole:.12f}  gradient off {off:.1e}")


if __name__ == "__main__":
    main()
