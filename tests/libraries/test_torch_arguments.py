"""What else is a tensor: parameters, subclasses, lists of tensors, what stands for one; torch's defaults."""

import pytest
import torch
from torch import nn

import xent
from tests.cases import CLASSES, NAMED, TRIED
from tests.libraries.test_torch_gradients import leaves, tensors

# Of torch's own compiler, about what it traces and what it imports.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
FIRST = list({case.loss: case for case in reversed(TRIED)}.values())
LABELS = [case for case in TRIED if case.kind == "labels"]


class Own(torch.Tensor):
    """A subclass as users write them."""


class StandsFor:
    """An object that torch's functions take for a tensor, as Keras's variables are."""

    def __init__(self, value):
        self.value, self.shape, self.dtype = value, value.shape, value.dtype

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        args = [x.value if isinstance(x, cls) else x for x in args]
        return function(*args, **(kwargs or {}))


def as_own(x):
    return x.as_subclass(Own)


@pytest.mark.parametrize("case", TRIED, ids=str)
@pytest.mark.parametrize("kind", [as_own, StandsFor])
def test_each_is_a_tensor(case, kind):
    """Of each argument, and the derivative reaches what is inside."""
    given, moving = tensors(case, case.options())
    results = []
    for shown in (kind, lambda x: x):
        x = dict(zip(moving, leaves(given, moving), strict=True))
        made = {k: shown(y) if torch.is_tensor(y) else y for k, y in {**given, **x}.items()}
        value = case.function(**made)
        g = torch.autograd.grad(value.sum(), list(x.values()))
        results.append([y.as_subclass(torch.Tensor) for y in (value, *g)])
    for got, want in zip(*results, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-14, atol=0)


@pytest.mark.parametrize("case", LABELS, ids=str)
def test_a_bad_label_in_a_subclass_is_an_error(case):
    given, _ = tensors(case, {})
    given["target"][1] = CLASSES
    for name in ("target", case.form):
        with pytest.raises(ValueError, match=f"target holds label {CLASSES} at \\(1,\\)"):
            case.function(**{**given, name: as_own(given[name])})


COMPILED = [
    "cross_entropy-labels-logits",
    "binary_cross_entropy-binary-logits",
    "entropy-nothing-probs",
]


@pytest.mark.parametrize("case", [NAMED[name] for name in COMPILED], ids=str)
def test_a_subclass_compiles(case):
    given, _ = tensors(case, case.options())
    torch._dynamo.reset()
    function = torch.compile(case.function, fullgraph=True, backend="eager")
    got = function(**{k: as_own(x) if torch.is_tensor(x) else x for k, x in given.items()})
    want = case.function(**given)
    torch.testing.assert_close(got.as_subclass(torch.Tensor), want, rtol=1e-13, atol=0)


class Model(nn.Module):
    """Everything that a module may hold is an argument."""

    def __init__(self):
        super().__init__()
        self.head, self.scale = nn.Linear(3, CLASSES), nn.Parameter(torch.ones(4))
        self.register_buffer("class_weight", torch.linspace(0.5, 2, CLASSES))
        self.register_buffer("labels", torch.tensor([0, 2, 3, 1]))

    def forward(self, x):
        weights = {"class_weight": self.class_weight, "sample_weight": self.scale}
        parts = xent.linear_cross_entropy(
            self.labels, x, self.head.weight, self.head.bias, **weights
        )
        return parts + xent.cross_entropy(self.labels, logits=self.head(x), **weights)


def test_a_module_trains_compiled_as_it_does_not():
    x, results = torch.linspace(-1, 1, 12).reshape(4, 3), []
    for backend in ("aot_eager", None):
        torch.manual_seed(0)
        torch._dynamo.reset()
        model = Model()
        step = torch.compile(model, fullgraph=True, backend=backend) if backend else model
        descent = torch.optim.SGD(model.parameters(), 0.5)
        for _ in range(3):
            descent.zero_grad()
            step(x).backward()
            descent.step()
        results.append([y.detach() for y in model.parameters()])
    torch.testing.assert_close(*results, rtol=1e-5, atol=0)


@pytest.mark.parametrize("case", FIRST, ids=str)
def test_a_list_of_tensors_keeps_their_derivatives(case):
    given, moving = tensors(case, {})
    results = []
    for shown in (list, torch.stack):
        x = {k: [y.clone().requires_grad_() for y in given[k]] for k in moving}
        others = {k: list(y) for k, y in given.items() if k not in moving}
        value = case.function(**{k: shown(y) for k, y in {**x, **others}.items()})
        g = torch.autograd.grad(value.sum(), [z for y in x.values() for z in y])
        results.append([value.detach(), *g])
    for got, want in zip(*results, strict=True):
        assert torch.equal(got, want)


def test_numbers_beside_tensors_in_a_list():
    p = torch.tensor(0.25, dtype=torch.float64, requires_grad=True)
    value = xent.entropy([p, 0.75], base=2)
    assert value.dtype == torch.float64
    (g,) = torch.autograd.grad(value, p)
    want = -(p.detach().log2() + 1 / torch.tensor(2.0).double().log())
    torch.testing.assert_close(g, want, rtol=1e-14, atol=0)


def test_lists_are_of_the_default_float():
    labels = torch.tensor([0, 1])
    for dtype in (torch.float64, torch.float32):
        torch.set_default_dtype(dtype)
        try:
            assert xent.one_hot(labels, 2).dtype == dtype
            value = xent.cross_entropy(labels, logits=[[0.25, 0.5], [0.1, 0.2]])
        finally:
            torch.set_default_dtype(torch.float32)
        assert value.dtype == dtype


@pytest.mark.parametrize("case", FIRST, ids=str)
def test_the_default_device_moves_nothing(case, monkeypatch):
    """Nor does it where an array is large."""
    for name, size in (("MANY", 0), ("LONG", 1), ("STEP", 3)):
        monkeypatch.setattr(f"xent.engines.torch.in_place.{name}", size)
    given, moving = tensors(case, case.options())
    x = leaves(given, moving)
    with torch.device("meta"):
        value = case.function(**{**given, **dict(zip(moving, x, strict=True))})
        value.sum().backward()
    for y in (value, *(y.grad for y in x)):
        assert y.device.type == "cpu"


NOT_DENSE = {
    "nested": lambda x: torch.nested.nested_tensor(list(x)),
    "jagged": lambda x: torch.nested.nested_tensor(list(x), layout=torch.jagged),
    "sparse_coo": torch.Tensor.to_sparse,
    "sparse_csr": torch.Tensor.to_sparse_csr,
}


@pytest.mark.filterwarnings("ignore:.*(nested tensors|CSR tensor)")
@pytest.mark.parametrize("kind", NOT_DENSE)
def test_a_tensor_that_is_not_dense_is_refused(kind):
    """Where a plan for dense ones is remembered too."""
    given = NAMED["cross_entropy-distributions-logits"].arguments(rows=(3,))
    given = {name: torch.asarray(x) for name, x in given.items()}
    xent.cross_entropy(**given)
    for name in given:
        with pytest.raises(
            TypeError, match=rf"{name} is a .*(nested|{kind}).* it takes a dense one"
        ):
            xent.cross_entropy(**{**given, name: NOT_DENSE[kind](given[name])})
