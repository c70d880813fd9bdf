"""torch.backends.mps: Apple's GPUs."""


def is_available() -> bool:
    """Whether tensors can live on an Apple GPU: not in minigrad."""
    return False


is_built = is_available
