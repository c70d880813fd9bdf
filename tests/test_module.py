"""minigrad's Module, Parameter and Sequential against torch: one scenario, run on both, gives the same."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from side_by_side import net, plain, same, same_error

import minigrad as mg


def test_repr() -> None:
    def run(t: Any) -> Any:
        nn = t.nn

        class Lines(nn.Module):  # type: ignore[misc,name-defined]
            def extra_repr(self) -> str:
                return "one\ntwo"

        class Mixed(nn.Module):  # type: ignore[misc,name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.a, self.b, self.gone = Lines(), nn.Sequential(), nn.ReLU()
                self.gone = None

            def extra_repr(self) -> str:
                return "own=1"

        named = nn.Sequential(OrderedDict(first=nn.Linear(1, 2), second=nn.Sequential(nn.ReLU(inplace=True), Mixed())))
        return [
            repr(m)
            for m in (
                net(t),
                named,
                Mixed(),
                Lines(),
                nn.Module(),
                nn.Identity(3, x=4),
                nn.ReLU(),
                nn.Linear(3, 4, bias=False),
                nn.L1Loss(),
                nn.MSELoss(reduction="sum"),
                nn.BCEWithLogitsLoss(pos_weight=t.ones(2)),
            )
        ]

    same(run)
    same(
        lambda t: [
            repr(t.nn.Parameter(t.tensor([1.0, 2.0]))),
            repr(t.nn.Parameter(t.tensor([1]), requires_grad=False)),
            repr(t.nn.Parameter()),
            repr(t.nn.Buffer(t.ones(2))),
        ]
    )


def test_walking_the_tree() -> None:
    def run(t: Any) -> Any:
        m = net(t)
        return [
            [n for n, _ in m.named_parameters()],
            [n for n, _ in m.named_parameters(remove_duplicate=False)],
            [n for n, _ in m.named_parameters(prefix="net", recurse=False)],
            [n for n, _ in m.named_buffers()],
            [n for n, _ in m.named_buffers(prefix="x")],
            [n for n, _ in m.named_modules()],
            [n for n, _ in m.named_modules(prefix="p", remove_duplicate=False)],
            [n for n, _ in m.named_children()],
            [type(c).__name__ for c in m.children()],
            [type(c).__name__ for c in m.modules()],
            list(m.parameters()),
            list(m.parameters(recurse=False)),
            list(m.buffers()),
            list(m._parameters),
            list(m._buffers),
            list(m._modules),
            m.get_submodule("body.2").in_features,
            m.get_submodule("") is m,
            m.get_parameter("body.0.bias"),
            m.get_buffer("count"),
            m.get_parameter("scale") is m.scale,
            m.again is m.body[0],
            all(n in dir(m) for n in ("scale", "body", "count", "forward")),
            "0" in dir(m.body),
        ]

    same(run)


def test_one_weight_in_two_places() -> None:
    def run(t: Any) -> Any:
        t.manual_seed(0)
        m = t.nn.Sequential(t.nn.Linear(2, 2), t.nn.Linear(2, 2))
        m[1].weight = m[0].weight
        x = t.tensor([[1.0, -2.0]])
        m(x).backward(t.tensor([[1.0, 3.0]]))
        twin = copy.deepcopy(m)
        return (
            [n for n, _ in m.named_parameters()],
            list(m.state_dict()),
            twin[0].weight is twin[1].weight,
            np.round(m[0].weight.grad.numpy(), 5).tolist(),
            len(list(m.parameters())),
        )

    t = run(torch)
    ours = run(mg)
    assert ours[:3] == t[:3] and ours[4] == t[4]
    np.testing.assert_allclose(ours[3], t[3], rtol=1e-4)


def test_assignment_registers() -> None:
    def run(t: Any) -> Any:
        m, seen = t.nn.Module(), []

        def note() -> None:
            seen.append([list(m._parameters), list(m._buffers), list(m._modules), list(m.state_dict())])

        m.x = 5
        m.x = t.nn.Parameter(t.ones(1))  # from an ordinary attribute to a parameter
        m.y = t.nn.Linear(1, 1)
        m.z = t.ones(1)  # a plain tensor is not registered
        note()
        m.register_buffer("b", t.zeros(2))
        m.b = t.ones(3)
        m.c = t.nn.Buffer(t.ones(1), persistent=False)
        note()
        m.x = None  # the name stays
        m.y = None
        m.b = None
        note()
        m.x = t.nn.Parameter(t.zeros(2))
        m.y = t.nn.ReLU()
        m.x = t.nn.Parameter(t.zeros(3))  # replaced in its place
        note()
        m.y = t.nn.Parameter(t.ones(2))  # from a module to a parameter
        m.b = t.nn.ReLU()  # from a buffer to a module
        m.c = t.nn.Parameter(t.ones(2))  # from a buffer that is not saved to a parameter, which is
        note()
        del m.x, m.y, m.z
        note()
        return seen, hasattr(m, "x"), hasattr(m, "y")

    same(run)


def test_registries_are_views_that_refuse_writes() -> None:
    """torch's scripts may read the underscored names. A write there would not reach the attribute: an error."""
    m = net(mg)
    assert m._parameters["scale"] is m.scale and list(m._modules) == ["body", "again", "head"]
    with pytest.raises(TypeError, match="does not support item assignment"):
        m._modules["head"] = mg.nn.Identity()


