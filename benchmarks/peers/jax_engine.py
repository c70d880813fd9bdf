"""JAX: functions of arrays, run operation by operation ("jax") or compiled as one program ("jax-jit")."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.engines import Engine, NotThere
from benchmarks.operations import OPERATIONS, checksum, cotangent, inputs
from benchmarks.peers.programs import PROGRAMS, Program, count_right
from benchmarks.workloads import Pair, start

LONGEST = 1000  # operations in a graph: compiling longer ones takes minutes


class Jax(Engine):
    """`compiled` is jax.jit, or leaves a function as it is."""

    def __init__(self, jit: bool) -> None:
        self.jit, self.compiled = jit, jax.jit if jit else lambda function: function
        self.last: Any = None  # what was asked for last, and may not be there yet

    def training(self, experiment: str, **size: int) -> Pair:
        program = PROGRAMS[experiment]
        arrays, first = start(experiment, **size)
        x, y, x_test, y_test = map(jnp.asarray, arrays)
        parameters = [jnp.asarray(p) for p in first]
        state = parameters, *_moments(program, parameters)

        def loss(parameters: Any, x: Any, y: Any) -> Any:
            out = program.predict(jnp, parameters, x)
            return program.loss(jnp, out, y), out

        def shown(loss: Any, out: Any, y: Any) -> Any:
            return (loss, count_right(jnp, out, y)) if program.counts else loss

        @self.compiled
        def train(state: Any, x: Any, y: Any) -> Any:
            (value, out), gradients = jax.value_and_grad(loss, has_aux=True)(state[0], x, y)
            return _updated(program, state, gradients), shown(value, out, y)

        @self.compiled
        def evaluate(parameters: Any, x: Any, y: Any) -> Any:
            return shown(*loss(parameters, x, y), y)

        def step() -> None:
            nonlocal state
            state, found = train(state, x, y)
            if program.notes or program.counts:
                jax.device_get(found)
            if program.tests:
                found = evaluate(state[0], x_test, y_test)
                if program.notes or program.counts:
                    jax.device_get(found)
            self.last = state

        return step, lambda: float(loss(state[0], x_test, y_test)[0])

    def op(self, name: str, size: int, backward: bool) -> Pair:
        operation = OPERATIONS[name]
        if operation.numpy is None:
            raise NotThere("NumPy has no word for it")
        word = operation.numpy
        xs = [jnp.asarray(x) for x in inputs(operation, size)]
        g = jnp.asarray(cotangent(word(jnp, *xs).shape))

        @self.compiled
        def forward(*xs: Any) -> Any:
            return jax.vjp(lambda *xs: word(jnp, *xs), *xs)[0]

        @self.compiled
        def both(g: Any, *xs: Any) -> Any:
            out, pull = jax.vjp(lambda *xs: word(jnp, *xs), *xs)
            return out, *pull(g)

        def step() -> None:
            self.last = both(g, *xs) if backward else forward(*xs)

        return step, lambda: checksum(list(both(g, *xs)))

    def chain(self, n: int) -> Any:
        if self.jit or n > LONGEST:
            raise NotThere(f"JAX, compiled or longer than {LONGEST} operations: takes minutes")

        def power(x: Any) -> Any:
            y = x
            for _ in range(n):
                y = y * x
            return y

        return jax.vjp(power, jnp.ones(1))

    def pull(self, chain: Any) -> float:
        (gradient,) = chain[1](jnp.ones(1))
        return float(gradient[0])

    def wait(self) -> None:
        if self.last is not None:
            jax.block_until_ready(self.last)

    def about(self) -> dict[str, str]:
        return {"device": str(jax.devices()[0])}


def _moments(program: Program, parameters: list[Any]) -> tuple[Any, ...]:
    """What the update remembers: nothing, one or two arrays for each parameter, and the count of steps."""
    kept = {"sgd": 0, "momentum": 1, "adam": 2}[program.update]
    return *([jnp.zeros_like(p) for p in parameters] for _ in range(kept)), jnp.zeros(())


def _updated(program: Program, state: Any, gradients: Any) -> Any:
    """The state after one update, in new arrays: JAX's are never written to."""
    parameters, *moments, steps = state
    each, lr, steps = jax.tree.map, program.lr, steps + 1
    if program.update == "sgd":
        return each(lambda p, g: p - lr * g, parameters, gradients), steps
    if program.update == "momentum":
        (first,) = moments
        first = each(lambda m, g: 0.9 * m + g, first, gradients)
        return each(lambda p, m: p - lr * m, parameters, first), first, steps
    first, second = moments
    first = each(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
    second = each(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
    rate, scale = lr / (1 - 0.9**steps), 1 - 0.999**steps
    return (each(lambda p, m, v: p - rate * m / (jnp.sqrt(v / scale) + 1e-8), parameters, first, second),
            first, second, steps)


def make(name: str, device: str, threads: int) -> Jax:
    """NotThere where JAX finds no CUDA device."""
    try:
        jax.config.update("jax_platforms", device)
        jax.config.update("jax_default_matmul_precision", "highest")  # float32 products, on a GPU too: no TF32
        jax.devices()
    except RuntimeError:
        raise NotThere("not run: JAX finds no CUDA device") from None
    return Jax(jit=name == "jax-jit")
