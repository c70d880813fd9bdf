"""The tape: backward, .grad, hooks, writing in place, functions of the user's own, replayed and explained steps."""

from __future__ import annotations

from .case import Case, sees, tells

STATE = "the state of the tensor says it all"
ONCE = """
class Own(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        return g

g, = torch.autograd.grad((Own.apply(w) ** 2).sum(), w, create_graph=True)
g.sum().backward()
"""
HEAD = """
class Own(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, n=None):
        {forward}

    @staticmethod
    def backward(ctx, g):
        {backward}

"""


def own(run: str, forward: str = "return x * 1", backward: str = "return g, None") -> str:
    """A program with a Function of the user's own."""
    return HEAD.format(forward=forward, backward=backward) + run


BACKWARD = [
    sees("y = w.exp().sum(); y.backward(); y.backward()", "exp"),
    sees("y = w.exp(); y.add_(1); y.sum().backward()", "exp", "'out'", "[2, 3]", "float32"),
    sees("w.backward(w[:, :2])", "[2, 2]", "[2, 3]"),
    sees("w.backward()", "[2, 3]"),
    sees("x.backward()", "element 0"),
    tells("torch.autograd.grad(w.sum(), w, allow_unused=False, materialize_grads=True)", "got: False",
          "the two arguments say it all"),
    sees("torch.autograd.grad(w.sum(), torch.ones(4, requires_grad=True))", "index 0", "[4]"),
    sees("torch.autograd.grad((w, w), w, (x,))", "2 tensors", "1 gradients"),
    tells("torch.autograd.backward(w.sum(), inputs=[])", "empty", "nothing was given"),
    sees("torch.autograd.grad(w.sum(), x)", "index 0", "[2, 3]"),
    sees("with torch.autograd.detect_anomaly():\n    (w - 1).sqrt().mul(0).sum().backward()", "'SqrtBackward0'", "0th"),
    sees("y = x.double().requires_grad_(); torch.autograd.gradcheck(lambda y: y.detach() * y, (y,))", "output 0",
         "2.0000"),
    tells("torch.autograd.gradcheck(torch.exp, (x,))", "requires_grad=True", STATE),
    sees("torch.autograd.Variable([1])", "list"),
    sees("with torch.inference_mode():\n    y = torch.ones(2)\n(w[0, :2] * y).sum()", "mul"),
    tells("with torch.inference_mode():\n    y = torch.ones(2)\ny.add_(1)", "inference tensor", STATE),
]

JACOBIANS = [
    sees("torch.autograd.functional.jacobian(lambda x: torch.ones(1), x, strict=True)", "input 0"),
    tells("torch.autograd.functional.vjp(torch.exp, x)", "v can only be None", "no vector was given"),
    sees("torch.autograd.functional.vjp(torch.exp, x, x[0])", "(2, 3)", "(3,)"),
    sees("torch.autograd.functional.hessian(torch.exp, x)", "tensor([[2.7183"),
]

GRAD = [
    tells("(w * 2).requires_grad = False", "leaf", STATE),
    sees("i.requires_grad = True", "torch.int64"),
    tells("with torch.inference_mode():\n    y = torch.ones(2)\ny.requires_grad = True", "inference tensor", STATE),
    sees("w.grad = 3", "int"),
    sees("w.grad = torch.ones(4)", "[4]", "[2, 3]"),
    sees("w.grad = x.double()", "float64", "float32"),
    tells("w.grad = w", "own grad", STATE),
    tells("x.retain_grad()", "requires_grad=False", STATE),
    tells("x.register_hook(print)", "doesn't require grad", STATE),
    tells("x.register_post_accumulate_grad_hook(print)", "doesn't require grad", STATE),
    tells("(w * 2).register_post_accumulate_grad_hook(print)", "non-leaf", STATE),
    tells("(w * 2)[0].detach_()", "views", STATE),
    sees("x.data = 5", "int"),
    sees("w.register_hook(lambda g: 5); w.sum().backward()", "'int'"),
    sees("w.register_hook(lambda g: g.double()); w.sum().backward()", "Float", "Double", "<lambda>"),
    sees("w.register_hook(lambda g: g[0]); w.sum().backward()", "<lambda>", "[3]", "[2, 3]"),
]

IN_PLACE = [
    sees("x[0] = 'red'", "str", "Float"),
    sees("x[i[:2]] = x.double()", "torch.float32", "torch.float64"),
    sees("x[0] = torch.ones(4)", "[4]", "x[0]", "[2, 3]"),
    sees("w.add_(1)", "[2, 3]"),
    sees("w[0].add_(1)", "[3]", "[2, 3]"),
    tells("a = np.ones(2); a.flags.writeable = False; torch.from_numpy(a).add_(1)", "read-only", STATE,
          ours="torch writes there all the same"),
    sees("x[0].expand(2, 3).add_(1)", "[2, 3]"),
    sees("x[0].add_(x)", "[3]", "[2, 3]"),
    sees("i.add_(0.5)", "Float", "Long"),
    tells("w.resize_(3, 2)", "require grad", STATE),
]

