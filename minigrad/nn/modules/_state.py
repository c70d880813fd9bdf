"""A module's state: all its parameters and persistent buffers by dotted name, taken out and put back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...modes import no_grad
from ...tensor import Tensor
from ..parameter import Parameter
from ._members import MemberTree


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` found: names that the state lacked, and names that no module claimed."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class StateDict(MemberTree):
    """The part of Module that saves and restores state."""

    _version = 1  # of what the module saves; it travels in the state's `_metadata`

    def state_dict(self, *, destination: dict[str, Any] | None = None, prefix: str = "",
                   keep_vars: bool = False) -> dict[str, Any]:
        """An ordered dict from dotted name to tensor: parameters and persistent buffers, module by module.

        The tensors are detached but share the module's memory; with `keep_vars` they are its own objects.
        Names start with `prefix`; `destination` is filled instead of a new dict.
        """
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()  # type: ignore[attr-defined]  # torch hangs it there
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = {"version": self._version}
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        return destination

    def _own_state(self) -> dict[str, Tensor]:
        """This module's own parameters and persistent buffers, without those that are None."""
        own = {**self._parameters, **self._buffers}
        return {name: t for name, t in own.items() if t is not None and name not in self._non_persistent_buffers_set}

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Add this module's own state, without its children's."""
        for name, value in self._own_state().items():
            destination[prefix + name] = value if keep_vars else value.detach()

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True,
                        assign: bool = False) -> IncompatibleKeys:
        """Copy a state into this module and those below it, casting to each tensor's dtype.

        With `strict`, missing and unexpected names are a RuntimeError that lists them all; a tensor of another shape
        always is one. With `assign` the module takes the state's tensors themselves.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        metadata = getattr(state_dict, "_metadata", {})
        state = dict(state_dict)
        found: tuple[list[str], list[str], list[str]] = ([], [], [])
        for path, module in self.named_modules(remove_duplicate=False):
            local = {**metadata.get(path, {}), "assign_to_params_buffers": assign}
            module._load_from_state_dict(state, f"{path}." if path else "", local, True, *found)
        missing, unexpected, errors = found
        for which, keys in (("Unexpected", unexpected), ("Missing", missing)):
            if keys and strict:
                quoted = ", ".join(f'"{key}"' for key in keys)
                errors.insert(0, f"{which} key(s) in state_dict: {quoted}. ")
        if errors:
            raise RuntimeError("\n\t".join([f"Error(s) in loading state_dict for {type(self).__name__}:", *errors]))
        return IncompatibleKeys(missing, unexpected)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any],
                              strict: bool, missing_keys: list[str], unexpected_keys: list[str],
                              error_msgs: list[str]) -> None:
        """Restore this module's own state, and add what went wrong to the three lists."""
        own = self._own_state()
        for name, target in own.items():
            key = prefix + name
            if key not in state_dict:
                missing_keys.append(key)
            elif problem := _misfit(key, target, state_dict[key]):
                error_msgs.append(problem)
            else:
                _restore(self, name, state_dict[key], local_metadata["assign_to_params_buffers"])
        for key in state_dict:
            first, dot, _ = key[len(prefix) :].partition(".")
            if key.startswith(prefix) and first not in (self._modules if dot else own):
                unexpected_keys.append(key)


def _misfit(key: str, target: Tensor, value: Any) -> str:
    """Why a value of the state can't go where it belongs; nothing if it can."""
    if not isinstance(value, Tensor):
        return (f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                f"checkpoint but received {type(value)}")
    if value.shape != target.shape:
        return (f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, the shape in "
                f"current model is {target.shape}.")
    return ""


def _restore(module: StateDict, name: str, value: Tensor, assign: bool) -> None:
    target = getattr(module, name)
    if not assign:
        with no_grad():
            target.copy_(value)
    elif isinstance(target, Parameter) and not isinstance(value, Parameter):
        setattr(module, name, Parameter(value, requires_grad=target.requires_grad))
    else:
        setattr(module, name, value.requires_grad_(target.requires_grad))
