"""Cross-entropy losses and the information measures behind them, for every array library.

References call D1 and D2 the two documents that the formulas are from, which the site retells: from
information to the gradient of softmax regression, and from entropy to the three cross entropies.
"""

from xent import kernels as kernels
from xent import math as math
from xent._call import loss as loss
from xent._check import names as _names
from xent._curvature import gauss_newton as gauss_newton
from xent._curvature import grad_and_hessian_diagonal as grad_and_hessian_diagonal
from xent._curvature import hvp as hvp
from xent._kernel import Kernel as Kernel
from xent._metrics import Metrics as Metrics
from xent._metrics import with_metrics as with_metrics
from xent._options import BinaryOptions as BinaryOptions
from xent._options import CrossEntropyOptions as CrossEntropyOptions
from xent._options import CurveOptions as CurveOptions
from xent._options import DistanceOptions as DistanceOptions
from xent._options import DivergenceOptions as DivergenceOptions
from xent._options import LikelihoodOptions as LikelihoodOptions
from xent._options import ScoreOptions as ScoreOptions
from xent._part_call import part as part
from xent._pullback import vjp as vjp
from xent._request import Call as Call
from xent._sparse import SparseDistribution as SparseDistribution
from xent._transform import grad as grad
from xent._transform import linear_head as linear_head
from xent._transform import value_and_grad as value_and_grad
from xent._workers import get_workers as get_workers
from xent._workers import set_workers as set_workers
from xent.losses.binary_cross_entropy import binary_cross_entropy as binary_cross_entropy
from xent.losses.binary_focal import asymmetric_loss as asymmetric_loss
from xent.losses.binary_focal import binary_focal_loss as binary_focal_loss
from xent.losses.contrastive import contrastive_loss as contrastive_loss
from xent.losses.contrastive import sigmoid_contrastive_loss as sigmoid_contrastive_loss
from xent.losses.cross_entropy import categorical_cross_entropy as categorical_cross_entropy
from xent.losses.cross_entropy import cross_entropy as cross_entropy
from xent.losses.cross_entropy import (
    sparse_categorical_cross_entropy as sparse_categorical_cross_entropy,
)
from xent.losses.distances import chi_square_divergence as chi_square_divergence
from xent.losses.distances import hellinger_distance as hellinger_distance
from xent.losses.distances import total_variation as total_variation
from xent.losses.distributions import is_distribution as is_distribution
from xent.losses.distributions import one_hot as one_hot
from xent.losses.distributions import smooth_labels as smooth_labels
from xent.losses.divergence import jensen_shannon_divergence as jensen_shannon_divergence
from xent.losses.divergence import kl_divergence as kl_divergence
from xent.losses.information import entropy as entropy
from xent.losses.information import self_information as self_information
from xent.losses.likelihood import likelihood as likelihood
from xent.losses.likelihood import log_likelihood as log_likelihood
from xent.losses.likelihood import negative_log_likelihood as negative_log_likelihood
from xent.losses.linear import linear_binary_cross_entropy as linear_binary_cross_entropy
from xent.losses.linear import linear_cross_entropy as linear_cross_entropy
from xent.losses.linear_divergence import (
    linear_jensen_shannon_divergence as linear_jensen_shannon_divergence,
)
from xent.losses.linear_divergence import linear_kl_divergence as linear_kl_divergence
from xent.losses.links import log_sigmoid as log_sigmoid
from xent.losses.links import log_softmax as log_softmax
from xent.losses.links import logsumexp as logsumexp
from xent.losses.links import sigmoid as sigmoid
from xent.losses.links import softmax as softmax
from xent.losses.links import softmax_jacobian as softmax_jacobian
from xent.losses.log_probs import LogProbs as LogProbs
from xent.losses.log_probs import linear_log_probs as linear_log_probs
from xent.losses.log_probs import log_probs as log_probs
from xent.losses.of_label import focal_loss as focal_loss
from xent.losses.of_label import generalized_cross_entropy as generalized_cross_entropy
from xent.losses.of_label import poly_loss as poly_loss
from xent.losses.orders import renyi_divergence as renyi_divergence
from xent.losses.orders import renyi_entropy as renyi_entropy
from xent.losses.orders import tsallis_divergence as tsallis_divergence
from xent.losses.orders import tsallis_entropy as tsallis_entropy
from xent.losses.perplexity import perplexity as perplexity
from xent.losses.scores import brier_score as brier_score
from xent.losses.scores import spherical_score as spherical_score

__version__ = "0.1.0"


def __dir__() -> list[str]:
    hidden = ("engines", "losses", "nn", "testing")
    return [name for name in globals() if not name.startswith("_") and name not in hidden]


globals()["__all__"] = __dir__()  # a checker, which can't read this, reads the imports
globals()["__getattr__"] = _names.lacks(  # nor this, and so takes no name for granted
    __name__, {"nn": "xent.nn.torch or xent.nn.keras", "testing": "xent.testing"}
)