def uninitialized(t: Any, value: Any) -> Any:
    class Early(t.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            self.note = 1  # an ordinary attribute may come first
            self.member = value(t)
            super().__init__()

    return Early()


ERRORS: dict[str, Any] = {
    "parameter before init": lambda t: uninitialized(t, lambda t: t.nn.Parameter(t.ones(1))),
    "module before init": lambda t: uninitialized(t, lambda t: t.nn.ReLU()),
    "buffer before init": lambda t: uninitialized(t, lambda t: t.nn.Buffer(t.ones(1))),
    "tensor as parameter": lambda t: setattr(t.nn.Linear(1, 1), "weight", t.ones(1, 1)),
    "int as parameter": lambda t: setattr(t.nn.Linear(1, 1), "weight", 3),
    "int as module": lambda t: setattr(net(t), "head", 3),
    "int as buffer": lambda t: setattr(net(t), "count", 3),
    "module as parameter": lambda t: setattr(t.nn.Linear(1, 1), "bias", t.nn.ReLU()),
    "no forward": lambda t: t.nn.Module()(1),
    "unknown attribute": lambda t: t.nn.ReLU().weight,
    "deleting nothing": lambda t: delattr(t.nn.ReLU(), "weight"),
    "parameter name with dot": lambda t: t.nn.Module().register_parameter("a.b", None),
    "parameter name empty": lambda t: t.nn.Module().register_parameter("", None),
    "parameter name no text": lambda t: t.nn.Module().register_parameter(3, None),
    "parameter name taken": lambda t: t.nn.Module().register_parameter("train", None),
    "parameter no Parameter": lambda t: t.nn.Module().register_parameter("p", t.ones(1)),
    "buffer name taken": lambda t: net(t).register_buffer("scale", t.ones(1)),
    "buffer name with dot": lambda t: net(t).register_buffer("a.b", t.ones(1)),
    "buffer no tensor": lambda t: net(t).register_buffer("b", 3.0),
    "module name taken": lambda t: net(t).add_module("forward", t.nn.ReLU()),
    "module name with dot": lambda t: net(t).add_module("a.b", t.nn.ReLU()),
    "module name empty": lambda t: net(t).register_module("", t.nn.ReLU()),
    "module no Module": lambda t: net(t).add_module("a", 3),
    "train with a number": lambda t: net(t).train(1),
    "no such submodule": lambda t: net(t).get_submodule("body.7"),
    "submodule is a parameter": lambda t: net(t).get_submodule("scale"),
    "no such parameter": lambda t: net(t).get_parameter("body.0.w"),
    "parameter is a module": lambda t: net(t).get_parameter("body"),
    "buffer is a parameter": lambda t: net(t).get_buffer("scale"),
    "to int": lambda t: net(t).to(t.int64),
    "state is no dict": lambda t: net(t).load_state_dict([]),
    "parameter of ints": lambda t: t.nn.Parameter(t.tensor([1])),
    "Sequential index": lambda t: net(t).body[3],
    "Sequential insert": lambda t: net(t).body.insert(9, t.nn.ReLU()),
    "Sequential insert int": lambda t: net(t).body.insert(0, 3),
    "Sequential append int": lambda t: net(t).body.append(3),
    "pre-hook result": lambda t: (lambda m: (m.register_forward_pre_hook(lambda *a: 3, with_kwargs=True), m(1)))(
        t.nn.Identity()
    ),
}
# torch's type, in words of our own: ours says more, and modules live in a package of another name.
OWN_WORDS = {
    "parameter name with dot",
    "buffer name with dot",
    "module as parameter",
    "parameter of ints",
    "parameter no Parameter",
    "buffer no tensor",
    "module no Module",
    "int as module",
    "Sequential insert int",
    "Sequential append int",
}


@pytest.mark.parametrize("name", ERRORS)
def test_module_errors_are_torchs(name: str) -> None:
    same_error(ERRORS[name], text=name not in OWN_WORDS)


def test_parameters_are_leaves_on_shared_memory() -> None:
    def run(t: Any) -> Any:
        data = t.tensor([1.0, 2.0])
        p = t.nn.Parameter(data)
        data[0] = 5.0
        computed = t.nn.Parameter(p * 2)
        frozen = t.nn.Parameter(data, requires_grad=False)
        p.grad = t.ones(2)
        twin, pickled = copy.deepcopy(p), pickle.loads(pickle.dumps(p))
        return (
            p,
            p.is_leaf,
            computed.is_leaf,
            computed.requires_grad,
            frozen.requires_grad,
            [type(x).__name__ for x in (p, twin, pickled, p * 2, p.detach(), p[0], p.clone(), p.requires_grad_())],
            [x.grad is None for x in (twin, pickled)],
            twin.data_ptr() != p.data_ptr(),
            isinstance(p, t.Tensor),
        )

    same(run)


def test_a_saved_parameter_that_is_written_to_raises() -> None:
    """The Parameter and the tensor that it was made from share one version."""
    for lib in (mg, torch):
        data = lib.tensor([1.0, 2.0])
        p = lib.nn.Parameter(data)
        out = (p * p).sum()
        data.add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            out.backward()


def test_train_and_eval() -> None:
    def run(t: Any) -> Any:
        m = net(t)
        states = [all(c.training for c in m.modules())]
        states += [m.eval() is m, any(c.training for c in m.modules())]
        m.body.train()
        return states + [[c.training for c in m.modules()]]

    same(run)


def test_apply_goes_children_first() -> None:
    def run(t: Any) -> Any:
        names: list[str] = []
        m = net(t)
        return m.apply(lambda c: names.append(repr(c).partition("(")[0])) is m, names

    same(run)


def test_freezing_and_zero_grad() -> None:
    def run(t: Any) -> Any:
        m = net(t)
        m.body.requires_grad_(False)
        m(t.ones(4, 2)).backward(t.ones(4, 1))
        grads = [p.grad is None for p in m.parameters()]
        held = m.scale.grad
        m.zero_grad(set_to_none=False)
        zeros = held is m.scale.grad, m.scale.grad
        m.zero_grad()
        return grads, zeros, [p.requires_grad for p in m.parameters()], [p.grad is None for p in m.parameters()]

    same(run)


def test_conversions_keep_parameters_their_identity() -> None:
    def run(t: Any) -> Any:
        m = net(t)
        m.register_buffer("ids", t.tensor([1, 2]))
        m(t.ones(4, 2)).backward(t.ones(4, 1))
        held, result = m.scale, []
        for convert in (
            lambda m: m.double(),
            lambda m: m.float(),
            lambda m: m.to(t.float64),
            lambda m: m.to("cpu"),
            lambda m: m.to("cpu", t.float32),
            lambda m: m.to(t.ones(1, dtype=t.float64)),
            lambda m: m.to(dtype=t.float32, device="cpu"),
            lambda m: m.cpu(),
            lambda m: m.to(device="cpu"),
            lambda m: m.to(t.device("cpu"), t.float64, True),
            lambda m: m.type(t.float32),
        ):
            assert convert(m) is m
            result.append([str(x.dtype) for x in (m.scale, m.scale.grad, m.head.weight, m.count, m.ids)])
        return result, held is m.scale, m.scale.requires_grad, m.scale.is_leaf

    same(run)


def test_hooks() -> None:
    def run(t: Any) -> Any:
        m, seen = t.nn.Linear(1, 1), []
        m.weight.data.fill_(2.0)
        m.bias.data.fill_(1.0)
        one = t.tensor([1.0])
        a = m.register_forward_hook(lambda m, args, out: seen.append(("after", len(args), out.item())))
        b = m.register_forward_pre_hook(lambda m, args: (args[0] * 10,))
        c = m.register_forward_hook(lambda m, args, out: out + 100, prepend=True)
        d = m.register_forward_pre_hook(lambda m, args: args[0] + 1, prepend=True)
        e = m.register_forward_hook(lambda m, args, kwargs, out: seen.append((args, kwargs)), with_kwargs=True)
        f = m.register_forward_pre_hook(lambda m, args, kwargs: ((), {"input": args[0]}), with_kwargs=True)
        outs = [m(one)]
        for handle in (a, b, c, d, e, f):
            handle.remove()
            handle.remove()  # twice does no harm
            outs.append(m(one))
        with m.register_forward_hook(lambda m, args, out: out * 0):
            outs.append(m(one))
        return outs, [plain(s) for s in seen], m(one)

    same(run)


# ------------------------------------------------------------------------------------------------------- state


def test_state_dict() -> None:
    def run(t: Any) -> Any:
        m = net(t)
        state = m.state_dict()
        m.scale.data.fill_(7.0)
        return (
            type(state).__name__,
            list(state),
            dict(state),
            {k: dict(v) for k, v in state._metadata.items()},
            [v.requires_grad for v in state.values()],
            list(m.state_dict(prefix="a.")),
            m.state_dict(keep_vars=True)["scale"] is m.scale,
            m.state_dict(destination={"x": 1}, prefix="y."),
        )

    same(run)


def test_load_state_dict() -> None:
    def run(t: Any) -> Any:
        a, b = net(t, seed=1), net(t, seed=2)
        held = b.scale
        result = b.load_state_dict(a.state_dict())
        shared = b.body[0].weight.data_ptr() == a.body[0].weight.data_ptr()
        wide = {k: v.double() for k, v in a.state_dict().items()}
        b.load_state_dict(wide)
        partial = b.load_state_dict({"scale": t.zeros(2), "unknown": t.ones(1)}, strict=False)
        return (
            repr(result),
            list(b.parameters()),
            shared,
            held is b.scale,
            str(b.scale.dtype),
            b.scale.requires_grad,
            list(partial.missing_keys),
            list(partial.unexpected_keys),
            partial[0] == partial.missing_keys,
        )

    same(run)
    same(lambda t: repr(net(t).load_state_dict({}, strict=False)))


def test_load_state_dict_with_assign() -> None:
    def run(t: Any) -> Any:
        a, b = net(t, seed=1), net(t, seed=2)
        b.scale.requires_grad_(False)
        state = {k: v.double() for k, v in a.state_dict().items()}
        b.load_state_dict(state, assign=True)
        return (
            str(b.scale.dtype),
            type(b.scale).__name__,
            b.scale.requires_grad,
            b.body[0].bias.requires_grad,
            b.scale.data_ptr() == state["scale"].data_ptr(),
            b.count is state["count"],
            list(b.parameters()),
        )

    same(run)


def changed(t: Any, **changes: Any) -> Any:
    state = net(t).state_dict()
    for name, value in changes.items():
        key = name.replace("__", ".")
        if value is None:
            del state[key]
        else:
            state[key] = value(t)
    return lambda: net(t).load_state_dict(state)


@pytest.mark.parametrize(
    "changes",
    [
        {"scale": None},
        {"scale": None, "body__0__bias": None, "count": None},
        {"extra": lambda t: t.ones(1)},
        {"body__9__weight": lambda t: t.ones(1), "x__y": lambda t: t.ones(1), "scale": None},
        {"scale": lambda t: t.ones(3)},
        {"scale": lambda t: t.ones(3), "count": lambda t: t.ones(2, 2), "z": lambda t: 1},
        {"scale": lambda t: 3.0},
        {"scratch": lambda t: t.ones(2)},
        {"absent": lambda t: t.ones(2)},
        {"scale__deep": lambda t: t.ones(2)},
    ],
    ids=" ".join,
)
def test_states_that_do_not_fit(changes: dict[str, Any]) -> None:
    same_error(lambda t: changed(t, **changes)())


def test_states_go_from_one_library_to_the_other() -> None:
    theirs, ours = net(torch, seed=3), net(mg, seed=4)
    ours.load_state_dict({k: mg.from_numpy(v.numpy()) for k, v in theirs.state_dict().items()})
    assert plain(ours.state_dict()) == plain(theirs.state_dict())
    theirs = net(torch, seed=5)
    theirs.load_state_dict({k: torch.from_numpy(v.numpy()) for k, v in ours.state_dict().items()})
    assert plain(ours.state_dict()) == plain(theirs.state_dict())


class Pickled(mg.nn.Module):
    """At the top of a module, where pickle finds it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = mg.nn.Sequential(mg.nn.Linear(2, 2), mg.nn.ReLU())
        self.tied = self.layers[0]
        self.register_buffer("b", mg.ones(1), persistent=False)
        self.options = {"depth": 1}


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_copies_are_whole_and_independent(copied: Any) -> None:
    m = Pickled().eval()
    twin = copied(m)
    assert plain(twin.state_dict()) == plain(m.state_dict()) and repr(twin) == repr(m)
    assert twin.tied is twin.layers[0] and twin.tied is not m.tied and not twin.training
    assert twin.options == m.options and twin.options is not m.options
    assert list(twin._buffers) == ["b"] and "b" not in twin.state_dict()
    twin.tied.weight.data.fill_(0.0)
    assert m.tied.weight.detach().numpy().any()
    twin.extra = mg.nn.Linear(1, 1)
    assert "extra" not in m._modules and all(isinstance(p, mg.nn.Parameter) for p in twin.parameters())


# -------------------------------------------------------------------------------------------------- Sequential


def test_sequential_is_a_list() -> None:
    def run(t: Any) -> Any:
        nn = t.nn

        def layers(n: int) -> list[Any]:
            return [nn.Linear(1, i + 1) for i in range(n)]

        def sizes(m: Any) -> Any:
            return [(name, c.out_features) for name, c in m.named_children()]

        m = nn.Sequential(*layers(4))
        named = nn.Sequential(OrderedDict(a=nn.Linear(1, 7), b=nn.Linear(1, 8)))
        seen = [
            sizes(m),
            sizes(m[1:3]),
            sizes(m[::2]),
            m[-1].out_features,
            len(m),
            sizes(named),
            sizes(named[1:]),
            m[1] is m[1:][0],
            [c.out_features for c in m],
            named.b is named[1],
        ]
        m.append(nn.Linear(1, 10)).extend(layers(2))
        seen.append(sizes(m))
        m.insert(1, nn.Linear(1, 20)).insert(-1, nn.Linear(1, 30)).insert(len(m), nn.Linear(1, 40))
        seen.append(sizes(m))
        m[2] = nn.Linear(1, 50)
        m[-1] = nn.Linear(1, 60)
        seen.append(sizes(m))
        del m[0]
        del m[2:4]
        seen.append(sizes(m))
        named[0] = nn.Linear(1, 70)
        del named[1]
        return seen, sizes(m), len(m), sizes(named), [n for n, _ in m.named_modules()]

    same(run)


def test_sequential_runs_in_order() -> None:
    def run(t: Any) -> Any:
        t.manual_seed(2)
        m = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.ReLU(), t.nn.Identity(), t.nn.Linear(3, 1))
        x = t.tensor([[1.0, -2.0], [0.5, 3.0]])
        assert m(x).tolist() == m[3](m[0](x).relu()).tolist()
        return np.round(m(x).detach().numpy(), 5), t.nn.Sequential()(3)

    (a, three), (b, _) = run(mg), run(torch)
    np.testing.assert_allclose(a, b, rtol=1e-5)
    assert three == 3
