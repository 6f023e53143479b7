"""What the tables of the records are written with."""

from math import exp, inf, nan

I, NAN = inf, nan  # noqa: E741  # ∞, as the tables are read
TINY = exp(-20)
HALVES, CERTAIN = [[0.5, 0.5, 0.0]], [[0.0, 1.0, 0.0]]
