"""Measures of two distributions, of one, and proper scores, as their papers define them.

Each is a function of a target, a row of probabilities and parameters; `by_logits` takes the slope on to the
logits of a softmax.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.reference.number import Number, Row, mp
from conformance.reference.rows import divergence, neg_log, probabilities, times, total

#: Cost and slope of a row, by target, form, row and parameters.
Rules = tuple[Callable[..., Number], Callable[..., Row]]


def by_logits(a: Row, slope: Row) -> Row:
    """aⱼ Σₖ aₖ (gⱼ − gₖ), the chain rule through a softmax.

    A class without probability adds nothing, and one whose slope is ∞ outweighs all others.
    """
    some = [(y, h) for y, h in zip(a, slope, strict=True) if y]
    endless = any(h == mp.inf for _, h in some)

    def along(x: Number, g: Number) -> Number:
        if not x:
            return mp.zero
        if endless:
            return mp.inf if g == mp.inf else mp.ninf
        return x * total([y * (g - h) for y, h in some])

    return tuple(along(*pair) for pair in zip(a, slope, strict=True))


def _rules(cost: Callable[..., Number], slope: Callable[..., Row]) -> Rules:
    def by_form(t: Row, form: str, row: Row, own: Any) -> Row:
        q = probabilities(form, row)
        g = slope(t, q, own)
        if form == "log_probs":
            return tuple(times(x, y) for x, y in zip(q, g, strict=True))
        return by_logits(q, g) if form == "logits" else g

    return lambda t, form, row, own: cost(t, probabilities(form, row), own), by_form


def power(p: Number, q: Number, order: Number) -> Number:
    """pᵃ q¹⁻ᵃ, 0 where p is 0, for a = 0 too."""
    if p == 0:
        return mp.zero
    return mp.inf if q == 0 and order > 1 else p**order * q ** (1 - order)


def over(p: Number, q: Number) -> Number:
    """p/q, 0 where p is 0."""
    return mp.zero if p == 0 else mp.inf if q == 0 else p / q


def renyi(p: Row, q: Row, own: Row) -> Number:
    """log(Σ pᵃ q¹⁻ᵃ / Σ p)/(a − 1), the divergence of order 1, and the logarithm of max p/q of ∞."""
    (a,) = own
    if p == q:
        return mp.zero
    if a == 1:
        return total([divergence(*pair) for pair in zip(p, q, strict=True)]) / total(p)
    if a == mp.inf:
        return mp.log(max(over(*pair) for pair in zip(p, q, strict=True)))
    return mp.log(total([power(*pair, a) for pair in zip(p, q, strict=True)]) / total(p)) / (a - 1)


def of_largest(p: Row, x: Row) -> Row:
    """xᵃ⁻¹ / Σ p xᵃ⁻¹ of order ∞: 1/Σ p of the classes whose x is the largest, 0 elsewhere."""
    most = max(x)
    mass = total([a for a, y in zip(p, x, strict=True) if y == most])
    return tuple(1 / mass if y == most else mp.zero for y in x)


def renyi_slope(p: Row, q: Row, own: Row) -> Row:
    """−(p/q)ᵃ / Σ pᵃ q¹⁻ᵃ."""
    (a,) = own
    if a == mp.inf:
        x = tuple(over(*pair) for pair in zip(p, q, strict=True))
        return tuple(-y * share for y, share in zip(x, of_largest(p, x), strict=True))
    whole = total([power(*pair, a) for pair in zip(p, q, strict=True)])
    return tuple(x / whole for x in tsallis_slope(p, q, own))


def tsallis(p: Row, q: Row, own: Row) -> Number:
    """(Σ pᵃ q¹⁻ᵃ − Σ p)/(a − 1), the divergence of order 1; of ∞, 0 of p = q and else infinite."""
    (a,) = own
    if p == q:
        return mp.zero
    if a == 1:
        return total([divergence(*pair) for pair in zip(p, q, strict=True)])
    if a == mp.inf:
        return mp.zero if p == q else mp.inf
    return (total([power(*pair, a) for pair in zip(p, q, strict=True)]) - total(p)) / (a - 1)


def tsallis_slope(p: Row, q: Row, own: Row) -> Row:
    """−(p/q)ᵃ."""
    if own[0] == 0:
        return tuple(-mp.one if x else mp.zero for x in p)
    return tuple(
        -(over(*pair) ** own[0]) if pair[0] else mp.zero for pair in zip(p, q, strict=True)
    )


def renyi_entropy(_: Row, p: Row, own: Row) -> Number:
    """log(Σ pᵃ / Σ p)/(1 − a), Shannon's of order 1, and −log max p of ∞."""
    (a,) = own
    if a == 1:
        return total([times(x, neg_log(x)) for x in p]) / total(p)
    if a == mp.inf:
        return -mp.log(max(p))
    return mp.log(total([x**a for x in p if x]) / total(p)) / (1 - a)


def renyi_entropy_slope(_: Row, p: Row, own: Row) -> Row:
    """(a pᵃ⁻¹ / Σ pᵃ − 1 / Σ p)/(1 − a)."""
    (a,), mass = own, total(p)
    if a == 1:
        return tuple((neg_log(x) - 1 - renyi_entropy(_, p, own)) / mass for x in p)
    if a == mp.inf:
        return tuple(-share for share in of_largest(p, p))
    whole = total([x**a for x in p if x])
    return tuple((a * x ** (a - 1) / whole - 1 / mass) / (1 - a) for x in p)


