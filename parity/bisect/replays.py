"""The same call on an engine by itself: its results, and what it makes of a gradient that arrives at one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

import minigrad
from parity.bisect.calls import Call, Given, built
from parity.conformance.running import Array, tensors_in
from parity.conformance.samples import Library, mapped
from parity.engines import ENGINES

Noise = Callable[[Array], Array]


@dataclass(frozen=True)
class Side:
    """One that repeats calls: an engine, or the judge."""

    name: str
    library: Library
    wide: bool = False  # in float64
    device: str = "cpu"

    def tensor(self, array: Array) -> Any:
        """A fresh tensor; a float32 array becomes float64 on a side that is wide."""
        wide = self.wide and array.dtype == np.float32
        made = self.library.from_numpy(array.astype(np.float64) if wide else np.array(array, order="K"))
        return made if self.device == "cpu" else made.to(self.device)

    def read(self, tensor: Any) -> Array:
        return np.array(tensor.detach().cpu().numpy())


def side_of(engine: str) -> Side:
    """The side that stands for an engine of `parity.engines`."""
    found = ENGINES[engine]
    library = torch if found.library == "torch" else minigrad
    return Side(engine, library, found.wide, "cuda" if found.cuda else "cpu")


JUDGE = Side("torch in float64", torch, wide=True)


@dataclass
class Replay:
    """A call made on one side."""

    side: Side
    outputs: list[Any] = field(default_factory=list)  # the tensors in its result, then those that it wrote to
    leaves: list[Any] = field(default_factory=list)  # for each tensor given, the leaf that stands for it
    error: Exception | None = None

    @property
    def values(self) -> list[Array]:
        return [self.side.read(tensor) for tensor in self.outputs]

    def gradients(self, number: int, cotangent: Array) -> list[Array]:
        """What each leaf that requires grad gets when `cotangent` arrives at one of the outputs."""
        output = self.outputs[number]
        g = self.side.tensor(cotangent).to(output.dtype)
        found = self.pulled(output, g) if output.requires_grad else [None] * len(self.wanted)
        return self.arrays(self.wanted, found)

    def second_gradients(self, number: int, cotangent: Array) -> list[Array]:
        """What the leaves, and the cotangent last, get when random numbers arrive at all of `gradients`."""
        output = self.outputs[number]
        g = self.side.tensor(cotangent).to(output.dtype).requires_grad_()
        pulled = self.pulled(output, g, create_graph=True)
        ends = [(i, one) for i, one in enumerate(pulled) if one is not None and one.requires_grad]
        ways = [self.side.tensor(random_array(tuple(one.shape), i)).to(one.dtype) for i, one in ends]
        inputs = [*self.wanted, g]
        if not ends:
            return self.arrays(inputs, [None] * len(inputs))
        grad = self.side.library.autograd.grad
        return self.arrays(inputs, grad([one for _, one in ends], inputs, ways, retain_graph=True, allow_unused=True))

    @property
    def wanted(self) -> list[Any]:
        return [leaf for leaf in self.leaves if leaf.requires_grad]

    def pulled(self, output: Any, g: Any, create_graph: bool = False) -> Any:
        grad = self.side.library.autograd.grad
        with self.side.library.enable_grad():
            return grad(output, self.wanted, g, retain_graph=True, create_graph=create_graph, allow_unused=True)

    def arrays(self, tensors: list[Any], gradients: Any) -> list[Array]:
        """The gradients of these tensors; no gradient counts as one of zeros."""
        return [self.side.read(tensor) * 0 if one is None else self.side.read(one)
                for tensor, one in zip(tensors, gradients, strict=True)]


def replay(call: Call, side: Side, noise: Noise | None = None) -> Replay:
    """Make the call on a side, from leaves of its own. An exception of the library's is an outcome, too.

    Random draws are made on the CPU: a GPU has a stream of its own.
    """
    side = replace(side, device="cpu") if call.is_random else side
    library = side.library
    made: dict[int, Any] = {}
    result = Replay(side)
    written = [call.given[i] for i in call.written]

    def tensor(given: Given) -> Any:
        if id(given) not in made:
            array = given.array if noise is None else noise(given.array)
            leaf = side.tensor(array).requires_grad_(given.requires_grad)
            result.leaves.append(leaf)
            changes = given.requires_grad and call.grad_mode and any(given is one for one in written)
            made[id(given)] = leaf.clone() if changes else leaf  # a leaf with a gradient must not be written to
        return made[id(given)]

    before = library.default_generator.get_state()
    library.default_generator.set_state(library.from_numpy(call.random_state.copy()))
    try:
        with library.set_grad_enabled(call.grad_mode):
            function = call.find(library)
            args, kwargs = built(call, library, tensor)
            if side.wide:
                args, kwargs = widened(args), widened(kwargs)
            found = function(*args, **kwargs)
        result.outputs = [*tensors_in(found), *(made[id(given)] for given in written)]
    except Exception as error:
        result.error = error
    finally:
        library.default_generator.set_state(before)
    return result


def random_array(shape: tuple[int, ...], seed: int) -> Array:
    """Float32 numbers, the same for every side."""
    return np.asarray(np.random.default_rng(seed).standard_normal(shape), np.float32)


def widened(tree: Any) -> Any:
    """The arguments with float64 asked for wherever they ask for float32."""
    return mapped(float64_of, tree)


def float64_of(leaf: Any) -> Any:
    for library in (torch, minigrad):
        if leaf is library.float32:
            return library.float64
    return leaf
