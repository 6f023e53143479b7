"""Calls of every verb that has more forms than one, and what they are called with."""

import numpy as np

from tests.laws.large import long_sum, mixed
from tests.near import EPS

I, NAN = np.inf, np.nan  # noqa: E741  # ∞, as the tables are read
MODERATE = [[0.5, -1.25, 3.0, 2.5], [-2.0, 7.0, -0.75, 1.0], [0.25, 0.125, -4.0, 0.0]]
SPECIAL = [
    [0.5, I, -1.0, 2.0],
    [-I, -I, -I, -I],
    [-I, 2.0, -3.0, -I],
    [1.0, NAN, 0.5, I],
    [I, 0.0, I, -I],
    [3e38, -3e38, 0.0, 1.0],
]
INSIDE, OUTSIDE = [0, 2, 3, 1, 0, 2], [-1, 4, 100, -100, 2, 0]
WIDE = np.random.default_rng(3).normal(size=(4, 64))
DTYPES = ("float32", "float64")


class Given:
    """Arguments of a verb, made anew each time that they are read: some verbs write over them."""

    def __init__(self, make, x, index, dtype):
        self.rows, self.places, self.dtype, self.make = x, index, dtype, make

    @property
    def x(self):
        return self.make(np.asarray(self.rows, self.dtype))

    @property
    def y(self):
        return self.make(np.roll(np.asarray(self.rows, self.dtype), 1, axis=1))

    @property
    def peak(self):
        return self.make(np.max(np.asarray(self.rows, self.dtype), axis=1, keepdims=True))

    @property
    def column(self):
        return self.make(np.asarray(self.rows, self.dtype)[:, 1:2])

    @property
    def index(self):
        return self.make(np.asarray(self.places[: len(self.rows)])[:, None])

    @property
    def twice(self):
        """Two indices of each row, in some the same."""
        index = np.asarray(self.places[: len(self.rows)])[:, None]
        return self.make(np.concatenate([index, index % 3], axis=1))

    @property
    def inside(self):
        return self.make(np.asarray(INSIDE[: len(self.rows)])[:, None])


def first_peak(xp, g):
    """Of rows with NaN no class is the peak: what is made of them is NaN, whichever is taken."""
    x = np.asarray(g.rows, g.dtype)
    index = xp.first_peak(g.x, 1)
    return xp.where(g.make(np.isnan(x).any(1, keepdims=True)), xp.zeros_like(index), index)


def labelled(g, axis, times=1):
    """Return rows, or columns, and an index; no NaN: of a label's own all is NaN, whatever the peak."""
    x = np.nan_to_num(np.asarray(g.rows, g.dtype), nan=0.0, posinf=I, neginf=-I)
    x, index = np.tile(x, times), np.asarray(g.places[: len(x)])[:, None]
    x, index = (x, index) if axis else (x.T.copy(), index.T.copy())
    return g.make(x), g.make(index)


def rivals(xp, g, axis):
    """Return rows, or columns, without an entry."""
    return xp.replaced(*labelled(g, axis), -xp.inf, axis)


def peak_beside(xp, g, axis, times=1):
    return xp.beside(*labelled(g, axis, times), axis)[0]


def terms_beside(xp, g, axis, times=1):
    """Return the exponentials, made where they were not."""
    x, index = labelled(g, axis, times)
    peak, _, e = xp.beside(x, index, axis)
    return decayed_beside(xp, x, index, peak, axis) if e is None else e


def decayed_beside(xp, x, index, peak, axis):
    e = xp.decayed_beside(x, index, peak, xp.ones_like(peak), axis)
    return xp.put(e, index, 0.0, axis)


def is_their_sum(xp, g, axis, times=1):
    """Whether the sum that comes with them is that of the exponentials, but for the order."""
    total = xp.beside(*labelled(g, axis, times), axis)[1]
    want = xp.sum(terms_beside(xp, g, axis, times), axis=axis, keepdims=True)
    near = xp.abs(total - want) <= 8 * EPS[g.dtype] * want
    return bool(xp.all(near | (xp.isnan(total) & xp.isnan(want))))


