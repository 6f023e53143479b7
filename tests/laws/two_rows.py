"""Two rows of logits, by 80 digits, and rows in which one class alone is another to the student."""

from decimal import Decimal, localcontext

import numpy as np

FALLS = [0.5, 8.0, 50.0, 100.0]
"""How far a student's logit is below its teacher's at the teacher's first class, of many that are alike."""

TOWERS = [([0, 0, -13], [0, 0, 987]), ([0, 0, -13], [0, 0, 0]), ([0, 0, -20], [0, 0, 30])]
"""Teachers of two classes that are alike and a rare one, and students that raise that one."""


def divergence(t, z):
    """Return D(p‖q) of two rows of logits; the teacher excludes what the student does."""
    return _exact(t, z)[0]


def teacher_gradient(t, z):
    """Return p (log(p / q) − D(p‖q)) of every class that is not excluded."""
    return _exact(t, z)[1]


def _exact(t, z):
    with localcontext() as context:
        context.prec = 80
        t, z = ([Decimal(float(x)) for x in row if x > -np.inf] for row in (t, z))
        p, of_q = [x.exp() for x in t], sum(x.exp() for x in z)
        of_p = sum(p)
        log = [(x - y) - of_p.ln() + of_q.ln() for x, y in zip(t, z, strict=True)]  # log(p / q)
        cost = sum(a * x for a, x in zip(p, log, strict=True)) / of_p
        return float(cost), [float(a * (x - cost) / of_p) for a, x in zip(p, log, strict=True)]


def fallen(dtype, fall):
    """Return three teachers that know no class for certain, and students that leave the first one out."""
    draw = np.random.default_rng(3)
    t = np.asarray(draw.normal(size=(3, 250)) / 128, dtype)
    t[:, 0] += np.asarray(0.125, dtype)
    z = t + np.asarray(draw.normal(size=t.shape) / 128, dtype)
    z[:, 0] -= np.asarray(fall, dtype)
    return t, z
