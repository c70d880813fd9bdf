"""Schedules and optimizers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from parity.mutants.programs.registry import bits, drawn, error, program


def rates(torch: Any, make: Callable[[Any], Any], steps: int = 25) -> list[float]:
    """The learning rate after every step of a schedule."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    scheduler = make(optimizer)
    found = []
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
        found.append(optimizer.param_groups[0]["lr"])
    return found


SCHEDULES: dict[str, Callable[[Any, Any], Any]] = {
    "StepLR": lambda s, o: s.StepLR(o, 4, 0.3),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [3, 7, 7, 12], 0.5),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 7, 0.01),
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda epoch: 0.9**epoch / (1 + epoch)),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda epoch: 1 - 0.01 * epoch),
}


@program
def schedules(torch: Any) -> Any:
    module = torch.optim.lr_scheduler
    return [rates(torch, lambda o, make=make: make(module, o)) for make in SCHEDULES.values()]


@program
def schedules_by_their_defaults(torch: Any) -> Any:
    s = torch.optim.lr_scheduler
    return [rates(torch, lambda o: s.StepLR(o, 3)), rates(torch, lambda o: s.MultiStepLR(o, [2, 5])),
            rates(torch, lambda o: s.CosineAnnealingLR(o, 4)), rates(torch, lambda o: s.CosineAnnealingLR(o, 1, 0.1)),
            rates(torch, lambda o: s.MultiStepLR(o, [0, 1, 1, 4], 0.7)), rates(torch, lambda o: s.StepLR(o, 1, 0.9)),
            rates(torch, lambda o: s.MultiplicativeLR(o, lambda epoch: 0.9))]


@program
def two_schedules_of_one_optimizer(torch: Any) -> Any:
    s = torch.optim.lr_scheduler
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in (0.5, 0.25, 0.1)]
    optimizer = torch.optim.SGD(groups, lr=1.0)
    both = [s.CosineAnnealingLR(optimizer, 5, 0.02), s.LambdaLR(optimizer, [lambda n: n + 1, lambda n: 1 / (n + 1),
                                                                            lambda n: 2.0]),
            s.MultiplicativeLR(optimizer, [lambda n: 1 - n / 50] * 3), s.StepLR(optimizer, 2, 0.5)]
    found = []
    for _ in range(12):
        optimizer.step()
        for scheduler in both:
            scheduler.step()
        found.append([group["lr"] for group in optimizer.param_groups])
    return found, [scheduler.get_last_lr() for scheduler in both]


@program
def schedules_told_the_epoch(torch: Any) -> Any:
    """scheduler.step(epoch), and going on from an epoch."""
    found = []
    for make in SCHEDULES.values():
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
        scheduler = make(torch.optim.lr_scheduler, optimizer)
        for epoch in (3, 5, 0, 12, 7, 8, 1, 24):
            optimizer.step()
            scheduler.step(epoch)
            found.append(optimizer.param_groups[0]["lr"])
        scheduler.step()
        found.append(optimizer.param_groups[0]["lr"])
    return found


@program
def schedules_that_go_on(torch: Any) -> Any:
    s, found = torch.optim.lr_scheduler, []
    for make in (lambda o: s.StepLR(o, 4, 0.3, last_epoch=7), lambda o: s.MultiStepLR(o, [3, 9], 0.3, last_epoch=7),
                 lambda o: s.ExponentialLR(o, 0.3, last_epoch=7), lambda o: s.CosineAnnealingLR(o, 9, last_epoch=7),
                 lambda o: s.LambdaLR(o, lambda n: n + 1, last_epoch=7)):
        optimizer = torch.optim.SGD([{"params": [torch.nn.Parameter(torch.zeros(1))], "initial_lr": 0.4}], lr=0.3)
        scheduler = make(optimizer)
        found.append(optimizer.param_groups[0]["lr"])
        for _ in range(5):
            optimizer.step()
            scheduler.step()
            found.append(optimizer.param_groups[0]["lr"])
    return found


# ---- optimizers ----
def trained(torch: Any, make: Callable[[Any], Any], steps: int = 6, scale: float = 1.0) -> list[Any]:
    """The parameters after each step, and the optimizer's state; a graph over them that is older than the step."""
    w, b = torch.nn.Parameter(drawn(torch, 3, 4).detach()), torch.nn.Parameter(drawn(torch, 3, seed=1).detach())
    unused, x = torch.nn.Parameter(drawn(torch, 2).detach()), drawn(torch, 5, 4, seed=2, grad=False)
    optimizer, found = make([w, b, unused]), []
    for _ in range(steps):
        optimizer.zero_grad()
        (((x @ w.t() + b).tanh() - 0.3).square().mean() * scale).backward()
        old = (w * w).sum()
        optimizer.step()
        found += [w.detach().clone(), b.detach().clone(), error(old.backward)]
    return [*found, unused]


@program
def optimizers_by_their_defaults(torch: Any) -> Any:
    makes = [getattr(torch.optim, name) for name in ("SGD", "Adam", "AdamW", "NAdam", "RMSprop", "Adagrad")]
    return [trained(torch, make, scale=scale) for make in makes for scale in (1.0, 1e-7)]


