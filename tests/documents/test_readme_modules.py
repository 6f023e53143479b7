"""What README says of torch's modules and ours is so, row by row."""

import pytest

from tests.documents.test_readme import README, section

torch = pytest.importorskip("torch")
ours = pytest.importorskip("xent.nn.torch")
TORCH = ("tensor", "zeros", "ones", "inf", "int32")
ROWS = [
    [cell.strip("`") for cell in row] for row in section("One import changes a training script")
]


def names(modules):
    """Return what a row's code may use, its modules from one place."""

    def slope(loss, input, target, wanted=0):
        given = input.requires_grad_(), target.requires_grad_(target.is_floating_point())
        return torch.autograd.grad(loss(*given), given[wanted])[0]

    return {
        **{name: getattr(torch, name) for name in TORCH},
        **{name: found for name, found in vars(modules).items() if name.endswith("Loss")},
        "slope": slope,
        "target_slope": lambda loss, *given: slope(loss, *given, wanted=1),
    }


def said(code, modules):
    """Return what the code gives, as the table writes it."""
    try:
        x = eval(code, names(modules))
    except (IndexError, RuntimeError, ValueError) as error:
        return type(error).__name__
    return str(x) if isinstance(x, torch.dtype) else f"{float(x) + 0.0:.5g}"


@pytest.mark.parametrize(("code", "theirs", "here", "why"), ROWS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_row(code, theirs, here, why):
    assert (said(code, torch.nn), said(code, ours)) == (theirs, here), why


def test_every_module_is_named():
    for name in vars(ours):
        assert name.startswith("_") or not name.endswith("Loss") or f"`{name}`" in README
