"""Cross-entropy losses and the information measures behind them, for every array library."""

from xent._transform import grad as grad
from xent._transform import value_and_grad as value_and_grad
from xent._workers import get_workers as get_workers
from xent._workers import set_workers as set_workers
from xent.information import entropy as entropy
from xent.information import self_information as self_information
from xent.linear import linear_binary_cross_entropy as linear_binary_cross_entropy
from xent.linear import linear_cross_entropy as linear_cross_entropy
from xent.links import is_distribution as is_distribution
from xent.links import log_sigmoid as log_sigmoid
from xent.links import log_softmax as log_softmax
from xent.links import logsumexp as logsumexp
from xent.links import one_hot as one_hot
from xent.links import sigmoid as sigmoid
from xent.links import smooth_labels as smooth_labels
from xent.links import softmax as softmax
from xent.links import softmax_jacobian as softmax_jacobian
from xent.losses.binary_cross_entropy import binary_cross_entropy as binary_cross_entropy
from xent.losses.cross_entropy import categorical_cross_entropy as categorical_cross_entropy
from xent.losses.cross_entropy import cross_entropy as cross_entropy
from xent.losses.cross_entropy import perplexity as perplexity
from xent.losses.cross_entropy import (
    sparse_categorical_cross_entropy as sparse_categorical_cross_entropy,
)
from xent.losses.divergence import jensen_shannon_divergence as jensen_shannon_divergence
from xent.losses.divergence import kl_divergence as kl_divergence
from xent.losses.likelihood import likelihood as likelihood
from xent.losses.likelihood import log_likelihood as log_likelihood
from xent.losses.likelihood import negative_log_likelihood as negative_log_likelihood

__version__ = "0.1.0"
