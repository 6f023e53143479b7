"""Labels that are there are checked beside logits that a transform of torch follows (R13)."""

import pytest
import torch

from tests.libraries import read

TRANSFORMS = {
    "grad": torch.func.grad,
    "vmap": lambda f: lambda x: torch.func.vmap(f)(x[None]),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("wrong", read.WRONG)
def test_what_is_there_is_read(transform, wrong):
    read.check_read(TRANSFORMS[transform], torch.from_numpy, *read.WRONG[wrong])


def test_what_a_traced_mask_leaves_out_is_not_read():
    read.check_masked(lambda f: lambda x: torch.func.vmap(f)(x[None]), torch.from_numpy)
