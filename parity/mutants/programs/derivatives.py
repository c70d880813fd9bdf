"""torch.autograd.functional: matrices of derivatives, and their products with vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from parity.mutants.programs.attention import numbers_by_default
from parity.mutants.programs.registry import drawn, error, program

OF_ONE: list[Callable[[Any], Any]] = [
    lambda x: x**2, lambda x: (x**3).sum(), lambda x: x.exp().sum(-1), lambda x: x.detach() * 2,
    lambda x: (x.sin(), x.prod()), lambda x: x.mean().exp(), lambda x: (x.detach(), x * x), lambda x: (x.sum(),)]
OF_TWO: list[Callable[[Any, Any], Any]] = [
    lambda x, y: x * y.sum(), lambda x, y: x.sin() + 0 * x, lambda x, y: (x.sum() * y, x), lambda x, y: y.detach() * 2]
NUMBERS: list[Callable[[Any], Any]] = [
    lambda x: (x**3).sum() * x[0], lambda x: (x**2).sum().reshape(1), lambda x: x.sum(),
    lambda x: x.prod().reshape(1, 1)]


def shaped(torch: Any, out: Any, seed: int) -> Any:
    """Random vectors, shaped as the outputs."""
    if isinstance(out, tuple):
        return tuple([drawn(torch, *one.shape, seed=seed + i, grad=False) for i, one in enumerate(out)])
    return drawn(torch, *out.shape, seed=seed, grad=False)


def required(found: Any) -> Any:
    """Which of these require grad."""
    return [required(part) for part in found] if isinstance(found, tuple) else found.requires_grad


def both(call: Callable[[bool], Any]) -> list[Any]:
    found = [call(create_graph) for create_graph in (False, True)]
    return [found, *map(required, found)]


@program
def jacobians(torch: Any) -> Any:
    f, x, y, found = torch.autograd.functional, drawn(torch, 2, 3), drawn(torch, 2, seed=1), []
    for function in OF_ONE:
        for given in (x, x.detach(), (x,)):
            found += both(lambda graph, function=function, given=given: f.jacobian(function, given, graph))
    for function in OF_TWO:
        found += both(lambda graph, function=function: f.jacobian(function, (x, y), graph))
    return [*found, f.jacobian(lambda x: x.sum(), x.detach(), vectorize=True)]


@program
def hessians(torch: Any) -> Any:
    f, x, y, found = torch.autograd.functional, drawn(torch, 3), drawn(torch, 2, seed=1), []
    for function in NUMBERS:
        for given in (x, x.detach(), (x,)):
            found += both(lambda graph, function=function, given=given: f.hessian(function, given, graph))
    return found, both(lambda graph: f.hessian(lambda x, y: (x.sin() * y.sum()).sum() + (y**3).sum(), (x, y), graph))


@program
def derivatives_of_matrices_of_derivatives(torch: Any) -> Any:
    """With create_graph they lead back to the inputs; without it to nothing."""
    f, found = torch.autograd.functional, []
    for call in (f.jacobian, f.hessian):
        x = drawn(torch, 3)
        matrix = call(lambda x: (x**4).sum(), x, create_graph=True)
        found += torch.autograd.grad((matrix * matrix).sum(), x)
    for call in (f.vjp, f.jvp, f.vhp, f.hvp):
        x, v = drawn(torch, 3), drawn(torch, 3, seed=2)
        given = v.sum() if call is f.vjp else v
        value, product = call(lambda x: (x**4).sum() * x[0], x, given, create_graph=True)
        found += [torch.autograd.grad((product * product).sum() + value, [x, v], allow_unused=True)]
    return found


@program
def products_with_vectors(torch: Any) -> Any:
    f, x, y, found = torch.autograd.functional, drawn(torch, 2, 3), drawn(torch, 2, seed=1), []
    for function in OF_ONE:
        vs, v = shaped(torch, function(x), 5), drawn(torch, 2, 3, seed=6, grad=False)
        for given, there in ((x, v), (x.detach(), v), ((x,), (v,))):
            found += both(lambda graph, function=function, vs=vs, given=given: f.vjp(function, given, vs, graph))
            found += both(lambda graph, function=function, there=there, given=given: f.jvp(
                function, given, there, graph))
    for function in OF_TWO:
        vs, there = shaped(torch, function(x, y), 5), shaped(torch, (x, y), 7)
        found += both(lambda graph, function=function, vs=vs: f.vjp(function, (x, y), vs, graph))
        found += both(lambda graph, function=function, there=there: f.jvp(function, (x, y), there, graph))
    return found, f.vjp(lambda x: x.sum(), x), f.jvp(lambda x: x * y, drawn(torch, 1)), f.vjp(lambda x: (x.sum(),), x)


@program
def products_with_hessians(torch: Any) -> Any:
    f, x, v, found = torch.autograd.functional, drawn(torch, 3), drawn(torch, 3, seed=2, grad=False), []
    for call in (f.vhp, f.hvp):
        for function in NUMBERS:
            for given, there in ((x, v), (x.detach(), v), ((x,), (v,))):
                found += both(lambda graph, call=call, function=function, given=given, there=there: call(
                    function, given, there, graph))
        found += both(lambda graph, call=call: call(
            lambda x, y: (x * y).sum() * y.prod(), (x, x * 2), (v, v + 1), graph))
    return found, f.vhp(lambda x: (x**3).sum(), drawn(torch, 1))


@program
def what_the_functional_api_refuses(torch: Any) -> Any:
    f, x, y = torch.autograd.functional, drawn(torch, 3), drawn(torch, 2, seed=1)
    by_default = [numbers_by_default(call) for call in (f.jacobian, f.hessian, f.vjp, f.jvp, f.vhp, f.hvp)]
    return by_default, [error(call) for call in (
        lambda: f.jacobian(lambda x: x.detach(), x, strict=True), lambda: f.jacobian(lambda x: x * 2, x, strict=True),
        lambda: f.jacobian(lambda x, y: x * 2, (x, y), strict=True), lambda: f.hessian(lambda x: x * 2, x),
        lambda: f.hessian(lambda x: (x, x), x), lambda: f.vjp(lambda x: x * 2, x),
        lambda: f.vjp(lambda x: (x.sum(), x.sum()), x), lambda: f.vjp(lambda x: x * 2, x, y),
        lambda: f.jvp(lambda x: x * 2, x, y), lambda: f.jvp(lambda x: x * 2, x),
        lambda: f.vhp(lambda x: (x.sum(),), x, x), lambda: f.vhp(lambda x: x * 2, x, x),
        lambda: f.vhp(lambda x: x.sum(), x, y), lambda: f.vjp(lambda x: x.detach(), x, x, strict=True))]
