"""How far apart two batches of vectors are."""

from __future__ import annotations

from .. import functional as F
from ._function import FunctionLayer


class CosineSimilarity(FunctionLayer, function=F.cosine_similarity, hidden=("dim", "eps"), dim=1, eps=1e-8):
    """The cosine of the angle between x1 and x2 along `dim`."""


class PairwiseDistance(FunctionLayer, function=F.pairwise_distance, hidden=("p", "eps", "keepdim"), p=2.0, eps=1e-6,
                       keepdim=False):
    """The p-norm of x1 - x2 + eps along the last dimension."""