FUNCTIONS = [
    sees(own("Own.apply(w)", "ctx.save_for_backward(x, 5)"), "argument 1", "int"),
    tells("torch.autograd.Function.apply(x)", "forward function", "the name of what is missing says it all"),
    tells("class Own(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n        return x * 2\n"
          "Own.apply(w).sum().backward()", "backward", "the name of what is missing says it all"),
    tells(ONCE, "once_differentiable", "the decorator's name says it all"),
    sees(own("Own.apply(w).sum().backward()", backward="return g, g, g"), "OwnBackward", "expected 1", "got 3"),
    sees(own("Own.apply(w, 5).sum().backward()", backward="return g, g"), "OwnBackward", "position 2"),
    sees(own("Own.apply(w).sum().backward()", backward="return 5, None"), "int"),
    sees(own("Own.apply(w).sum().backward()", backward="return g[0, :2], None"), "OwnBackward", "[2]", "[2, 3]"),
    tells(own("Own.apply(w * 1)", "ctx.mark_dirty(x); return x.add_(1) * 1"), "dirty", STATE),
]

OURS = "minigrad alone has it"
STEPS = """
leaf, row, old = torch.ones(3, requires_grad=True), torch.ones(1, 3), (w * 2)
{before}
def step(x):
    return {step}
step = torch.replay(step)
for n in range(40):
    {call}
"""


def refused(step: str, *shown: str, before: str = "", call: str = "step(row)") -> Case:
    """A program that replays a step of the argument x, which cannot be replayed."""
    return sees(STEPS.format(step=step, before=before, call=call), *shown, ours=OURS)


def without_a_value(step: str, words: str, before: str = "", call: str = "step(row)") -> Case:
    """The same for a step that does something which the message names."""
    program = STEPS.format(step=step, before=before, call=call)
    return tells(program, words, "while a step is recorded there is no value", ours=OURS)


REPLAYING = [
    without_a_value("x.add_(1)", "writes into its argument"),
    refused("x * np.random.rand()", "step", "a1 is array("),
    without_a_value("x.sum()", "NumPy array", call="step(np.ones(3))"),
    refused("x[x > 0]", "float32[3]", call="step(torch.ones(3) - (n > 20) * torch.arange(3.0))"),
    refused("F.nll_loss(leaf * torch.ones(2, 3), x)", "True", "False", call="step(torch.arange(2) + (n > 20) * 5)"),
    refused("np.allclose(x.array, x.array)", "allclose()"),
    refused("sgd.step()", "Own.step", before="class Own(optim.SGD):\n    def step(self):\n        return 5\n"
            "sgd = Own([leaf], 0.1)"),
    refused("x.array.__array_interface__", "__array_interface__"),
    refused("old.sum() * x.sum()", "[2, 3]"),
    without_a_value("setattr(leaf, 'data', x)", "p.data"),
    without_a_value("setattr(torch.ones(1, 3, requires_grad=True), 'grad', x)", ".grad"),
    without_a_value("(leaf * x).sum().backward()", "hook", before="leaf.register_post_accumulate_grad_hook(print)"),
    without_a_value("(leaf * x).square().sum().backward(create_graph=True)", "create_graph=True"),
    without_a_value("optim.SGD([leaf], 0.1).step(lambda: 1)", "closure"),
    without_a_value("net(x)", "hook", before="net.register_forward_hook(lambda *a: None)"),
    without_a_value("x.sum().item()", "item()"),
    without_a_value("np.asarray(x.array)", "np.asarray"),
    without_a_value("x.array.item()", "item of an array"),
    without_a_value("1 if x.array[0, 0] else 2", "a branch"),
    without_a_value("float(x.array[0, 0])", "float()"),
    without_a_value("int(x.array[0, 0])", "int()"),
    without_a_value("[1, 2][x.array[0, 0]]", "as an index"),
]

TABLE = [
    sees("from minigrad.engine import Op; Op('own', lambda x: x, x=lambda g: g)", "own", "['x']", ours=OURS),
]

EXPLAINING = [
    sees("torch.explain(5)", "int", ours=OURS),
    tells("torch.explain(x)", "requires grad", STATE, ours=OURS),
    sees("torch.explain(w)", "[2, 3]", ours=OURS),
    sees("torch.explain.draw(w.sum()).save('picture.png')", "picture.png", ours=OURS),
    sees("torch.explain.formulas('no_such_op')", "'no_such_op'", ours=OURS),
    tells("from minigrad.explain.step import step_of\nwith torch.explain.record() as recording:\n    w.sum()\n"
          "step_of(recording, 'a step')", "no backward", "nothing was given", ours=OURS),
    sees("from pathlib import Path; from minigrad.explain.__main__ import recording_of\n"
         "Path('short.py').write_text(''); recording_of(Path('short.py'), 3)", "short.py", "0", "3", ours=OURS),
]
CASES = [*BACKWARD, *JACOBIANS, *GRAD, *IN_PLACE, *FUNCTIONS, *REPLAYING, *TABLE, *EXPLAINING]
