"""torch.cuda: what there is of GPUs, and what a script may ask of them. Tensors live there in CuPy's arrays."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from .device import cuda_library, device, no_cuda, usable
from .random import Generator, generator_of, seed_gpus


def is_available() -> bool:
    """Whether tensors can live on a GPU: CuPy is installed and finds one."""
    return device_count() > 0


is_initialized = is_available


def device_count() -> int:
    """How many GPUs tensors can live on."""
    library = cuda_library()
    return 0 if library is None else int(library.cuda.runtime.getDeviceCount())


def _runtime() -> Any:
    """CuPy's cuda module; AssertionError, as in torch without CUDA, where there is no GPU."""
    library = cuda_library()
    if library is None:
        raise no_cuda()
    return library.cuda


def current_device() -> int:
    """The number of the GPU that "cuda" means."""
    return int(_runtime().runtime.getDevice())


def set_device(device: Any) -> None:
    """Let "cuda" mean this GPU."""
    _runtime().runtime.setDevice(usable(device).index)


def get_device_properties(device: Any = None) -> SimpleNamespace:
    """The GPU's `name`, `total_memory` in bytes, `major`, `minor` and `multi_processor_count`."""
    index = current_device() if device is None else usable(device).index
    found = _runtime().runtime.getDeviceProperties(index)
    return SimpleNamespace(name=found["name"].decode(), total_memory=int(found["totalGlobalMem"]), major=found["major"],
                           minor=found["minor"], multi_processor_count=found["multiProcessorCount"])


def get_device_name(device: Any = None) -> str:
    """What the GPU calls itself."""
    return str(get_device_properties(device).name)


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The GPU's compute capability: (9, 0) for an H200."""
    found = get_device_properties(device)
    return int(found.major), int(found.minor)


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """How many bytes of the GPU's memory are free, and how many it has."""
    with _on(device):
        free, total = _runtime().runtime.memGetInfo()
    return int(free), int(total)


def current_stream(device: Any = None) -> Any:
    """The stream that the GPU works on: CuPy's own object."""
    with _on(device):
        return _runtime().get_current_stream()


def synchronize(device: Any = None) -> None:
    """Wait until the GPU has done all that it was given to do: before a clock is read, say."""
    current_stream(device).synchronize()


def empty_cache() -> None:
    """Give GPU memory that is kept for later use back to the driver."""
    library = cuda_library()
    if library is not None:
        library.get_default_memory_pool().free_all_blocks()


def memory_allocated(device: Any = None) -> int:
    """How many bytes of the GPU's memory are in use by tensors; 0 without a GPU."""
    return _pool(device, lambda pool: pool.used_bytes())


def memory_reserved(device: Any = None) -> int:
    """How many bytes of the GPU's memory are in use, or kept for later use; 0 without a GPU."""
    return _pool(device, lambda pool: pool.total_bytes())


max_memory_reserved = memory_reserved  # CuPy keeps what it once took until `empty_cache`


def max_memory_allocated(device: Any = None) -> int:
    """0 without a GPU; on one, CuPy does not note the peak: NotImplementedError."""
    if cuda_library() is None:
        return 0
    raise NotImplementedError("CuPy does not note the largest use of memory; see memory_allocated and memory_reserved")


def _pool(where: Any, ask: Callable[[Any], int]) -> int:
    library = cuda_library()
    if library is None:
        return 0
    with _on(where):
        return int(ask(library.get_default_memory_pool()))


def _on(where: Any) -> Any:
    """A context in which a GPU (by default the current one) is the current one."""
    return _runtime().Device(current_device() if where is None else usable(where).index)


def manual_seed(seed: int) -> None:
    """Seed the random draws on GPUs; without a GPU there are none, and torch, too, ignores the call."""
    seed_gpus(seed)


manual_seed_all = manual_seed


def default_generator(where: Any = "cuda") -> Generator:
    """The generator that draws on a GPU where none is named."""
    return generator_of(usable(device("cuda") if where is None else where))


def initial_seed() -> int:
    """The seed that the current GPU's random draws were last started with."""
    return default_generator().initial_seed()


def get_rng_state(device: Any = "cuda") -> Any:
    """The state of a GPU's random draws."""
    return default_generator(device).get_state()


def set_rng_state(new_state: Any, device: Any = "cuda") -> None:
    """Continue a GPU's random draws from a state of `get_rng_state`."""
    default_generator(device).set_state(new_state)
