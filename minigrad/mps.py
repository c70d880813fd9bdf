"""torch.mps, for Apple's GPUs: minigrad does not compute on them."""


def is_available() -> bool:
    """Whether tensors can live on an Apple GPU: not in minigrad."""
    return False


def device_count() -> int:
    """How many Apple GPUs tensors can live on."""
    return 0


def manual_seed(seed: int) -> None:
    """Seed the draws on an Apple GPU; without one there are none, and torch, too, ignores the call."""
