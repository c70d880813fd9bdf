"""torch.backends.cudnn: scripts set these to choose among NVIDIA's kernels; without a GPU there are none."""

enabled, benchmark, deterministic, allow_tf32 = True, False, False, True


def is_available() -> bool:
    """Whether cuDNN can be used."""
    return False


def version() -> None:
    """The version of cuDNN: None without it."""
