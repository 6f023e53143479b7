"""Near certainty what torch's default compiler makes of a loss has the digits of the eager loss, and soon.

Of a few numbers its code is scalar; of many it is made of vectors, of other functions. It writes out the
steps of an argument wherever that stands, but where it stores it.
"""

import mpmath
import numpy as np
import pytest
import torch
from torch._inductor import config
from torch._inductor.graph import GraphLowering
from torch._inductor.loop_body import InterpreterShim

import xent
from tests.cases import NAMED, TRIED
from tests.near import assert_near, largest
from xent import _dispatch
from xent.engines.torch.values import TRACED

# Of torch's own compiler, about what it imports; what it goes through is counted in the pinned version.
pytestmark = [
    pytest.mark.pinned,
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
]
ROWS, CLASSES = 64, 16
DRAW = np.random.default_rng(0)
SURE = np.linspace(5, 35, ROWS)[:, None]
CHOSEN = [case for case in TRIED if case.has_rows]
TIMES = 128
"""How often the compiler may go through each step: in a few passes, each of some loops that make it anew."""
SMALL = np.append(np.logspace(-12, 0, ROWS), np.linspace(0.2, 20, ROWS))
VERBS = ("exp", "expm1", "log1p", "tanh")


@pytest.mark.parametrize("alone", [False, True])
def test_verbs_have_all_digits(alone):
    """A function that the compiler has a form of its own for shows here, whichever loss calls it."""
    for dtype in (torch.float64, torch.float32):
        x = torch.asarray(np.append(-SMALL, SMALL), dtype=dtype)
        xp = TRACED.xp if alone else _dispatch.engine_of("x", x).xp
        torch._dynamo.reset()

        def all_of_them(x, xp=xp):
            return [getattr(xp, verb)(x.clamp(-0.75) if verb == "log1p" else x) for verb in VERBS]

        for verb, got in zip(VERBS, torch.compile(all_of_them, fullgraph=True)(x), strict=True):
            given = x.clamp(-0.75) if verb == "log1p" else x
            want = [float(getattr(mpmath, verb)(mpmath.mpf(float(v)))) for v in given]
            assert_near(got.numpy(), np.asarray(want), 5)


def test_one_logarithm_serves_what_is_near_and_what_is_far():
    """log(1 + x) of both signs, and d − log p of what is next to nothing and next to everything."""
    for dtype in (torch.float64, torch.float32):
        x = torch.asarray(np.append(-SMALL, SMALL), dtype=dtype)
        p = torch.asarray(np.append(SMALL**3, 1 / SMALL**3), dtype=dtype)
        near = torch.abs(x) < 0.25
        torch._dynamo.reset()
        program = torch.compile(TRACED.xp.log_near_or_far, fullgraph=True)
        got = program(near, x, torch.log(p) - 1, p).numpy()
        want = [float(mpmath.log1p(mpmath.mpf(float(v)))) for v in x[near]]
        assert_near(got[near], np.asarray(want), 5)
        assert_near(got[~near], np.full(int((~near).sum()), -1.0), 2, scale=64)


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_log1p_at_its_edges():
    x = np.array([-1, np.inf, np.nan, -2, -np.inf, 0, 1e-45, -1e-45, 1 - 2**-24, 3e7, 3e38], "f")
    torch._dynamo.reset()
    got = torch.compile(TRACED.xp.log1p, fullgraph=True)(torch.asarray(x))
    assert_near(got.numpy(), np.log1p(x.astype("d")), 2)


VIEWS = {
    "as it is": lambda x: x,
    "select": lambda x: x[:, 1],
    "slice": lambda x: x[1:3],
    "stepped": lambda x: x[:, ::2],
    "transposed": lambda x: x.mT,
    "one row of many": lambda x: x[1:2].expand(7, *x.shape[1:]),
    "flat": lambda x: x[2:].reshape(-1),
    "unbound": lambda x: x.unbind(-1)[1],
}


def test_what_is_stored_once_is_what_is_seen():
    """Each number is that of the view, not of what lies elsewhere in what it is a view of."""
    x = torch.asarray(DRAW.standard_normal((4, 3, 5)))
    xp = _dispatch.engine_of("x", x).xp
    torch._dynamo.reset()

    def stored(x):
        return [xp.once(view(x * 3)) + 1 for view in VIEWS.values()]

    for name, got in zip(VIEWS, torch.compile(stored, fullgraph=True)(x), strict=True):
        assert torch.equal(got, VIEWS[name](x * 3) + 1), name


SEEN = ("kl_divergence-distributions-probs", "jensen_shannon_divergence-pmf-q")


@pytest.mark.parametrize("case", [NAMED[name] for name in SEEN], ids=str)
def test_arguments_may_be_views_of_what_is_computed(case):
    """As the two rows that a function makes in one array."""
    halves = {k: torch.asarray(x) / 2 for k, x in nearly_certain(case).items()}
    pair, function, each = torch.stack(list(halves.values()), 1), case.function, case.each

    def both(pair):
        return xent.value_and_grad(function)(*(2 * pair).unbind(1), **each)

    def plain(pair):
        return xent.value_and_grad(function)(
            *(x.contiguous() for x in (2 * pair).unbind(1)), **each
        )

    torch._dynamo.reset()
    got, want = torch.compile(both, fullgraph=True)(pair), plain(pair)
    for x, y in zip(got, want, strict=True):
        assert_near(x.numpy(), y.numpy(), 64, scale=largest(y.numpy()))


def nearly_certain(case):
    """Return rows whose loss is small, but where the target is another row, or the form is another."""
    if case.form != "logits" or not case.target:
        given = case.arguments(rows=(ROWS,), classes=CLASSES)
        return {k: x for k, x in given.items() if isinstance(x, np.ndarray)}
    labels = np.arange(ROWS) % CLASSES
    hot = np.eye(CLASSES)[labels]
    z = DRAW.standard_normal((ROWS, CLASSES))
    if case.elementwise:
        return {"logits": z + (2 * hot - 1) * SURE, case.target: hot}
    targets = {"labels": labels, "distributions": hot, "pmf": hot}
    other = DRAW.standard_normal((ROWS, CLASSES))
    return {"logits": z + hot * SURE, case.target: targets.get(case.kind, other)}


@pytest.fixture
def seen(monkeypatch):
    """Return how many steps graphs have, and how many the compiler goes through."""
    counts = {"steps": 0, "gone through": 0}
    run, run_node = GraphLowering.run, InterpreterShim.run_node

    def counted(self, *args):
        counts["steps"] += len(self.module.graph.nodes)
        return run(self, *args)

    def counted_node(self, node):
        counts["gone through"] += 1
        return run_node(self, node)

    monkeypatch.setattr(GraphLowering, "run", counted)
    monkeypatch.setattr(InterpreterShim, "run_node", counted_node)
    with config.patch(fx_graph_cache=False):
        yield counts


@pytest.mark.parametrize("case", CHOSEN, ids=str)
def test_compiled_is_as_exact_as_eager_and_compiles_soon(case, seen):
    given = {k: torch.asarray(x) for k, x in nearly_certain(case).items()}

    function, each = case.function, case.each

    def both(given):
        return xent.value_and_grad(function)(**given, **each)

    value, gradient = both(given)
    torch._dynamo.reset()
    rows, slope = torch.compile(both, fullgraph=True)(given)
    assert_near(rows.numpy(), value.numpy(), 64)
    scale = np.abs(gradient.numpy()) if case.elementwise else largest(gradient.numpy())
    assert_near(slope.numpy(), gradient.numpy(), 64, scale=scale)
    assert 0 < seen["gone through"] < TIMES * seen["steps"]
