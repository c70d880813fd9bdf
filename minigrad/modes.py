"""Switches for what operations record: `no_grad`, `enable_grad`, `set_grad_enabled`, `inference_mode`.

Each is a context manager and a decorator, each thread has its own, and they nest. `user_line` serves the mode that
notes source lines.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any


class Mode(threading.local):
    """What the current thread records."""

    grad = True  # leave nodes behind
    inference = False  # tensors made now can never take part in a graph
    source = False  # note the user's file and line in each node (slow: for tools that show it)
    watch: Callable[[Any, int, Any], None] | None = None  # sees, in backward, (node, i, its gradient for input i)


mode = Mode()


class Switch:
    """Sets `mode` inside a `with` block, or around every call of a decorated function."""

    settings: dict[str, Any]

    def __enter__(self) -> None:
        self.before = {name: getattr(mode, name) for name in self.settings}
        vars(mode).update(self.settings)
        mode.grad = mode.grad and not mode.inference  # enable_grad does not reach into inference_mode

    def __exit__(self, *exc: object) -> None:
        vars(mode).update(self.before)

    def again(self) -> Switch:
        """A fresh switch with the same settings: a decorated function may be recursive, or run in threads."""
        new = object.__new__(type(self))
        new.settings = self.settings
        return new

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function):  # the switch must not leak to the consumer between items

            @wraps(function)
            def generator(*args: Any, **kwargs: Any) -> Iterator[Any]:
                items, sent = function(*args, **kwargs), None
                while True:
                    with self.again():
                        try:
                            item = items.send(sent)
                        except StopIteration as end:
                            return end.value
                    sent = yield item

            return generator

        @wraps(function)
        def switched(*args: Any, **kwargs: Any) -> Any:
            with self.again():
                return function(*args, **kwargs)

        return switched


class _Fixed(Switch):
    """A switch without arguments; `@no_grad` works as well as `@no_grad()`."""

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        new = object.__new__(cls)
        return new if function is None else new(function)


class no_grad(_Fixed):
    """Record nothing: results do not require grad.

    >>> from minigrad import ones
    >>> w = ones(2, requires_grad=True)
    >>> with no_grad():
    ...     print((w * 2).requires_grad)
    False
    """

    settings = {"grad": False}


class enable_grad(_Fixed):
    """Record again, inside a `no_grad` block."""

    settings = {"grad": True}


class Setter(Switch):
    """A switch that acts from its call on, or, as `with` block or decorator, there only."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self.before = {name: getattr(mode, name) for name in settings}
        vars(mode).update(settings)

    def __enter__(self) -> None:
        vars(mode).update(self.settings)  # what was before is known since the call

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        vars(mode).update(self.before)  # as a decorator it acts when the function is called, not now
        return super().__call__(function)

    def again(self) -> Switch:
        new = Switch()
        new.settings = self.settings
        return new


class set_grad_enabled(Setter):
    """Record or not, as `enabled` says: from this call on, or, as `with` block or decorator, there only."""

    def __init__(self, enabled: bool) -> None:
        super().__init__(grad=bool(enabled))


class inference_mode(Switch):
    """Like no_grad, and its tensors can never enter a graph later: they keep no track of writes.

    `inference_mode(False)` switches normal recording on.
    """

    def __new__(cls, mode: bool | Callable[..., Any] = True) -> Any:
        new = object.__new__(cls)
        on = mode if isinstance(mode, bool) else True
        new.settings = {"grad": not on, "inference": on}
        return new(mode) if callable(mode) else new


def is_grad_enabled() -> bool:
    """Whether operations on this thread record."""
    return mode.grad


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside `inference_mode`."""
    return mode.inference


def user_line() -> tuple[str, int] | None:
    """The innermost file and line that is not minigrad's own."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "minigrad":
        frame = frame.f_back
    return None if frame is None else (frame.f_code.co_filename, frame.f_lineno)
