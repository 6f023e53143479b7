"""However a call is cut, on Dask it is NumPy's on the whole, in memory and tasks that the chunks bound."""

import dask
import dask.array as da
import numpy as np
import pytest

import xent
from tests.backends import converted
from tests.cases import CASES
from tests.linear.textbook import CE
from tests.memory import peak
from tests.near import assert_near, largest

ROWS, CLASSES = 6, 5
CHUNKS = {
    "uneven": ((1, 3, 2), (2, 3)),
    "empty": ((0, 4, 0, 2), (0, 3, 0, 2)),
}
MEMORY = 4.5
"""Chunks of the prediction that a task may hold, its operands and results among them."""


def cut(x, chunks):
    """Return a lazy array in chunks of rows, of classes, or of both."""
    along = dict(zip((ROWS, CLASSES), chunks, strict=True))
    return da.from_array(x, chunks=tuple(along[n] for n in x.shape))


def same(got, want):
    for mine, right in zip(dask.compute(*got, scheduler="sync"), want, strict=True):
        scale = largest(right) if np.ndim(right) else None
        assert_near(np.asarray(mine), np.asarray(right), scale=scale)


@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_way_to_cut(case, chunks):
    given = case.arguments(seed=90, rows=(ROWS,), classes=CLASSES)
    given |= case.options(seed=90, rows=(ROWS,), classes=CLASSES)
    lazy = converted(given, lambda x: cut(x, chunks))
    value, gradient = case.both(**lazy)
    same((value, gradient), case.both(**given))
    assert gradient.chunks == lazy[case.form].chunks


@pytest.mark.parametrize("case", CASES, ids=str)
def test_rows_of_an_unknown_number_in_chunks_of_classes(case):
    given = case.arguments(seed=91, rows=(ROWS,), classes=CLASSES)
    keep = np.asarray([True, False, True, False, False, True])
    kept = cut(keep, CHUNKS["uneven"])
    lazy = converted(given, lambda x: cut(x, CHUNKS["uneven"])[kept])
    same(case.both(**lazy), case.both(**{k: x[keep] for k, x in given.items()}))


