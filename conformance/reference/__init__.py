"""High-precision references in mpmath, written from the definitions and independent of xent.

Every number is an ``mpmath.mpf`` of ``DIGITS`` digits made from the exact hexadecimal inputs. The
formulas are free of cancellation where that is possible (−log softmax as log1p of the *other*
classes' exponentials, p log(p/q) through log1p((p − q)/q)); where a sum itself cancels, as in KL
of near-equal rows, the digits beyond the fifty that are kept are what pays for it.
"""

from __future__ import annotations

from conformance.reference.evaluate import evaluate

#: Working precision; the tests evaluate again at twice as much and want the same fifty digits.
DIGITS = 160

__all__ = ["DIGITS", "evaluate"]