def decayed_rivals(xp, g, axis):
    x = rivals(xp, g, axis)
    return xp.decayed(x, xp.max(x, axis=axis, keepdims=True))


def divided(xp, g):
    y = np.roll(np.asarray(g.rows, g.dtype), 2, axis=1)
    return xp.divide(g.x, g.make(np.where(y == 0, 1, y).astype(g.dtype)))


def emptied(xp, g):
    """A 0 is put into exponentials only, which are finite."""
    return xp.put(
        xp.exp(-xp.abs(g.make(np.nan_to_num(np.asarray(g.rows, g.dtype))))), g.index, 0.0, 1
    )


def peak_and_place(xp, g):
    """The sum beside the peak, which a library may have made already, whatever the place is."""
    x, peak, place, rest = placed(xp, g)
    made = xp.sum_beside(xp.exp(xp.shifted(x, peak)), place, 1) if rest is None else rest
    return xp.stack([peak, made])


def placed(xp, g):
    """Return the rows, the peak of each, its place, and the sum beside it, if it is made."""
    x = g.x
    return x, *xp.peak_and_place(x, 1, lambda peak: xp.exp(xp.shifted(x, peak)))


def parted(xp, g):
    """Of what is 1 where the peak is, which is nowhere in some rows, and the sum of both of anything."""
    x, _, place, _ = placed(xp, g)
    here = xp.put(xp.zeros_like(x), place, 1.0, 1)
    own, others = xp.parted(here, place, 1)
    lacks = own - xp.sum(here, axis=1, keepdims=True)
    return xp.stack([lacks, others, sum(xp.parted(g.y, place, 1))])


def sum_beside(xp, g):
    """Of terms that are 0 at the peak, as it is nowhere in some rows; one of NaN has none."""
    x, peak, place, _ = placed(xp, g)
    some = xp.where((x == peak) | xp.isnan(x), xp.zeros_like(x), xp.abs(x))
    return xp.sum_beside(some, place, 1)