def tiled(rows):
    """Return what makes of an array a lazy one of one chunk, with its first two rows over and over."""

    def lazy(x):
        if x.ndim == 0 or len(x) != rows:
            return da.from_array(x, chunks=-1)
        some, times = x[:2].copy(), (rows // 2,) + (1,) * (x.ndim - 1)
        meta, sizes = np.empty((0,) * x.ndim, x.dtype), tuple((n,) for n in x.shape)
        return da.map_blocks(lambda: np.tile(some, times), dtype=x.dtype, chunks=sizes, meta=meta)

    return lazy


def taken(*lazy):
    """Return the bytes that computing the arrays takes at most."""
    return peak(dask.compute, *lazy, scheduler="sync")


def tasks_of(x):
    """Return by name the layers of a graph that cut an array anew."""
    return [name for name in x.__dask_graph__().layers if name.startswith("rechunk")]


@pytest.mark.parametrize(
    "case",
    [c for c in CASES if c.merges and (c.form == "logits" or c.kind == "target_logits")],
    ids=str,
)
def test_no_logits_are_cut_anew(case):
    given = case.arguments(seed=95, rows=(ROWS,), classes=CLASSES)
    value, gradient = case.both(**converted(given, lambda x: cut(x, CHUNKS["uneven"])))
    assert tasks_of(value) == []
    assert tasks_of(gradient) == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_memory_of_a_chunk(case):
    rows, classes = 1 << 12, 3 << 9
    given = converted(
        case.arguments(rows=(2,), classes=classes), lambda x: np.repeat(x, rows // 2, 0)
    )
    lazy = converted(given, tiled(rows))
    assert taken(*case.both(**lazy)) < MEMORY * 8 * rows * classes


def head(rows, classes, width=64, size=(256, 256), wide=64):
    """Return labels, features and weight, lazy, in chunks of the given size."""
    draw = da.random.default_rng(0)
    features = draw.normal(size=(rows, width), chunks=(size[0], width))
    weight = draw.normal(size=(classes, width), chunks=(size[1], wide))
    labels = draw.integers(0, classes, size=rows, chunks=size[0])
    return labels, features, weight


def small(both):
    """Return the value and numbers that stand for the gradients."""
    return both[0], *((x**2).sum() for x in both[1] if x is not None)


@pytest.mark.parametrize("classes", [256, 768])
def test_memory_of_a_head_does_not_grow_with_its_chunks(classes):
    """But for the features, which a scheduler may keep from the statistics of all rows to gradients."""
    both = xent.value_and_grad(CE)
    few, many = (taken(*small(both(*head(n, classes)))) for n in (1024, 3072))
    kept = 8 * 64 * (3072 - 1024) * (classes > 256)
    assert many < 1.25 * few + kept + (3072 - 1024) * 16  # a row's label and weight


def test_tasks_are_as_many_as_chunks():
    def tasks(rows, classes):
        value, slopes = xent.value_and_grad(CE)(*head(256 * rows, 256 * classes))
        graphs = (x.__dask_graph__() for x in (value, *slopes) if x is not None)
        return len({key for graph in graphs for key in graph})

    for rows, classes in [(8, 1), (8, 4), (16, 8)]:
        assert tasks(rows, classes) <= 20 * rows * classes + 50

    def of_logits(rows, classes):
        logits = da.zeros((4 * rows, 4 * classes), chunks=4)
        both = xent.value_and_grad(xent.cross_entropy)
        value, g = both(da.zeros(4 * rows, dtype=int, chunks=4), logits=logits)
        return len({*value.__dask_graph__(), *g.__dask_graph__()})

    for rows, classes in [(8, 1), (8, 4), (16, 8)]:
        assert of_logits(rows, classes) <= 12 * rows * classes + 50


HEADS = {
    "labels": (CE, False, {"label_smoothing": 0.125, "z_loss": 0.25, "softcap": 3.0}),
    "distributions": (xent.linear_head(xent.kl_divergence), True, {}),
    "two rounds": (xent.linear_head(xent.brier_score), True, {}),
    "elements": (xent.linear_binary_cross_entropy, True, {}),
}


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("width", [(4,), (1, 3)], ids=["", "width"])
@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
@pytest.mark.parametrize("name", HEADS)
def test_a_head_in_chunks(name, chunks, width, reduction):
    function, soft, options = HEADS[name]
    draw = np.random.default_rng(92)
    features, weight = draw.normal(size=(ROWS, 4)), draw.normal(size=(CLASSES, 4))
    bias, labels = draw.normal(size=CLASSES), draw.integers(0, CLASSES, ROWS)
    target = draw.dirichlet(np.ones(CLASSES), ROWS) if soft else labels
    options = {**options, "reduction": reduction}
    lazy = [
        cut(target, chunks),
        da.from_array(features, chunks=(chunks[0], width)),
        da.from_array(weight, chunks=(chunks[1], width)),
        cut(bias, chunks),
    ]
    value, slopes = xent.value_and_grad(function)(*lazy, **options)
    want, want_slopes = xent.value_and_grad(function)(target, features, weight, bias, **options)
    got = dask.compute(value, *slopes, scheduler="sync")
    for mine, right in zip(got, (want, *want_slopes), strict=True):
        assert_near(np.asarray(mine), np.asarray(right), scale=np.max(np.abs(right)))
    assert [x.chunks for x in slopes] == [x.chunks for x in lazy[1:]]


@pytest.mark.parametrize("name", ["bias", "class_weight", "target"])
def test_a_head_in_one_chunk_of_classes_beside_what_is_cut(name):
    """Whether a chunk has whole rows is a question of all arrays that have classes."""
    draw = np.random.default_rng(93)
    given = {"features": draw.normal(size=(ROWS, 4)), "weight": draw.normal(size=(CLASSES, 4))}
    given |= {"target": draw.integers(0, CLASSES, ROWS), "bias": draw.normal(size=CLASSES)}
    given["class_weight"] = draw.uniform(1, 2, CLASSES)
    if name == "target":
        given["target"] = draw.dirichlet(np.ones(CLASSES), ROWS)
    chunks = {k: x.shape for k, x in given.items()}
    chunks[name] = (*chunks[name][:-1], CLASSES // 2)
    lazy = {k: da.from_array(x, chunks=chunks[k]) for k, x in given.items()}
    value, slopes = xent.value_and_grad(CE)(**lazy)
    want, want_slopes = xent.value_and_grad(CE)(**given)
    for mine, right in zip(dask.compute(value, *slopes), (want, *want_slopes), strict=True):
        assert_near(np.asarray(mine), np.asarray(right), scale=np.max(np.abs(right)))


@pytest.mark.parametrize("name", ["class_weight", "target"])
def test_whole_logits_beside_what_is_cut(name):
    draw = np.random.default_rng(94)
    given = {"logits": draw.normal(size=(ROWS, CLASSES))}
    given |= {
        "target": draw.integers(0, CLASSES, ROWS),
        "class_weight": draw.uniform(1, 2, CLASSES),
    }
    if name == "target":
        given["target"] = draw.dirichlet(np.ones(CLASSES), ROWS)
    lazy = {k: da.from_array(x, chunks=x.shape) for k, x in given.items()}
    lazy[name] = lazy[name].rechunk((*given[name].shape[:-1], CLASSES // 2))
    want, slope = xent.value_and_grad(xent.cross_entropy)(**given)
    value, g = dask.compute(*xent.value_and_grad(xent.cross_entropy)(**lazy))
    assert_near(np.asarray(value), want)
    assert_near(g, slope, scale=np.max(np.abs(slope)))
