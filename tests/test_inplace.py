"""Writing into tensors: as torch does it, or torch's error; never a silently wrong gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import minigrad

LIBS = [minigrad, torch]


def outcome(lib: Any, program: Any) -> Any:
    """What a program prints: its numbers, or the type of its error."""
    w = lib.tensor([1.0, 2.0, 3.0, 4.0], dtype=lib.float64, requires_grad=True)
    c = lib.tensor([2.0, 3.0, 4.0, 5.0], dtype=lib.float64)
    try:
        out = program(lib, w, c)
        (out * lib.arange(1, out.numel() + 1, dtype=lib.float64).view(out.shape)).sum().backward()
    except Exception as error:
        return type(error)
    return out.detach().tolist(), None if w.grad is None else w.grad.tolist(), out.requires_grad


def mul_then_use(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    y.mul_(c)
    return y


def operators(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    y += c
    y -= 1
    y *= c
    y /= 3
    return y


def saved_then_changed(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    z = y * y
    y.add_(1)
    return z


def saved_output_changed(lib: Any, w: Any, c: Any) -> Any:
    y = (w * 1).exp()
    y.add_(1)
    return y


def data_changed_after_use(lib: Any, w: Any, c: Any) -> Any:
    z = w * c
    c.add_(1)
    return z


def changed_through_detach(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    z = y * y
    y.detach().zero_()
    return z


def changed_through_data(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    z = y + y
    y.data.zero_()
    return z + y


def leaf_changed(lib: Any, w: Any, c: Any) -> Any:
    w.add_(1)
    return w


def leaf_view_changed(lib: Any, w: Any, c: Any) -> Any:
    w[0].add_(1)
    return w


def leaf_changed_under_no_grad(lib: Any, w: Any, c: Any) -> Any:
    with lib.no_grad():
        w.add_(1)
    return w * c


def leaf_changed_between_forward_and_backward(lib: Any, w: Any, c: Any) -> Any:
    y = w * w
    with lib.no_grad():
        w.sub_(0.1)
    return y


def item_assigned(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    y[1] = 7
    y[2:] = c[:2]
    return y


def item_assigned_from_graph(lib: Any, w: Any, c: Any) -> Any:
    y = c * 1
    y[1] = w[0] * w[3]
    y[2:] += w[:2]
    return y


def masked(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    y[y > 5] = 0
    y[[0, 1]] *= c[:2]
    return y


def buffer_filled_in_a_loop(lib: Any, w: Any, c: Any) -> Any:
    out = lib.zeros(4, dtype=lib.float64)
    for i in range(4):
        out[i] = w[i] * (out[i - 1] if i else 1)
    return out


def view_changed(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    v = y.view(2, 2)
    v.mul_(3)
    return y


def view_changed_then_used(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    v = y.view(2, 2)[1]
    v.mul_(w[:2])
    return v * y[:2]


def multiplied_by_what_needs_the_old_value(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    y.mul_(w)
    y /= w + 1
    return y


def transposed_view_changed(lib: Any, w: Any, c: Any) -> Any:
    y = (w * 2).view(2, 2)
    y.t()[0].add_(w[2:])
    return y.reshape(4) * c


def views_that_overlap(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    a, b = y[:3], y[1:]
    a.mul_(3)
    b.mul_(5)
    return y


def view_written_after_its_base(lib: Any, w: Any, c: Any) -> Any:
    y = w * 1
    v = y[1:]
    y.zero_()
    v.add_(1)
    y.mul_(3)
    v.mul_(2)
    return y


def constant_view_of_a_base_with_a_history(lib: Any, w: Any, c: Any) -> Any:
    y = lib.zeros(4, dtype=lib.float64)
    row = y[0:2]
    y[0] = w[0] * 2
    return row + y[:2]


def base_grown_into_by_iadd(lib: Any, w: Any, c: Any) -> Any:
    b = lib.zeros(4, dtype=lib.float64)
    v = b.view(2, 2)
    b += w
    return v * v


def view_read_after_its_base_was_written(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    v = y[0:2]
    y.mul_(3)
    return v * 2


def view_of_a_parameter_after_a_step(lib: Any, w: Any, c: Any) -> Any:
    v = w[:2]
    with lib.no_grad():
        w.mul_(2)
        v.mul_(2)
    return v * 2


def constant_written_with_a_tracked_value(lib: Any, w: Any, c: Any) -> Any:
    y = c * 3
    y.pow_(w / 4)
    z = c * 3
    z.mul_(w)
    z.div_(w + 1)
    z[:2].mul_(w[2:])
    z.clamp_(min=w)
    return y + z


def power_of_itself_in_place(lib: Any, w: Any, c: Any) -> Any:
    y = w * 1
    y.pow_(y)
    return y


def leaf_that_is_a_view(lib: Any, w: Any, c: Any) -> Any:
    x = lib.arange(6, dtype=lib.float64).reshape(2, 3).requires_grad_()
    x[0].mul_(2)
    return x


def item_of_a_leaf_that_is_a_view(lib: Any, w: Any, c: Any) -> Any:
    x = lib.linspace(0, 1, 4, dtype=lib.float64).unsqueeze(1).requires_grad_()
    x[1] = 0
    return x


def zero_d_in_place(lib: Any, w: Any, c: Any) -> Any:
    t = w.sum() + 0
    t.view(-1).relu_()
    t[None].mul_(2)
    t.fill_(5.0)
    return t * 2 + t


def value_with_leading_ones(lib: Any, w: Any, c: Any) -> Any:
    x = lib.ones(3, 4, dtype=lib.float64)
    x[0] = w.view(1, 4)
    x[1, 1] = w[:1].view(1, 1)
    x[[2]] = w.view(1, 1, 4)
    return x * x


def retained_through_in_place(lib: Any, w: Any, c: Any) -> Any:
    y = w * 3
    y.retain_grad()
    y.mul_(2)
    (y * y).sum().backward()
    assert y.retains_grad
    return y.grad.clone() * w


def frozen_between_forward_and_backward(lib: Any, w: Any, c: Any) -> Any:
    x = c.clone().requires_grad_()
    y = x * w
    x.requires_grad_(False)
    y.sum().backward()
    assert x.grad is None
    return w * 1


def expanded_to_its_own_size(lib: Any, w: Any, c: Any) -> Any:
    x = (w * 1).view(4, 1)
    x.expand(4, 1).mul_(2)
    x.expand(1, 4, 1)[0] = 7
    return x


def a_list_of_rows_is_a_copy(lib: Any, w: Any, c: Any) -> Any:
    y = (w * 1).view(2, 2)
    picked = y[:, [0, 1]].view(-1)
    picked.mul_(3)
    return y.view(-1) + picked


def constant_base_written_through_a_view(lib: Any, w: Any, c: Any) -> Any:
    y = c.clone()
    y[1:3].copy_(w[:2] * w[2:])
    return y


def zero_in_place(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    y.zero_()
    return y + w


def fill_in_place(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    y.fill_(3)
    return y * c


def copy_in_place(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    y.copy_(c * w)
    return y


def clamp_and_others(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    y.clamp_(3, 7)
    y.neg_()
    y.abs_()
    y.sqrt_()
    y.exp_()
    return y


def tanh_in_place_keeps_its_output(lib: Any, w: Any, c: Any) -> Any:
    y = w * 0.1
    y.tanh_()
    y.sigmoid_()
    return y


def in_place_with_itself(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    y.add_(y)
    return y


def wrong_shape(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    y.add_(lib.ones(2, 4, dtype=lib.float64))
    return y


def expanded(lib: Any, w: Any, c: Any) -> Any:
    y = lib.zeros(1, dtype=lib.float64).expand(4)
    y.add_(c)
    return y * w


def integers_cannot_take_floats(lib: Any, w: Any, c: Any) -> Any:
    i = lib.arange(4)
    i.add_(0.5)
    return i * w


def detached_in_place(lib: Any, w: Any, c: Any) -> Any:
    y = w * 2
    y.detach_()
    return y * w


def set_data(lib: Any, w: Any, c: Any) -> Any:
    w.data = c.clone()
    w.data -= 1
    return w * w


def chained_views(lib: Any, w: Any, c: Any) -> Any:
    y = (w * 1).view(2, 2)
    a = y[0]
    a += 1
    b = y[1]
    b *= a
    return y


PROGRAMS = [
    value
    for name, value in list(globals().items())
    if getattr(value, "__module__", "") == __name__ and callable(value) and name != "outcome"
]


@pytest.mark.parametrize("program", PROGRAMS, ids=[p.__name__ for p in PROGRAMS])
def test_as_torch(program: Any) -> None:
    mine, theirs = outcome(minigrad, program), outcome(torch, program)
    assert mine == theirs


def test_the_error_names_op_and_value() -> None:
    w = minigrad.tensor([1.0, 2.0], requires_grad=True)
    c = minigrad.tensor([3.0, 4.0])
    out = (w * c).sum()
    c.zero_()
    with pytest.raises(RuntimeError, match=r"mul saved its 'y' \(shape \[2\], float32\)"):
        out.backward()


def test_positions_of_views_in_awkward_bases() -> None:
    for base in (
        np.arange(24.0).reshape(2, 3, 4),
        np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1),
        np.arange(48.0).reshape(2, 3, 8)[:, :, ::2],
    ):
        for view in (base, base[1], base[:, 1:], base.T, base[..., None], base[1, 1, 1:2], base[0, 0, 0]):
            key = minigrad.inplace.positions(base, np.asarray(view) if view.shape else base[0, 0, 0, ...])
            np.testing.assert_array_equal(base[key], view)


@pytest.mark.parametrize("lib", LIBS, ids=["minigrad", "torch"])
def test_in_place_keeps_identity_and_memory(lib: Any) -> None:
    x = lib.zeros(3)
    same, address = x, x.data_ptr()
    x += 1
    x *= lib.tensor([1.0, 2.0, 3.0])
    x[1] = 9
    x.fill_(x[1])
    assert same is x and x.data_ptr() == address and x.tolist() == [9, 9, 9]


@pytest.mark.parametrize("lib", LIBS, ids=["minigrad", "torch"])
def test_numpy_shares_memory_both_ways(lib: Any) -> None:
    array = np.zeros(3)
    x = lib.from_numpy(array)
    array[0] = 1
    x[1] = 2
    x.numpy()[2] = 3
    assert array.tolist() == x.tolist() == [1, 2, 3]
