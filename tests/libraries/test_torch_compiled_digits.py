"""Near certainty what torch's default compiler makes of a loss has the digits of the eager loss.

Of a few numbers its code is scalar; of many it is made of vectors, of other functions.
"""

import mpmath
import numpy as np
import pytest
import torch

import xent
from tests.cases import TRIED
from tests.near import assert_near, largest
from xent import _dispatch

# Of torch's own compiler, about what it imports.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
ROWS, CLASSES = 64, 16
DRAW = np.random.default_rng(0)
SURE = np.linspace(5, 35, ROWS)[:, None]
CHOSEN = [case for case in TRIED if case.form == "logits" and case.has_rows and case.target]


SMALL = np.append(np.logspace(-12, 0, ROWS), np.linspace(0.2, 20, ROWS))
VERBS = ("exp", "expm1", "log1p", "tanh")


def test_verbs_have_all_digits():
    """A function that the compiler has a form of its own for shows here, whichever loss calls it."""
    for dtype in (torch.float64, torch.float32):
        x = torch.asarray(np.append(-SMALL, SMALL), dtype=dtype)
        xp = _dispatch.engine_of("x", x).xp
        torch._dynamo.reset()

        def all_of_them(x, xp=xp):
            return [getattr(xp, verb)(x.clamp(-0.75) if verb == "log1p" else x) for verb in VERBS]

        for verb, got in zip(VERBS, torch.compile(all_of_them, fullgraph=True)(x), strict=True):
            given = x.clamp(-0.75) if verb == "log1p" else x
            want = [float(getattr(mpmath, verb)(mpmath.mpf(float(v)))) for v in given]
            assert_near(got.numpy(), np.asarray(want), 5)


def nearly_certain(case):
    """Return rows whose loss is small, but where the target is another row."""
    labels = np.arange(ROWS) % CLASSES
    hot = np.eye(CLASSES)[labels]
    z = DRAW.standard_normal((ROWS, CLASSES))
    if case.elementwise:
        return {"logits": z + (2 * hot - 1) * SURE, case.target: hot}
    targets = {"labels": labels, "distributions": hot, "pmf": hot}
    other = DRAW.standard_normal((ROWS, CLASSES))
    return {"logits": z + hot * SURE, case.target: targets.get(case.kind, other)}


@pytest.mark.parametrize("case", CHOSEN, ids=str)
def test_compiled_is_as_exact_as_eager(case):
    given = {k: torch.asarray(x) for k, x in nearly_certain(case).items()}

    def both(given):
        return xent.value_and_grad(case.function)(**given, **case.each)

    value, gradient = both(given)
    torch._dynamo.reset()
    rows, slope = torch.compile(both, fullgraph=True)(given)
    assert_near(rows.numpy(), value.numpy(), 64)
    scale = np.abs(gradient.numpy()) if case.elementwise else largest(gradient.numpy())
    assert_near(slope.numpy(), gradient.numpy(), 64, scale=scale)
