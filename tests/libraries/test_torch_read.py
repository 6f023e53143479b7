"""Labels that are there are checked beside logits that a transform of torch follows (R13)."""

import pytest
import torch

import xent
from tests.libraries import read

TRANSFORMS = {
    "grad": torch.func.grad,
    "vmap": lambda f: lambda x: torch.func.vmap(f)(x[None]),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("wrong", read.WRONG)
def test_what_is_there_is_read(transform, wrong):
    read.check_read(TRANSFORMS[transform], torch.from_numpy, *read.WRONG[wrong])


def test_each_side_is_read_by_itself():
    read.check_sides(torch.func.grad, torch.from_numpy)


def test_what_a_transform_follows_has_values():
    """It wraps all arguments, and what is made inside, where it follows a derivative alone."""
    logits, labels = torch.ones(3, 4), torch.tensor([0, 1, 9])

    def loss(z, labels, validate=None):
        return xent.cross_entropy(labels, logits=z, reduction="sum", validate=validate)

    for transform in (torch.func.grad, torch.func.jacrev):
        with pytest.raises(ValueError, match="target holds label 9"):
            transform(loss)(logits, labels)
        assert transform(loss)(logits, labels % 4, True).isfinite().all()
    mapped = torch.func.vmap(torch.func.grad(loss))(logits[None], labels[None])
    assert mapped[0, :, 0].isnan().tolist() == [False, False, True]


def test_what_a_traced_mask_leaves_out_is_not_read():
    read.check_masked(lambda f: lambda x: torch.func.vmap(f)(x[None]), torch.from_numpy)
