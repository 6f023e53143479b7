"""The options that losses share: typed, defaulted and documented once, here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import SupportsIndex, TypedDict

from xent._typing import ArrayLike, Reduction, Scalar


class CommonOptions(TypedDict, total=False):
    """What every loss takes.

    Attributes
    ----------
    sample_weight : one per row, optional
        Multiplies the cost of a row, of each element in a loss of elements, and what it counts in a mean.
        0 silences an infinite cost. It may be negative, as the advantages of reinforcement learning
        are: then take ``reduction="sum"`` or a `denominator`, as a mean divides by a sum that may be 0.
    where : bool, one per row, optional
        False takes a row out: it adds exactly 0 to the value and has gradient 0, whatever it holds.
    denominator : number or 0-d array, optional
        Divides the sum in place of the mean's own divisor, as when gradients are accumulated; not
        negative, and of 0 the mean is 0.
    validate : bool, optional
        None checks values wherever they lie in host memory, True anywhere, and also that
        distributions sum to 1; False checks none. Where unchecked, a label out of range makes
        its row NaN.
    """

    sample_weight: ArrayLike | None
    where: ArrayLike | None
    denominator: ArrayLike | None
    validate: bool | None


class BaseOptions(TypedDict, total=False):
    """What a loss takes that is in nats.

    Attributes
    ----------
    base : float, optional
        Base of the logarithm: 2 for bits, 10 for hartleys; None for nats.
    """

    base: Scalar | None


class ReductionOptions(TypedDict, total=False):
    """What a loss takes that is not always a mean.

    Attributes
    ----------
    reduction : "none", "sum" or "mean"
        "mean" (the default) divides by the sum of sample weight times class-weighted mass of the target,
        1 in a loss of elements and in every divergence or distance but Kullback–Leibler's.
    """

    reduction: Reduction


class AxisOptions(TypedDict, total=False):
    """What a loss along a class axis takes.

    Attributes
    ----------
    axis : int, default -1
        The class axis of the prediction.
    """

    axis: SupportsIndex


class LabelOptions(TypedDict, total=False):
    """What a loss that knows labels takes.

    Attributes
    ----------
    ignore_index : int, or sequence of them, optional
        Rows with such a label are taken out as by `where`; of a binary loss, entries whose target
        equals it.
    """

    ignore_index: SupportsIndex | Sequence[SupportsIndex] | None


class SmoothingOptions(TypedDict, total=False):
    """What a loss takes whose target can be smoothed.

    Attributes
    ----------
    label_smoothing : float in [0, 1], default 0
        Mixes the target with the uniform distribution: (1 − ε) t + ε / K, where a binary loss has K = 2.
    """

    label_smoothing: Scalar


class TemperatureOptions(TypedDict, total=False):
    """What a loss takes whose logits can be tempered.

    Attributes
    ----------
    temperature : float, default 1
        Divides all logits, the target's too. A gradient is as much smaller, twice where both sides are
        softened: who trains with several temperatures multiplies the loss by temperature² (Hinton,
        Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015).
    """

    temperature: Scalar


class ChunkOptions(TypedDict, total=False):
    """What a loss of a linear head takes; the class axis is the first of its weight.

    Attributes
    ----------
    chunk_bytes : int, optional
        Bytes of logits at a time: 64 MiB, of at most 512 rows; on a device 1.5 GiB, of at most 4096. The
        guide to large vocabularies says in which compiled calls all of them are there at once.
    """

    chunk_bytes: SupportsIndex | None


class ElementOptions(CommonOptions, ReductionOptions, total=False):
    """What a loss of elements takes at the least."""


class FocalOptions(ElementOptions, LabelOptions, total=False):
    """What a loss of elements takes whose targets may be labels to ignore."""


class BinaryOptions(FocalOptions, BaseOptions, SmoothingOptions, total=False):
    """What the binary losses take.

    Attributes
    ----------
    pos_weight : number, or broadcastable to the target, optional
        Multiplies the cost of the positive part; never enters the divisor of a mean.
    """

    pos_weight: ArrayLike | None


class DistanceOptions(ElementOptions, AxisOptions, total=False):
    """What a loss of rows takes that has no logarithm."""


class ScoreOptions(DistanceOptions, LabelOptions, total=False):
    """What a loss of rows or labels takes that has no logarithm."""


class DivergenceOptions(DistanceOptions, BaseOptions, total=False):
    """What a loss of rows along a class axis takes."""


class TemperedOptions(DivergenceOptions, TemperatureOptions, total=False):
    """What a divergence of logits takes."""


class LinearDivergenceOptions(
    ElementOptions, BaseOptions, TemperatureOptions, ChunkOptions, total=False
):
    """What a divergence of two linear heads takes."""


class LikelihoodOptions(DivergenceOptions, LabelOptions, total=False):
    """What a loss of rows or labels takes."""


class ClassOptions(LabelOptions, total=False):
    """What a loss takes whose classes may weigh unlike.

    Attributes
    ----------
    class_weight : (K,), optional
        What each class weighs in the cost, and in the divisor of a mean. A negative one drives the
        prediction away from its class, without end; the divisor has its sign too, as with `sample_weight`.
    """

    class_weight: ArrayLike | None


class CurveOptions(DistanceOptions, ClassOptions, total=False):
    """What a loss takes that is a function of a cross entropy."""


class MeanOptions(CommonOptions, ClassOptions, SmoothingOptions, total=False):
    """What a mean of cross entropies takes."""


class PerplexityOptions(MeanOptions, AxisOptions, total=False):
    """What a mean of cross entropies along a class axis takes."""


class SoftcapOptions(TypedDict, total=False):
    """What a loss of logits takes that may be capped.

    Attributes
    ----------
    softcap : float, optional
        Caps logits at ±c by c·tanh(z / c), before anything else sees them (Gemma 2).
    """

    softcap: Scalar | None


class SoftmaxOptions(MeanOptions, ReductionOptions, BaseOptions, SoftcapOptions, total=False):
    """What a cross entropy takes.

    Attributes
    ----------
    z_loss : float, default 0
        Adds z_loss·logsumexp(z)² to each row, in nats² whatever the base, weighed by the sample
        weight alone (PaLM). From logits only.
    """

    z_loss: Scalar


class CrossEntropyOptions(SoftmaxOptions, AxisOptions, total=False):
    """What a cross entropy along a class axis takes."""


class LinearOptions(SoftmaxOptions, ChunkOptions, total=False):
    """What the cross entropy of a linear head takes."""


class PolicyOptions(LabelOptions, TemperatureOptions, SoftcapOptions, total=False):
    """What log-probabilities of labels take, one per row."""

    where: ArrayLike | None
    validate: bool | None


class TokenOptions(PolicyOptions, AxisOptions, total=False):
    """The same of logits, along a class axis."""


class LinearPolicyOptions(PolicyOptions, ChunkOptions, total=False):
    """The same of a linear head."""


class LinearBinaryOptions(BinaryOptions, ChunkOptions, total=False):
    """What the binary cross entropy of a linear head takes."""


class HeadOptions(LinearOptions, LinearBinaryOptions, total=False):
    """What the losses of a linear head take between them."""
