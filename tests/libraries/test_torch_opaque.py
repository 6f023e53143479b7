"""A linear loss inside torch.compile: one operation, whose chunks the compiler does not see.

What it computes is what the loss computes outside, to the bit.
"""

import pytest
import torch

import xent
from tests.cases import EVERY, TRIED
from tests.libraries.test_torch_gradients import tensors
from xent.engines.torch import opaque  # noqa: F401 — which makes the operation

# Of torch's own compiler, about what it traces and what it imports.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
ROWS, WIDTH, CLASSES = 300, 3, 7
OPERATION = torch.ops.xent.linear.default


@pytest.fixture(autouse=True)
def _once():
    torch._dynamo.reset()


class Seen:
    """A backend that runs what it is given as it is, and remembers that."""

    def __init__(self):
        self.graphs = []

    def __call__(self, graph, inputs):
        self.graphs.append(graph)
        return graph.forward

    @property
    def operations(self):
        return [node.target for graph in self.graphs for node in graph.graph.nodes]


def leaves(dtype=torch.float32, rows=ROWS):
    draw = torch.Generator().manual_seed(3)
    shapes = (rows, WIDTH), (CLASSES, WIDTH), (CLASSES,)
    return [torch.randn(s, generator=draw, dtype=dtype).requires_grad_() for s in shapes]


LABELS = torch.arange(ROWS) % CLASSES
SOFT = torch.softmax(torch.cos(torch.arange(ROWS * CLASSES).reshape(ROWS, CLASSES) / 3), -1)
SMALL = {"chunk_bytes": 64 * CLASSES * 8}
"""A few chunks."""


def results(function, given, weigh=1.0):
    values = function(*given)
    values = values if isinstance(values, tuple) else (values,)
    values = [x for x in values if x.requires_grad]
    wanted = [x for x in given if x.requires_grad]
    found = torch.autograd.grad(weigh * sum(x.sum() for x in values), wanted, allow_unused=True)
    return [*(x.detach() for x in values), *(g for g in found if g is not None)]


def assert_opaque(function, given=None, weigh=1.0, backend=None, **options):
    """Hold a function to be one operation where it is compiled, of the same values and gradients."""
    given, backend = leaves() if given is None else given, backend or Seen()
    whole = torch.compile(function, fullgraph=True, backend=backend, **options)
    got, want = (results(f, given, weigh) for f in (whole, function))
    assert len(got) == len(want) > 1
    for a, b in zip(got, want, strict=True):
        assert a.dtype == b.dtype
        torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)
    if isinstance(backend, Seen):
        assert OPERATION in backend.operations
        assert largest(backend) < ROWS * CLASSES, "as large as all logits"


def largest(backend):
    """Return how many numbers the largest tensor has that is made, but for views of what is given."""
    found, given = 0, set()
    for node in (n for g in backend.graphs for n in g.graph.nodes):
        x = node.meta.get("example_value")
        if isinstance(x, torch.Tensor):
            if node.op == "placeholder":
                given.add(x.untyped_storage()._cdata)
            elif x.untyped_storage()._cdata not in given:
                found = max(found, x.numel())
    return found


ONES = ("binary_cross_entropy", "brier_score", "focal_loss", "kl_divergence", "perplexity")
"""Of the losses that are one formula with others, one."""
HEADS = {c.loss: c for c in TRIED if c.form == "logits" and c.target == "target"}
HEADS = {loss: case for loss, case in HEADS.items() if EVERY or loss in ONES}


@pytest.mark.parametrize("case", HEADS.values(), ids=str)
def test_each_loss_of_logits(case):
    given, _ = tensors(case, {}, rows=(ROWS,))
    head = xent.linear_head(case.function)
    x, w = leaves(torch.float64)[:2]
    w = w.detach()[: given["logits"].shape[-1]].requires_grad_()
    assert_opaque(lambda x, w: head(given["target"], x, w, chunk_bytes=1 << 11), [x, w])


OPTIONS = {
    "rows": {"reduction": "none"},
    "weights": {"class_weight": torch.arange(1.0, 1 + CLASSES), "sample_weight": SOFT[:, 0]},
    "masked": {"ignore_index": 2, "where": SOFT[:, 1] > 0.1, "denominator": torch.tensor(31.0)},
    "numbers": {"label_smoothing": 0.1, "z_loss": 1e-3, "softcap": torch.tensor(3.0), "base": 2},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_every_option(options):
    def loss(x, w, b):
        return xent.linear_cross_entropy(LABELS, torch.cos(x), w, b, **SMALL, **options)

    assert_opaque(loss, weigh=-3.0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16], ids=str)
def test_every_precision(dtype):
    """A gradient in half precision is rounded once, whatever it is multiplied by."""
    target = SOFT.to(dtype)

    def loss(*x):
        return xent.linear_cross_entropy(target, *x, **SMALL)

    for weigh in (1.0, 0.3):
        assert_opaque(loss, leaves(dtype), weigh)


def test_inside_autocast():
    def loss(x, w, b):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return xent.linear_cross_entropy(LABELS, x, w, b, **SMALL)

    assert_opaque(loss, weigh=0.3)


def test_values_beside_and_second_heads():
    weights = SOFT[:, 0]

    logging = xent.with_metrics(xent.linear_cross_entropy)

    def policy(x, w, b):
        log_prob, entropy = xent.linear_log_probs(LABELS, x, w, b, **SMALL)
        return (weights * log_prob).sum(), (entropy / weights).sum()

    def logged(x, w, b):
        value, metrics = logging(LABELS, x, w, b, **SMALL)
        assert not any(y.requires_grad for y in metrics)
        return value, *metrics

    def distilled(x, w, b):
        teacher = x.detach().sin(), w.detach()
        return xent.linear_kl_divergence(*teacher, x, w, bias=b, **SMALL, temperature=2.0)

    for function in (policy, logged, distilled):
        assert_opaque(function)


@pytest.mark.parametrize("compiler", ["aot_eager", *(["inductor"] if EVERY else [])])
def test_by_what_compilers_do(compiler):
    """Shapes and dtypes are known before anything runs, also of a weight that lies transposed."""

    def loss(x, w, b):
        return xent.linear_cross_entropy(LABELS, x, w.t(), b, **SMALL, label_smoothing=0.25)

    x, w, b = leaves()
    given = [x, w.detach().t().contiguous().requires_grad_(), b]
    assert_opaque(loss, given, weigh=2.0, backend=compiler)


def test_frozen_weights_have_no_gradient():
    x, w, b = leaves()
    assert_opaque(
        lambda x: xent.linear_cross_entropy(LABELS, x, w.detach(), b.detach(), **SMALL), [x]
    )


def test_value_and_gradient():
    both = xent.value_and_grad(xent.linear_cross_entropy)
    given, backend = [x.detach() for x in leaves()], Seen()

    def loss(*x):
        value, g = both(LABELS, *x, **SMALL, reduction="sum")
        return value, *g

    got = torch.compile(loss, fullgraph=True, backend=backend)(*given)
    assert OPERATION in backend.operations
    for a, b in zip(got, loss(*given), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_torch_holds_it_to_be_an_operation(reduction):
    """By torch's own checks: schema, no alias, autograd, shapes without values."""
    backend, given = Seen(), leaves()

    @torch.compile(fullgraph=True, backend=backend)
    def loss(*x):
        return xent.linear_cross_entropy(LABELS, *x, **SMALL, reduction=reduction)

    loss(*given)
    (node,) = (n for n in backend.graphs[0].graph.nodes if n.target is OPERATION)
    torch.library.opcheck(OPERATION, (node.args[0], *given, [LABELS]))
