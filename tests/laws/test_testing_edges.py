"""`xent.testing.check` finds what is wrong at an edge: limits, certainty, probability 0, no label."""

import pytest

from tests.laws import broken, broken_edges
from tests.laws.checked import failures, of
from xent.testing import check

LIMITS = {
    broken_edges.NoLimitWhereCertain: ("A single infinite logit", "finite logits"),
    broken_edges.WrongLimitWhereCertain: ("Far out the value", "of a label at +4000"),
}


@pytest.mark.parametrize("kernel", LIMITS, ids=lambda kernel: kernel.__name__)
def test_a_limit_that_is_missing_or_another_is_found(kernel):
    law, said = LIMITS[kernel]
    assert said in of(law, failures(broken.of_labels(kernel()), broken_edges.polynomial))


EDGES = {
    broken_edges.ClipsProbabilities: ("where a probability is small", "the change"),
    broken_edges.NoSlopeAtZero: ("A probability of 0 gives the limit", "the slope"),
    broken_edges.NaNAtZero: ("A probability of 0 gives the limit", "nan"),
    broken_edges.AddsAGrain: ("a probability is 1 or just below", "the value"),
    broken_edges.LosesWhatIsLost: ("A label that is no class", "wanted nan"),
}


@pytest.mark.parametrize("kernel", EDGES, ids=lambda kernel: kernel.__name__)
def test_a_wrong_edge_of_probability_is_found(kernel):
    law, said = EDGES[kernel]
    assert said in of(law, failures(broken_edges.of_probs(kernel())))


def test_digits_that_are_lost_near_a_probability_of_1_are_found():
    found = failures(
        broken_edges.of_probs(broken_edges.RoundsNearOne()), broken_edges.power_of_probability
    )
    assert "ULP below 1" in of("In float64 just below 1", found)
    found = failures(
        broken_edges.of_log_probs(broken_edges.SubtractsLogs()), broken_edges.complement
    )
    assert "float32" in of("a probability is 1 or just below", found)


def test_a_merge_that_forgets_is_found():
    found = failures(broken_edges.of_probs(broken_edges.LosesWhatIsLost()))
    assert "cut at" in of("Merged statistics", found)


ABSENT = {
    broken_edges.Jeffreys: ("the value where both of class 0", "nan"),
    broken_edges.CutJeffreys: ("the value where the target of class 0", "wanted inf"),
    broken_edges.NoSlopeJeffreys: ("the gradient where both of class 0", "nan"),
    broken_edges.FlatJeffreys: ("the slope where the target of class 0", "wanted inf"),
}


@pytest.mark.parametrize("kernel", ABSENT, ids=lambda kernel: kernel.__name__)
def test_a_limit_that_a_class_without_anything_misses_is_found(kernel):
    found = failures(broken_edges.of_distributions(kernel()), broken_edges.jeffreys)
    what = of("A class of which target", found)
    assert all(word in what for word in ABSENT[kernel])


def test_a_limit_that_an_element_misses_where_it_is_sure_is_found():
    found = failures(broken_edges.one_limit, broken_edges.binary)
    assert not any("A class of which target" in law for law in found)
    assert "both of class 0 have everything in float64 is nan" in of("An element of which", found)


def test_a_divergence_with_its_limits_holds():
    loss = broken_edges.of_distributions(broken_edges.RightJeffreys())
    check(loss, broken_edges.jeffreys, libraries=["numpy"])