LIMITS = (0.0, None), (None, 1.5), (-1.0, 1.0)
KEPT = ("constant", "once", "settled")
UNARY = ("abs", "exp", "expm1", "isinf", "isnan", "log", "log1p", "tanh", *KEPT)
BINARY = ("maximum", "minimum", "silent", "at_most")
CALLS = {
    **{name: [lambda xp, g, name=name: getattr(xp, name)(g.x)] for name in UNARY},
    **{name: [lambda xp, g, name=name: getattr(xp, name)(g.x, g.y)] for name in BINARY},
    "added": [
        lambda xp, g: xp.added(g.x, g.twice, xp.reshape(g.x[:, :2], (-1, 2)), 1),
        lambda xp, g: xp.added(g.x, g.index, g.column, -1),
    ],
    "number": [lambda xp, g: xp.abs(g.x) ** xp.number(1.5, g.x)],
    "anew": [lambda xp, g: xp.anew(g.x, g.peak)],
    "at_label": [
        lambda xp, g: xp.at_label(g.x, g.index, 1),
        lambda xp, g: xp.at_label(g.x, g.index, -1),
    ],
    "asarray": [lambda xp, g: xp.asarray(g.x)],
    "astype": [
        lambda xp, g: xp.astype(g.x, xp.float32),
        lambda xp, g: xp.astype(g.index, xp.float32),
    ],
    "beside": [
        lambda xp, g, of=of, given=given: of(xp, g, *given)
        for of in (peak_beside, terms_beside, is_their_sum)
        for given in ((1,), (0,), (1, 5))
    ],
    "clip": [lambda xp, g, to=to: xp.clip(g.x, *to) for to in LIMITS],
    "decayed": [
        lambda xp, g: xp.decayed(g.x, g.peak),
        lambda xp, g: decayed_rivals(xp, g, 1),
        lambda xp, g: decayed_rivals(xp, g, 0),
    ],
    "decayed_beside": [
        lambda xp, g: decayed_beside(xp, g.x, g.index, g.peak, 1),
        lambda xp, g: decayed_beside(
            xp, *labelled(g, 0), g.make(np.full((1, len(g.rows)), 7.0, g.dtype)), 0
        ),
    ],
    "capped": [lambda xp, g: xp.capped(g.x, 1.5)],
    "tempered": [lambda xp, g: xp.tempered(g.x, 0.75)],
    "divide": [divided],
    "entries": [lambda xp, g: xp.entries(g.x, xp.clip(g.twice, 0, 3), 1)],
    "first_peak": [first_peak],
    "floating": [lambda xp, g: xp.astype(g.x, xp.floating)],
    "full_like": [lambda xp, g: xp.full_like(g.x, 2.5), lambda xp, g: xp.full_like(g.peak, xp.nan)],
    "integer": [lambda xp, g: xp.astype(g.index, xp.integer)],
    "iota_of": [lambda xp, g: xp.iota_of(g.x, 5, 3, 1), lambda xp, g: xp.iota_of(g.x, 3, 2, -1)],
    "log_near_or_far": [lambda xp, g: xp.log_near_or_far(xp.abs(g.x) < 0.25, g.x, g.y, g.peak)],
    "parted": [parted],
    "peak_and_place": [peak_and_place],
    "sum_beside": [sum_beside],
    "max": [
        lambda xp, g: xp.max(g.x, axis=1, keepdims=True),
        lambda xp, g: xp.max(g.x, axis=-1),
        lambda xp, g: xp.max(rivals(xp, g, 1), axis=1, keepdims=True),
        lambda xp, g: xp.max(rivals(xp, g, 0), axis=0, keepdims=True),
    ],
    **{
        name: [lambda xp, g, name=name: getattr(xp, name)(lambda: xp.abs(g.x) > 2)]
        for name in ("maybe", "anywhere")
    },
    "moveaxis": [lambda xp, g: xp.moveaxis(g.x, -1, 0)],
    "ones_like": [lambda xp, g: xp.ones_like(g.x)],
    "pick": [
        lambda xp, g: xp.pick(g.x, g.inside, 1),
        lambda xp, g: xp.pick(g.x, g.inside, -1),
    ],
    "put": [
        lambda xp, g: xp.put(g.x, g.index, 2.5, 1),
        lambda xp, g: xp.put(g.x, g.index, g.column, -1),
        emptied,
    ],
    "replaced": [
        lambda xp, g: xp.replaced(g.x, g.index, -xp.inf, 1),
        lambda xp, g: xp.replaced(g.x, g.index, g.column, 1),
    ],
    "reshape": [lambda xp, g: xp.reshape(g.x, (-1,))],
    "shifted": [
        lambda xp, g: xp.shifted(g.x, g.peak),
        lambda xp, g: xp.shifted(g.x, g.column),
    ],
    "squeeze": [lambda xp, g: xp.squeeze(g.peak, axis=1)],
    "sum": [
        lambda xp, g: xp.sum(g.x, axis=1, keepdims=True),
        lambda xp, g: xp.sum(g.x, axis=None),
        lambda xp, g: xp.sum(g.index, axis=None),
        long_sum,
    ],
    "times": [lambda xp, g: xp.times(g.x, g.column)],
    "plus": [lambda xp, g: xp.plus(g.x, g.column), lambda xp, g: xp.plus(g.x, 0.5)],
    "where": [
        lambda xp, g: xp.where(g.x > 0, g.x, g.y),
        lambda xp, g: xp.where(g.x > 0, g.x, 0.5),
        mixed,
    ],
    "within": [
        lambda xp, g: [xp.within(g.x, *r) for r in ((-9, 9), (-I, I), (0, 1), (-4, 7), (-4, 6.5))],
        lambda xp, g: [xp.within(g.index, *r) for r in ((0, 3), (-100, 100), (1, 3))],
    ],
    "zeros_like": [lambda xp, g: xp.zeros_like(g.x)],
}
"""Calls of each verb that has more forms than one."""
