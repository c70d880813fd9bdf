"""torch.backends.cuda: how NVIDIA's GPUs compute."""

from types import SimpleNamespace

matmul = SimpleNamespace(allow_tf32=False)


def is_built() -> bool:
    """Whether tensors can live on an NVIDIA GPU: not yet in minigrad."""
    return False
