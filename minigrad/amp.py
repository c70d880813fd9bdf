"""torch.amp: mixed precision. minigrad computes in the precision that the tensors have."""

import contextlib
from typing import Any


class autocast(contextlib.ContextDecorator, contextlib.nullcontext[None]):
    """A `with` block, or a decorator, that changes nothing: `enabled=False`, or a GPU's where there is none.

    NotImplementedError for what would compute in a lower precision, enabled on "cpu".
    """

    def __init__(self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: Any = None) -> None:
        super().__init__()
        if enabled and device_type == "cpu":
            raise NotImplementedError("minigrad has no bfloat16 for autocast to compute in: pass enabled=False")
