"""Optimizer: what all optimizers share. It holds parameters in groups with options of their own, keeps state
for each parameter, and goes through them at every step; a subclass gives the update of one group.
"""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any

from ..hooks import RemovableHandle, register
from ..modes import enable_grad
from ..nn.parameter import typename, zero_grad_in_place
from ..tensor import Tensor

Group = dict[str, Any]
ParamsT = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[Group]
Step = Callable[..., Any]


def run_step_hooks(step: Step) -> Step:
    """Run the registered hooks around a `step` method."""

    @functools.wraps(step)
    def hooked(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        self._opt_called = True
        if not (self._step_pre_hooks or self._step_post_hooks):
            return step(self, *args, **kwargs)
        call: tuple[Any, Any] = ((self, *args), kwargs)
        for hook in list(self._step_pre_hooks.values()):
            changed = hook(self, *call)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(f"a step pre-hook must return None or (new_args, new_kwargs), not {changed}")
                call = changed
        result = step(*call[0], **call[1])
        for hook in list(self._step_post_hooks.values()):
            hook(self, *call)
        return result

    return hooked


class Optimizer:
    """Base class. `params` is an iterable of tensors, of (name, tensor) pairs, or of dicts: parameter groups.

    A group is {"params": ..., option: value, ...}; options that it does not name come from `defaults`.
    Subclasses define `_update(group)`, or their own `step`.
    """

    _step_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _step_post_hooks: OrderedDict[int, Callable[..., Any]]
    _opt_called = _scheduled = False  # whether there was a step since the first schedule, and whether there is one

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError("params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                            f"{typename(params)}")
        self.defaults = defaults
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._step_pre_hooks, self._step_post_hooks = OrderedDict(), OrderedDict()
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = run_step_hooks(cls.__dict__["step"])  # type: ignore[method-assign]  # wrapped on purpose

    # ------------------------------------------------------------------------------------------- training

    @run_step_hooks
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient. `closure`, if given, computes the loss and its gradients first,
        and the loss is returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._update(group)
        return loss

    def _update(self, group: Group) -> None:
        """Update the parameters of one group, each in its own memory."""
        raise NotImplementedError(f"{type(self).__name__} defines neither _update nor step")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or (set_to_none=False) fill them with zeros where they are."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                else:
                    zero_grad_in_place(p)

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Run `hook(optimizer, args, kwargs)` before every step; what it returns replaces the arguments."""
        return register(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Run `hook(optimizer, args, kwargs)` after every step."""
        return register(self._step_post_hooks, hook)

    # ------------------------------------------------------------------------------------- parameter groups

    def add_param_group(self, param_group: Group) -> None:
        """Add parameters to train, with options of their own. The dict itself becomes the group.

        TypeError for what is no dict of tensors, ValueError for tensors that are not leaves, are in another group
        already, or have names where the other groups have none.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        _separate_names(param_group)
        for p in param_group["params"]:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {typename(p)}")
            if not (p.is_leaf or p.retains_grad):
                raise ValueError(f"can't optimize a non-leaf Tensor, here one of shape {list(p.shape)}")
        for name, default in self.defaults.items():
            param_group.setdefault(name, default)
        new = {id(p) for p in param_group["params"]}
        if len(new) < len(param_group["params"]):
            warnings.warn("optimizer contains a parameter group with duplicate parameters; in future, this will "
                          "cause an error; see github.com/pytorch/pytorch/issues/40967 for more information",
                          stacklevel=3)
        for group in self.param_groups:
            if ("param_names" in param_group) != ("param_names" in group):
                how = "with" if "param_names" in param_group else "without"
                raise ValueError("all optimizer param groups should be with/without names. cannot add param group "
                                 f"{how} names to the optimizer")
            for p in group["params"]:
                if id(p) in new:
                    raise ValueError("some parameters appear in more than one parameter group, here one of shape "
                                     f"{list(p.shape)}")
        self.param_groups.append(param_group)

    # -------------------------------------------------------------------------------------------- the state

    def state_dict(self) -> dict[str, Any]:
        """The state and the options, as torch lays them out: parameters are numbered in their order.

        {"state": {0: {...}, ...}, "param_groups": [{option: value, ..., "params": [0, 1]}, ...]}. State tensors are the
        optimizer's own, not copies.
        """
        number = {id(p): i for i, p in enumerate(self._all_params())}
        groups = [{**{name: value for name, value in group.items() if name != "params"},
                   "params": [number[id(p)] for p in group["params"]]} for group in self.param_groups]
        state = {number[id(p)] if isinstance(p, Tensor) else p: state for p, state in self.state.items()}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state and options; state tensors are converted to their parameter's dtype and device, those that
        need it not are taken as they are, as in torch. ValueError if the numbers of groups or parameters differ."""
        groups = deepcopy(state_dict["param_groups"])
        if len(groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups: "
                             f"{len(groups)}, not {len(self.param_groups)}")
        loaded, own = [[len(group["params"]) for group in each] for each in (groups, self.param_groups)]
        if loaded != own:
            raise ValueError("loaded state dict contains a parameter group that doesn't match the size of optimizer's "
                             f"group: groups of {loaded} parameters, not of {own}")
        numbers = chain.from_iterable(group["params"] for group in groups)
        params = dict(zip(numbers, self._all_params(), strict=True))
        self.state = defaultdict(dict)
        for number, state in state_dict["state"].items():
            p = params.get(number)
            self.state[number if p is None else p] = state if p is None else _converted(state, p)
        for new, old in zip(groups, self.param_groups, strict=True):
            new["params"] = old["params"]
            if "param_names" in old:
                new.setdefault("param_names", old["param_names"])
        self.param_groups = groups

    def _all_params(self) -> Iterable[Tensor]:
        return chain.from_iterable(group["params"] for group in self.param_groups)

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _step_pre_hooks=OrderedDict(), _step_post_hooks=OrderedDict())

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            options = "".join(f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params")
            text += f"\nParameter Group {i}\n{options}"
        return text + ")"


AT_LEAST_ZERO = ("lr", "eps", "momentum", "alpha", "weight_decay", "momentum_decay", "lr_decay",
                 "initial_accumulator_value")
IN_WORDS = {"lr": "learning rate", "eps": "epsilon value"}  # what errors call an option; the rest: its name and "value"


def checked(options: dict[str, Any]) -> dict[str, Any]:
    """An optimizer's options, once they have passed the checks that the optimizers have in common.

    ValueError for a value out of its range (nan is) or an `lr` of several elements, RuntimeError for two
    implementations at once, and the errors of `refuse_what_needs_more`.
    """
    if isinstance(options["lr"], Tensor) and options["lr"].numel() != 1:
        raise ValueError(f"Tensor lr must be 1-element, not of shape {list(options['lr'].shape)}")
    for name in AT_LEAST_ZERO:
        if name in options and not options[name] >= 0.0:
            raise ValueError(f"Invalid {IN_WORDS.get(name, f'{name} value')}: {options[name]}")
    for i, beta in enumerate(options.get("betas", ())):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}")
    if options.get("fused") and options["differentiable"]:
        raise RuntimeError("`fused` does not support `differentiable`")
    if options.get("fused") and options["foreach"]:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    refuse_what_needs_more(options)
    return options


def refuse_what_needs_more(options: dict[str, Any]) -> None:
    """An error for the options that would change what a step does, and can't here."""
    if options.get("differentiable"):
        raise NotImplementedError("differentiable=True is not supported: steps are made in place and leave no graph")
    if options.get("capturable"):
        raise AssertionError("capturable=True is for CUDA graphs: it is not supported for parameters on the CPU")


def _separate_names(group: Group) -> None:
    """Make group["params"] a list of tensors; names given with them go to group["param_names"]."""
    params = group["params"]
    if isinstance(params, set):
        raise TypeError("optimizer parameters need to be organized in ordered collections, but the ordering of "
                        "tensors in sets will change between runs. Please use a list instead.")
    params = [params] if isinstance(params, Tensor) else list(params)
    names = [p[0] for p in params if isinstance(p, tuple)]
    if names:
        if len(names) < len(params):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        group["param_names"] = names
        params = [p for _, p in params]
    group["params"] = params


def _converted(value: Any, p: Tensor, key: Any = None) -> Any:
    """A parameter's state in its dtype and on its device, except for the count of steps."""
    if isinstance(value, Tensor) and key != "step":
        return value.to(device=p.device, dtype=p.dtype if p.is_floating_point() else None)
    if isinstance(value, dict):
        return {k: _converted(v, p, k) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_converted(v, p) for v in value)
    return value
