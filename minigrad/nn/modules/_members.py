"""What a module holds: parameters, buffers and submodules; how they are registered, found and listed.

The idea: a member is an ordinary attribute of its module, so reading `self.weight` costs what any attribute
costs. Beside the attributes the module remembers, in `_member_kinds`, which of them are members and of which kind.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...tensor import Tensor
from ..parameter import Buffer, Parameter, typename

if TYPE_CHECKING:
    from .module import Module

_HOOKS = ("_forward_hooks", "_forward_pre_hooks")
PARAMETER, BUFFER, MODULE = "parameter", "buffer", "module"


class MemberTree:
    """The part of Module that registers members and walks the tree that modules form."""

    _member_kinds: Mapping[str, str] = MappingProxyType({})  # before __init__, without which there are no members
    _non_persistent_buffers_set: set[str]  # the buffers that state_dict() leaves out

    def __init__(self) -> None:
        self.__dict__.update(_member_kinds={}, _non_persistent_buffers_set=set())

    def _members_of(self, kind: str) -> Mapping[str, Any]:
        """The members of one kind, in the order in which they were registered. To change one, assign to it."""
        return MappingProxyType({name: self.__dict__[name] for name, k in self._member_kinds.items() if k == kind})

    _parameters = property(lambda self: self._members_of(PARAMETER))
    _buffers = property(lambda self: self._members_of(BUFFER))
    _modules = property(lambda self: self._members_of(MODULE))

    # ------------------------------------------------------------------------------------- registration

    def __setattr__(self, name: str, value: Any) -> None:
        """Register a Parameter, Buffer or Module under `name`; anything else is an ordinary attribute.

        A name that holds a member accepts only its like or None: TypeError.
        """
        kind = held = self._member_kinds.get(name)
        if isinstance(value, Parameter):
            kind = PARAMETER
        elif isinstance(value, MemberTree) and held != PARAMETER:
            kind = MODULE
        elif isinstance(value, Buffer) and held is None:
            self.register_buffer(name, value, value.persistent)
            return
        if kind is None:
            object.__setattr__(self, name, value)
        elif kind == held:
            _check_type(kind, name, value)
            self.__dict__[name] = value
        else:
            self._check_initialized(kind)
            self._forget_member(name)
            self._register_member(kind, name, value)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        self._forget_member(name)

    def _forget_member(self, name: str) -> None:
        for names in (self.__dict__, self._member_kinds):
            names.pop(name, None)  # type: ignore[union-attr]  # dicts, after __init__
        self._non_persistent_buffers_set.discard(name)

    def _check_initialized(self, kind: str) -> None:
        if "_member_kinds" not in self.__dict__:
            raise AttributeError(f"cannot assign {kind}{'s' * (kind == PARAMETER)} before Module.__init__() call")

    def _register_member(self, kind: str, name: str, value: Any) -> None:
        """Add a member under a name that is free, or taken by one of its kind; torch's errors otherwise."""
        self._check_initialized(kind)
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {typename(name)}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and self._member_kinds.get(name) != kind:
            raise KeyError(f"attribute '{name}' already exists")
        _check_type(kind, name, value)
        if kind == PARAMETER and value is not None and not value.is_leaf:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}': a model's parameters are made, not "
                "computed. Compute values that depend on others in forward().")
        self.__dict__["_member_kinds"][name] = kind
        self.__dict__[name] = value

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, to be read as `module.name`; None keeps the name without a tensor. KeyError for a name
        that is taken, empty or contains a dot, TypeError for what is no Parameter."""
        self._register_member(PARAMETER, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is not trained but part of the module's state, and of `state_dict()` if `persistent`.
        Raises as `register_parameter`."""
        self._register_member(BUFFER, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule, to be read as `module.name`. Raises as `register_parameter`."""
        self._register_member(MODULE, name, module)

    register_module = add_module

    # ------------------------------------------------------------------------------------------ pickles, copies

    def __getstate__(self) -> dict[str, Any]:
        """All attributes, laid out as torch's modules are: a model saved whole is read by either library."""
        state = {name: value for name, value in self.__dict__.items() if name not in self._member_kinds}
        del state["_member_kinds"]
        state.update(
            _parameters=dict(self._parameters), _buffers=dict(self._buffers), _modules=dict(self._modules),
            _is_full_backward_hook=True if self.__dict__["_backward_hooks"] else None)
        for hooks in _HOOKS:
            state[hooks] = OrderedDict((k, hook) for k, (hook, _) in self.__dict__[hooks].items())
            state[f"{hooks}_with_kwargs"] = OrderedDict((k, True) for k, (_, kw) in self.__dict__[hooks].items() if kw)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        members = {PARAMETER: "_parameters", BUFFER: "_buffers", MODULE: "_modules"}
        found = {kind: state.pop(name) for kind, name in members.items()}
        for hooks in _HOOKS:
            with_kwargs = state.pop(f"{hooks}_with_kwargs", {})
            state[hooks] = OrderedDict((k, (hook, k in with_kwargs)) for k, hook in state[hooks].items())
        state.setdefault("_backward_pre_hooks", OrderedDict())  # files of torch 1 have none
        self.__dict__.update(state, _member_kinds={name: kind for kind in found for name in found[kind]})
        for values in found.values():
            self.__dict__.update(values)

    # ------------------------------------------------------------------------------ finding by dotted name

    def get_submodule(self, target: str) -> Module:
        """The submodule with this dotted name ("encoder.0"); AttributeError if there is none."""
        module: Any = self
        for name in target.split(".") if target else ():
            module = _attribute(module, name)
            if not isinstance(module, MemberTree):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter with this dotted name ("encoder.0.weight"); AttributeError if there is none."""
        path, _, name = target.rpartition(".")
        found = _attribute(self.get_submodule(path), name)
        if not isinstance(found, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return found

    def get_buffer(self, target: str) -> Tensor:
        """The buffer with this dotted name; AttributeError if there is none."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        found = _attribute(module, name)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return found

    # ------------------------------------------------------------------------------------ walking the tree

    def named_modules(self, memo: set[Any] | None = None, prefix: str = "",
                      remove_duplicate: bool = True) -> Iterator[tuple[str, Module]]:
        """Yield (dotted name, module) for this module and all below it, parents before children; one that is reached
        twice comes once, unless `remove_duplicate` is False."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self  # type: ignore[misc]  # a part of Module
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """Yield this module and all below it, each once."""
        yield from (module for _, module in self.named_modules(remove_duplicate=remove_duplicate))

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield (name, module) for the modules directly below this one, each once."""
        seen: set[Module] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """Yield the modules directly below this one, each once."""
        yield from (module for _, module in self.named_children())

    def named_parameters(self, prefix: str = "", recurse: bool = True,
                         remove_duplicate: bool = True) -> Iterator[tuple[str, Parameter]]:
        """Yield (dotted name, parameter); a parameter that modules share comes once, by its first name."""
        yield from self._named_members(PARAMETER, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters of this module and (unless `recurse` is False) of all below it."""
        yield from (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True,
                      remove_duplicate: bool = True) -> Iterator[tuple[str, Tensor]]:
        """Yield (dotted name, buffer), as `named_parameters` does for parameters."""
        yield from self._named_members(BUFFER, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers of this module and (unless `recurse` is False) of all below it."""
        yield from (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _named_members(self, kind: str, prefix: str, recurse: bool, once: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()  # ids, since == compares tensors element by element
        modules: Any = self.named_modules(prefix=prefix, remove_duplicate=once) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, member in module._members_of(kind).items():
                if member is not None and id(member) not in seen:
                    if once:
                        seen.add(id(member))
                    yield f"{path}.{name}" if path else name, member


for _name in ("modules", "children", "parameters", "buffers"):  # print(model.parameters()) shows Module.parameters
    for _walk in (getattr(MemberTree, _name), getattr(MemberTree, f"named_{_name}")):
        _walk.__qualname__ = f"Module.{_walk.__name__}"

_ACCEPTED = {PARAMETER: (Parameter, "torch.nn.Parameter"), BUFFER: (Tensor, "torch.nn.Buffer, torch.Tensor"),
             MODULE: (MemberTree, "torch.nn.Module")}


def _check_type(kind: str, name: str, value: Any) -> None:
    accepted, words = _ACCEPTED[kind]
    if value is not None and not isinstance(value, accepted):
        raise TypeError(f"cannot assign '{typename(value)}' as {kind} '{name}' ({words} or None expected)")


def _attribute(module: Any, name: str) -> Any:
    if not hasattr(module, name):
        raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
    return getattr(module, name)