def tsallis_entropy(_: Row, p: Row, own: Row) -> Number:
    """Σ (p − pᵃ)/(a − 1), Shannon's of order 1, and 0 of ∞."""
    (a,) = own
    if a == 1:
        return total([times(x, neg_log(x)) for x in p])
    return mp.zero if a == mp.inf else total([(x - x**a) / (a - 1) for x in p if x])


def tsallis_entropy_slope(_: Row, p: Row, own: Row) -> Row:
    """(1 − a pᵃ⁻¹)/(a − 1)."""
    (a,) = own
    return tuple(neg_log(x) - 1 if a == 1 else (1 - a * x ** (a - 1)) / (a - 1) for x in p)


def _roles(t: Row, q: Row, own: Row) -> tuple[Row, Row, Row]:
    """Return first, second, and the mixture of both that the first is compared with."""
    reverse, skew = own
    first, second = (q, t) if reverse else (t, q)
    return (
        first,
        second,
        tuple(skew * a + (1 - skew) * b for a, b in zip(first, second, strict=True)),
    )


def skewed(t: Row, q: Row, own: Row) -> Number:
    """D(p‖αp + (1 − α)q), or of both in each other's place."""
    first, _, mixture = _roles(t, q, own)
    return total([divergence(*pair) for pair in zip(first, mixture, strict=True)])


def skewed_slope(t: Row, q: Row, own: Row) -> Row:
    """By q: −(1 − α) p/m; and log(q/m) + 1 − α q/m of D(q‖m)."""
    reverse, skew = own
    first, _, mixture = _roles(t, q, own)
    ratios = [over(x, m) for x, m in zip(first, mixture, strict=True)]
    if reverse:
        return tuple(mp.log(x) + 1 - times(skew, x) for x in ratios)
    return tuple(-(1 - skew) * x for x in ratios)


def jensen_shannon(p: Row, q: Row, own: Row) -> Number:
    """β D(p‖m) + (1 − β) D(q‖m) with m = βp + (1 − β)q."""
    (b,) = own
    triples = [(x, y, b * x + (1 - b) * y) for x, y in zip(p, q, strict=True)]
    return total(
        [times(b, divergence(x, m)) + times(1 - b, divergence(y, m)) for x, y, m in triples]
    )


def jensen_shannon_slope(p: Row, q: Row, own: Row) -> Row:
    """By q: (1 − β) log(q/m)."""
    (b,) = own
    if b in (0, 1):
        return (mp.zero,) * len(q)
    # As −log(m/q), m/q = 1 − β + β p/q: where p is 0 it is the same for every q, and so in the limit.
    ratios = (over(x, y) for x, y in zip(p, q, strict=True))
    return tuple((1 - b) * -mp.log(1 - b + b * x) for x in ratios)


def hellinger(p: Row, q: Row, _: Any) -> Number:
    """√(½ Σ (√p − √q)²)."""
    return mp.sqrt(total([(mp.sqrt(x) - mp.sqrt(y)) ** 2 for x, y in zip(p, q, strict=True)]) / 2)


def hellinger_slope(p: Row, q: Row, _: Any) -> Row:
    """(1 − √(p/q))/(4 h), 0 at the minimum p = q, where the distance has a corner."""
    h = hellinger(p, q, _)
    return tuple(
        (1 - mp.sqrt(over(*pair))) / (4 * h) if h else h for pair in zip(p, q, strict=True)
    )


def total_variation(p: Row, q: Row, _: Any) -> Number:
    """½ Σ |p − q|."""
    return total([abs(x - y) for x, y in zip(p, q, strict=True)]) / 2


def chi_square(p: Row, q: Row, _: Any) -> Number:
    """Σ (p − q)²/q."""
    return total([mp.zero if x == y else over((x - y) ** 2, y) for x, y in zip(p, q, strict=True)])


def brier(t: Row, q: Row, _: Any) -> Number:
    """Σ (q − t)²."""
    return total([(y - x) ** 2 for x, y in zip(t, q, strict=True)])


def spherical(t: Row, q: Row, _: Any) -> Number:
    """Σ t q / ‖q‖."""
    return total([x * y for x, y in zip(t, q, strict=True)]) / mp.sqrt(total([y * y for y in q]))


def spherical_slope(t: Row, q: Row, _: Any) -> Row:
    """(t − (Σ t q) q/‖q‖²)/‖q‖, as Σₖ qₖ (tⱼ qₖ − tₖ qⱼ)/‖q‖³."""
    norm = mp.sqrt(total([y * y for y in q]))
    pairs = list(zip(t, q, strict=True))
    return tuple(total([y * (a * y - x * b) for x, y in pairs]) / norm**3 for a, b in pairs)


RULES: dict[str, Rules] = {
    "renyi_divergence": _rules(renyi, renyi_slope),
    "tsallis_divergence": _rules(tsallis, tsallis_slope),
    "renyi_entropy": _rules(renyi_entropy, renyi_entropy_slope),
    "tsallis_entropy": _rules(tsallis_entropy, tsallis_entropy_slope),
    "skewed_divergence": _rules(skewed, skewed_slope),
    "jensen_shannon_divergence": _rules(jensen_shannon, jensen_shannon_slope),
    "hellinger_distance": _rules(hellinger, hellinger_slope),
    "total_variation": _rules(total_variation, lambda p, q, _: tuple(
        mp.sign(y - x) / 2 for x, y in zip(p, q, strict=True))),
    "chi_square_divergence": _rules(chi_square, lambda p, q, _: tuple(
        1 - over(x, y) ** 2 for x, y in zip(p, q, strict=True))),
    "brier_score": _rules(brier, lambda t, q, _: tuple(
        2 * (y - x) for x, y in zip(t, q, strict=True))),
    "spherical_score": _rules(spherical, spherical_slope),
}  # fmt: skip
