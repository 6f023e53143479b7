"""The rows of a case in parts of their classes, each of which is called, measured and merged by hand."""

from itertools import pairwise

import numpy as np

import xent

CLASSES = 12
UNEVEN = (0, 1, 5, 12)


def of_rows(case):
    """Whether a case has parts: it has one number per row, and needs no softmax of a whole row."""
    return case.merges and (case.kind != "target_logits" or case.form == "logits")


def given_parts(case, given, cuts):
    """Yield the arguments of each part, and its place."""
    shape = given[case.form].shape
    for a, b in pairwise(cuts):
        some = {
            k: given[k][..., a:b]
            for k in (case.form, case.target, "where")
            if k in given and given[k].shape == shape
        }
        yield {**given, **some, "first": a, "classes": shape[-1]}


def parts_of(backend, case, given, cuts=UNEVEN):
    """Return the parts, whose arrays are the library's."""
    part = xent.part(case.function)
    return [backend.call(part, **some) for some in given_parts(case, given, cuts)]


def once(parts):
    """Return each part with what the statistics of all say of whole rows."""
    every = [part.statistics for part in parts]
    return [part.merged(every) for part in parts]


def merged(parts):
    """Return each part with all that is known of whole rows, be that in one round or in two."""
    wholes = once(parts)
    again = [whole.again for whole in wholes]
    return wholes if again[0] is None else once(again)


def both(backend, wholes):
    """Return the value, the same to the last bit in all parts, and the gradients side by side."""
    each = [backend.numbers(whole.value_and_gradient()) for whole in wholes]
    value = each[0][0]
    for other, _ in each:
        assert np.array_equal(other, value, equal_nan=True)
    return value, np.concatenate([g for _, g in each], axis=-1)
