"""Calls of verbs that have other forms for large arrays."""

import numpy as np

from xent.engines import bits


def long_sum(xp, g):
    return xp.sum(g.make(np.resize(np.asarray(g.rows, g.dtype), (1, 5000))), axis=1)


def mixed(xp, g):
    """A choice that nobody guesses, and one beside a row, and a column of memory, and a number."""
    x = np.resize(np.asarray(g.rows, g.dtype), (len(g.rows) * 64, bits.MANY // 64))
    condition = np.random.default_rng(3).random(x.shape) < 0.4
    turned = np.roll(x, 1, 1).T
    made = [
        xp.where(g.make(c), g.make(a), b if isinstance(b, float) else g.make(b))
        for c, a, b in (
            (condition, x, np.roll(x, 1, 0)),
            (condition, x, x[:1]),
            (condition.T, x.T, turned),
            (condition, x, 0.0),
            (condition, np.abs(x[:, :1]), -x),
        )
    ]
    made[2] = xp.moveaxis(made[2], 0, 1)
    return xp.stack(made)
