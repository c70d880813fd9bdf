"""minigrad.replay on training steps of other shapes: two models, shared weights, attention, clusters."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from test_replay import F, Made, assert_same, mlp, normal, x_batch, y_batch

import minigrad as torch
from minigrad import nn, optim


def descend(optimizer: Any, loss: Any) -> Any:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def shared_weights() -> Made:
    embed, out = nn.Embedding(5, 4), nn.Linear(4, 5, bias=False)
    out.weight = embed.weight
    model = nn.Sequential(embed, out)
    optimizer = optim.AdamW([{"params": embed.parameters(), "lr": 0.1, "weight_decay": 0.3}], lr=0.01)
    return (lambda ids: descend(optimizer, F.cross_entropy(model(ids), ids)),
            lambda i: ((torch.arange(7) * (i + 2)) % 5,), model, optimizer)


def frozen_layer_and_parameter_groups() -> Made:
    model = mlp()
    model[0].requires_grad_(False)
    groups = [{"params": model[2].weight, "lr": 0.1}, {"params": [model[2].bias], "momentum": 0.5}]
    optimizer = optim.SGD(groups, lr=0.01)

    def step(x: Any, y: Any) -> Any:
        loss = descend(optimizer, F.mse_loss(model(x), y))
        return loss, model[2].weight, model[2].weight.grad

    return step, lambda i: (x_batch(i), y_batch(i)), model, optimizer


def generator_against_judge() -> Made:
    maker = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4))
    judge = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
    of_maker, of_judge = [optim.Adam(model.parameters(), 0.01) for model in (maker, judge)]
    loss_fn = nn.BCEWithLogitsLoss()

    def step(x: Any) -> Any:
        fake = maker(torch.randn(6, 4))
        told_apart = loss_fn(judge(x), torch.ones(6, 1)) + loss_fn(judge(fake.detach()), torch.zeros(6, 1))
        descend(of_judge, told_apart)
        return told_apart, descend(of_maker, loss_fn(judge(fake), torch.ones(6, 1)))

    return step, lambda i: (x_batch(i),), nn.ModuleList([maker, judge]), None


def running_average_of_the_weights() -> Made:
    model = mlp()
    average = copy.deepcopy(model)
    optimizer = optim.SGD(model.parameters(), 0.1)

    def step(x: Any, y: Any) -> Any:
        loss = descend(optimizer, F.mse_loss(model(x), y))
        with torch.no_grad():
            for a, p in zip(average.parameters(), model.parameters(), strict=True):
                a.mul_(0.9).add_(p, alpha=0.1)
        return loss, [a.clone() for a in average.parameters()]

    return step, lambda i: (x_batch(i), y_batch(i)), model, optimizer


def several_batches_in_a_step() -> Made:
    model = mlp()
    optimizer = optim.SGD(model.parameters(), 0.1)

    def step(batches: Any) -> Any:
        optimizer.zero_grad()
        total = 0
        for x, y in batches:
            loss = F.mse_loss(model(x), y) / len(batches)
            loss.backward()
            total = total + loss.detach()
        optimizer.step()
        return total

    return step, lambda i: ([(x_batch(j), y_batch(j)) for j in (i, i + 1, i + 2)],), model, optimizer


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.project, self.norm, self.drop = nn.Linear(4, 12), nn.LayerNorm(4), nn.Dropout(0.1)

    def forward(self, x: Any) -> Any:
        q, k, v = self.project(self.norm(x)).chunk(3, -1)
        later = torch.triu(torch.ones(6, 6), 1).bool()
        return x + self.drop((q @ k.transpose(-2, -1) / 2).masked_fill(later, float("-inf")).softmax(-1)) @ v


def attention() -> Made:
    model = nn.Sequential(Attention(), Attention())
    optimizer = optim.AdamW(model.parameters(), 0.01)
    return (lambda x: descend(optimizer, F.mse_loss(model(x), x.flip(0))), lambda i: (normal(2, 6, 4, seed=i),), model,
            optimizer)


def sums_distances_and_orders() -> Made:
    model = mlp()
    optimizer = optim.SGD(model.parameters(), 0.01)

    def step(x: Any, y: Any) -> Any:
        z = model(x)
        loss = torch.einsum("ij,kj->ik", z, y).square().mean() + torch.cdist(z, y).mean()
        return descend(optimizer, loss + z.sort(1)[0].cumsum(1).mean() + z.topk(2, 1)[0].sum())

    return step, lambda i: (x_batch(i), y_batch(i)), model, optimizer


def clusters() -> Made:
    centers = normal(3, 4)

    def step(x: Any) -> Any:
        nearest = torch.cdist(x, centers).argmin(1)
        members = F.one_hot(nearest, 3).float()
        with torch.no_grad():
            centers.copy_(members.t() @ x / members.sum(0).clamp(min=1).unsqueeze(1))
        return nearest, centers.clone(), (nearest == nearest.max()).sum()

    return step, lambda i: (x_batch(i),), mlp(), None


def learning_rate_set_by_hand() -> Made:
    model = mlp()
    optimizer = optim.SGD(model.parameters(), 0.1)

    def arguments(i: int) -> Any:
        optimizer.param_groups[0]["lr"] = 0.1 / (i + 1)
        return x_batch(i), y_batch(i)

    return lambda x, y: descend(optimizer, F.mse_loss(model(x), y)), arguments, model, optimizer


def float16() -> Made:
    model = mlp().half()
    optimizer = optim.SGD(model.parameters(), 0.01, momentum=0.9)
    return (lambda x, y: descend(optimizer, F.mse_loss(model(x), y)),
            lambda i: (x_batch(i).half(), y_batch(i).half()), model, optimizer)


@pytest.mark.parametrize("make", [
    shared_weights, frozen_layer_and_parameter_groups, generator_against_judge, running_average_of_the_weights,
    several_batches_in_a_step, attention, sums_distances_and_orders, clusters, learning_rate_set_by_hand, float16])
def test_program(make: Any) -> None:
    assert_same(make)