@program
def optimizers_with_every_option(torch: Any) -> Any:
    o, lr = torch.optim, torch.tensor(0.1)
    makes = [lambda p: o.SGD(p, 0.1, momentum=0.9, dampening=0.3, weight_decay=0.1, maximize=True),
             lambda p: o.SGD(p, lr, momentum=0.9, nesterov=True, weight_decay=0.2),
             lambda p: o.Adam(p, lr, (0.4, 0.3), eps=0.1, weight_decay=0.2, amsgrad=True, maximize=True),
             lambda p: o.Adam(p, 0.1, (0.0, 0.5), eps=0.1), lambda p: o.AdamW(p, 0.1, (0.8, 0.9), 0.01, 0.3, True),
             lambda p: o.Adam(p, 0.1, weight_decay=0.1, decoupled_weight_decay=True, maximize=True),
             lambda p: o.NAdam(p, 0.1, (0.7, 0.6), 0.1, 0.2, 0.3), lambda p: o.NAdam(p, 0.2, weight_decay=0.1,
                                                                                   decoupled_weight_decay=True),
             lambda p: o.RMSprop(p, 0.1, 0.6, 0.1, 0.2, 0.5, True), lambda p: o.RMSprop(p, lr, 0.3, maximize=True),
             lambda p: o.RMSprop(p, 0.1, 0.2, centered=True), lambda p: o.RMSprop(p, 0.1, 0.7, momentum=0.9),
             lambda p: o.Adagrad(p, 0.1, 0.3, 0.2, 0.5, 0.1), lambda p: o.Adagrad(p, lr, maximize=True)]
    return [trained(torch, make) for make in makes]


@program
def options_of_one_element(torch: Any) -> Any:
    w = torch.nn.Parameter(drawn(torch, 3).detach().float())
    optimizer = torch.optim.Adam([w], 0.1, (torch.tensor([0.8]), torch.tensor([[0.9]])))
    (w * w).sum().backward()
    optimizer.step()
    found = [w, optimizer.param_groups[0]["betas"]]
    for beta in (0.9997, 0.9983):  # whose powers, in float32, another way to compute them misses by their last digit
        optimizer = torch.optim.Adam([v := torch.nn.Parameter(drawn(torch, 3).detach() + 9)], torch.tensor(0.1),
                                     (torch.tensor(0.9), torch.tensor(beta)))
        for seed in range(5):
            v.grad = drawn(torch, 3, seed=seed, grad=False)
            optimizer.step()
            found.append(v.detach().clone())
    return found


@program
def state_written_to_after_it_was_used(torch: Any) -> Any:
    found = []
    for make in (lambda p: torch.optim.SGD(p, 0.1, momentum=0.9), lambda p: torch.optim.Adam(p, 0.1, amsgrad=True),
                 lambda p: torch.optim.RMSprop(p, 0.1, momentum=0.5, centered=True), torch.optim.Adagrad):
        w = torch.nn.Parameter(drawn(torch, 3).detach())
        optimizer = make([w])
        (w * w).sum().backward()
        optimizer.step()
        for name in sorted(optimizer.state[w]):
            value = optimizer.state[w][name]
            y = (drawn(torch, 3).to(value.dtype) * value).sum()
            optimizer.step()
            found += [error(y.backward), value]
    return found


@program
def what_the_state_holds(torch: Any) -> Any:
    o, found = torch.optim, []
    try:
        for dtype in (torch.float32, torch.float64):
            torch.set_default_dtype(dtype)
            for make in (o.SGD, o.Adam, o.RMSprop, o.Adagrad, o.NAdam,
                         lambda p: o.RMSprop(p, momentum=0.5, centered=True), lambda p: o.Adam(p, amsgrad=True)):
                w = torch.nn.Parameter(torch.ones(3))
                optimizer = make([w])
                before = sorted(optimizer.state[w].items())
                w.grad = torch.ones(3)
                optimizer.step()
                found += [before, sorted(optimizer.state[w].items())]
    finally:
        torch.set_default_dtype(torch.float32)
    return found


@program
def learning_rates_that_change(torch: Any) -> Any:
    """Whether a sum of gradients holds learning rates, too, shows only when they change."""
    o, found = torch.optim, []
    for make in (lambda p: o.SGD(p, 0.4, momentum=0.9), lambda p: o.SGD(p, 0.4, momentum=0.8, nesterov=True),
                 lambda p: o.RMSprop(p, 0.1, momentum=0.7), lambda p: o.Adam(p, 0.1), lambda p: o.Adagrad(p, 0.1)):
        w = torch.nn.Parameter(drawn(torch, 4).detach())
        optimizer = make([w])
        for _ in range(4):
            optimizer.zero_grad()
            (w * w).sum().backward()
            optimizer.step()
            optimizer.param_groups[0]["lr"] *= 0.5
            found.append(w.detach().clone())
    return found


@program
def moving_averages_digit_for_digit(torch: Any) -> Any:
    """With a weight of one half both ways to write an average give the same number, but for the last digit."""
    found = []
    for dtype in (torch.float32, torch.float64):
        w = torch.nn.Parameter(drawn(torch, 500, grad=False).to(dtype))
        optimizer = torch.optim.Adam([w], 0.1, (0.5, 0.9))
        for seed in (1, 2, 3):
            w.grad = drawn(torch, 500, seed=seed, grad=False).to(dtype)
            optimizer.step()
            found.append(bits(optimizer.state[w]["exp_avg"]))
    return found
