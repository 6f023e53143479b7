"""Logits that are never the same twice, as where a compiler makes them anew in each use.

It may contract scale · x − peak to one operation, of which the product is not rounded: the peak that is
subtracted is then not the logit that was compared. And the truth in 90 digits.
"""

from decimal import Decimal, localcontext

import numpy as np

MARGINS = (5.0, 9.5, 17.25, 30.0, 52.5, 80.0)
EPS = {"float32": 2.0**-23, "float64": 2.0**-52}


class Shaky(np.ndarray):
    """An array of which every use sees each number off by less than an ULP, by itself."""

    def seen(self):
        x = self.view(np.ndarray)
        draw = np.random.default_rng(DRAWS.integers(1 << 40))
        step = draw.integers(-1, 2, x.shape)
        return np.where(step == 0, x, np.nextafter(x, np.copysign(np.inf, step).astype(x.dtype)))

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return getattr(ufunc, method)(*map(seen, inputs), **options)

    def __array_function__(self, function, types, args, options):
        return function(*map(seen, args), **{k: seen(x) for k, x in options.items()})

    def __getitem__(self, key):
        return self.seen()[key]

    def copy(self, order="K"):
        return self.seen()

    def argmax(self, *args, **options):
        return self.seen().argmax(*args, **options)


DRAWS = np.random.default_rng(7)


def seen(x):
    """Return what a use of an argument sees."""
    if isinstance(x, Shaky):
        return x.seen()
    return type(x)(map(seen, x)) if isinstance(x, (tuple, list)) else x


def certain(dtype, margins=MARGINS, classes=5, each=6):
    """Return rows of logits, each with a label that wins by a margin, and the labels."""
    draw = np.random.default_rng(11)
    rows, labels = [], []
    for margin in margins:
        for _ in range(each):
            y = draw.integers(classes)
            row = draw.uniform(-3, 3, classes)
            row[y] = max(np.delete(row, y)) + margin
            rows.append(row)
            labels.append(y)
    return np.asarray(rows, dtype), np.asarray(labels)


def exactly(function, rows):
    """Return ``function`` of each row in 90 digits, rounded to float64."""
    with localcontext() as context:
        context.prec = 90
        made = [function(_decimals(z), *others) for z, *others in rows]
        return np.asarray(made, dtype=np.float64)


def _decimals(x):
    return [Decimal(float(e)) for e in x] if np.ndim(x) else Decimal(float(x))


def few_and_size(z):
    """Return the ULP that a row may be off by where each use sees other logits."""
    return 8 + 4 * np.max(np.abs(z.astype(np.float64)), axis=-1)


def off(got, exact):
    """Return by how many ULP of the truth each number is off."""
    exact = np.asarray(exact)
    return np.abs(np.asarray(got, np.float64) - exact) / (EPS[got.dtype.name] * np.abs(exact))


# --- the truth, of the logits of a row and the label that it is certain of ---


def probs(z):
    e = [x.exp() for x in z]
    return [x / sum(e) for x in e]


def lse(z):
    return sum(x.exp() for x in z).ln()


def cross_entropy(z, y):
    return lse(z) - z[y]


def less_one_hot(z, y):
    e = [x.exp() for x in z]
    beside = sum(x for k, x in enumerate(e) if k != y)
    return [(x if k != y else -beside) / sum(e) for k, x in enumerate(e)]


def less_entropy(z, y):
    p = probs(z)
    return [-a * (a.ln() + entropy(z, y)) for a in p]


def divergence(z, y, t):
    p, q = probs(t), probs(z)
    return sum(a * (a.ln() - b.ln()) for a, b in zip(p, q, strict=True))


def entropy(z, y):
    return -sum(p * p.ln() for p in probs(z))


def log_softmax(z, y):
    return [x - lse(z) for x in z]


def logsumexp(z, y):
    return lse(z)


def smoothed(z, y, smoothing=Decimal("0.125")):
    rest = sum(lse(z) - x for x in z) / len(z)
    return (1 - smoothing) * (lse(z) - z[y]) + smoothing * rest


def binary(z, y):
    """Of the difference of two logits, the target what its sign says."""
    return (1 + (-abs(z)).exp()).ln()


# --- what users compile: logits that are made inside of the compiled function ---

SCALE = float(np.float32(1 / 0.7))
"""Of logits that are scaled: no power of 2, and the same in both dtypes."""


def scaled(function):
    """Return the truth of logits that are scaled, as ``function`` is of the logits."""
    return lambda x, *others: function([a * Decimal(SCALE) for a in x], *others)


CAP = 90.0


def capped(function):
    """Return the truth of logits that are capped."""

    def tanh(x):
        e = (2 * x).exp()
        return (e - 1) / (e + 1)

    cap = Decimal(CAP)
    return lambda x, *others: function([cap * tanh(a / cap) for a in x], *others)


def sums_to_0(g, most=4):
    """Whether the rows of a gradient sum to 0 to some roundings of their terms."""
    return np.all(np.abs(g.sum(-1)) <= most * EPS[g.dtype.name] * np.abs(g).sum(-1))
