"""Every difference from torch that random programs, mutants and the divergence finder brought to light, made short.

docs/found.md says of each what was wrong and what found it; its table and this file hold the same names.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from test_programs import program_of

from parity.programs.agreement import judge

FOUND = {
    "a view of a leaf under no_grad says that it requires grad": """
        w = torch.ones(3, requires_grad=True)
        with torch.no_grad(): v = w[:2]
        y = v * 2
        y.sum().backward()
        v.backward(torch.ones(2))""",
    "numpy() under no_grad": """
        w = torch.ones(3, requires_grad=True)
        with torch.no_grad(): a = w.numpy().tolist()
        w.numpy()""",
    "repeat gives memory of its own": """
        x = torch.zeros(3, 2)
        y = x.repeat(2, 1, 1)
        x += 1
        y[0] += 2
        s = y.stride()""",
    "views without elements are views": """
        x = torch.ones(3, 2, requires_grad=True)
        v = x[3:]
        v *= 2
        y = x * 1
        z = y[3:]
        z += 1
        y.sum().backward()""",
    "ravel of a vector is a view": """
        x = torch.ones(3, requires_grad=True)
        y = x.ravel()
        z = (x * 2)[::2].ravel()
        s = z.stride()""",
    "transposing in place is noticed by what was saved": """
        x = torch.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
        y = x.exp()
        y.t_()
        y.sum().backward()""",
    "a view of a number, after the number's shape changed": """
        x = torch.tensor([1.0, 3.0], requires_grad=True)
        n = (x * x).sum()
        v = n.expand(2, 2)
        n.unsqueeze_(0)
        (v * torch.tensor([[1.0, 2.0], [3.0, 5.0]])).sum().backward()""",
    "a gradient asked for a view whose base was written to": """
        x = torch.ones(2, 3, requires_grad=True)
        v = x.t()
        with torch.no_grad(): v *= v
        g, = torch.autograd.grad([v, x], [v], [torch.ones(3, 2), torch.ones(2, 3)], allow_unused=True)""",
    "an expanded tensor may be squeezed in place": """
        x = torch.ones(2).expand(1, 2, 2)
        x.squeeze_()""",
    "a tensor reshaped in place under no_grad keeps its history": """
        x = torch.ones(3, requires_grad=True)
        y = x * 2
        with torch.no_grad(): y.unsqueeze_(0)
        y.sum().backward()""",
    "a single value for a mask may have another dtype": """
        x = torch.tensor([-1.0, 2.0, -3.0])
        w = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
        x[x < 0] = torch.tensor(7)
        x[[True, False, True]] = w
        (x * x).sum().backward()
        x[[0, 1]] = torch.tensor(7)
        x[x > 0] = torch.tensor([1, 2, 3])
        y = torch.zeros(3, 3)
        y[[True, False, True], [-1, 0]] = torch.tensor([2])
        y[[True, False, True]] = torch.tensor([2])
        y[torch.tensor([True, False, True]), :] = torch.tensor([3])
        y[:, torch.tensor([True, False, True])] = torch.tensor([3])
        y[y > 1] = torch.tensor(4)""",
    "a value of the wrong shape for a mask": """
        x = torch.ones(3, 2)
        with torch.no_grad(): x[x > 0] = torch.ones(3, 2)""",
    "a dim out of range for gather and scatter": """
        x = torch.ones(3, 1)
        y = x.gather(2, torch.zeros(3, 1, dtype=torch.int64))
        z = x.scatter(-3, torch.zeros(3, 1, dtype=torch.int64), 2.0)
        n = torch.tensor(1.0).gather(-1, torch.tensor(0))
        m = torch.tensor(1.0).gather(1, torch.tensor(0))""",
    "a view that retains its gradient, after its base was written to": """
        x = torch.tensor([[1.0, 2.0]], requires_grad=True)
        v = x.flatten()
        v.retain_grad()
        with torch.no_grad(): v.add_(1)
        (v * v).sum().backward()""",
    "a view that follows its base under no_grad first": """
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = x * 1
        v = y[:1]
        y.mul_(3)
        with torch.no_grad(): n = v * 2
        (v * v).sum().backward()""",
    "what retains its gradient, after a view of it was written to": """
        x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
        y = x * x
        y.retain_grad()
        y[:2].mul_(5)
        (y * y).sum().backward()""",
    "a weighted Huber loss": """
        x = torch.tensor([1.0, 2.0, 5.0], requires_grad=True)
        w = torch.tensor([0.1, 0.5, 0.2])
        m = F.huber_loss(x, torch.tensor([0.0, 2.5, 1.0]), weight=w)
        s = F.huber_loss(x, torch.tensor([0.0, 2.5, 1.0]), "sum", weight=w)
        (m + s).backward()""",
    "logsumexp of integers": """
        y = torch.tensor([[2, 0, 3]]).logsumexp(1)
        z = torch.tensor([True, False]).logsumexp(0)""",
    "take_along_dim of nothing": """
        x = torch.zeros([0, 1])
        y = torch.take_along_dim(x, torch.zeros([0, 1], dtype=torch.int64), -2)""",
    "addmm with an input that does not fit": """
        x = torch.ones(2, 3)
        y = torch.addmm(torch.ones(2, 2), torch.ones(2, 2), x)
        z = torch.addmm(torch.ones(1, 2, 3), torch.ones(2, 2), x)
        a = torch.addmm(torch.ones(3), torch.ones(2, 2), x)""",
    "a write that fails has not been": """
        x = torch.tensor(2.0, requires_grad=True)
        y = x * 1
        z = y.exp() * y
        with torch.no_grad(): y[...] = torch.ones(3)
        z.backward()""",
    "a norm of nothing that has no identity": """
        x = torch.zeros(2, 0)
        a = x.norm(p=float("inf"), dim=1)
        b = x.norm(p=float("inf"), dim=0)
        c = x.norm(p=-1, dim=1)
        d = x.norm(p=-float("inf"))
        e = x.norm(p=0, dim=1), x.norm(p=3), x.norm()
        f = torch.tensor(-2.0).norm(p=float("inf"), dim=0)""",
    "the strides of nothing": """
        x = torch.tensor(-0.5)
        s = x[x > 0].stride(), torch.zeros(2, 0, 3).stride()""",
    "a write to a part of an expanded tensor": """
        w = torch.tensor([1.0, 2.0], requires_grad=True)
        y = w * 1
        x = y.expand(3, 2)
        x[0, 1] = 5.0
        x[0] *= 3
        x[1:2, :1].mul_(2)
        x[:, 0] = 4.0
        x.add_(1)
        (x * torch.arange(6.0).reshape(3, 2)).sum().backward()
        z = torch.ones(2).expand(3, 2)
        a, b, c = z.unbind(0)
        a.add_(1)
        z.T[0, 0] = 7.0
        n = torch.ones(2).expand(0, 2)
        n[...] = 4.0""",
    "index_select of rows that are not there": """
        n = torch.zeros(0, 3).index_select(0, torch.tensor([0]))
        e = torch.zeros(0, 3).index_select(0, torch.tensor([], dtype=torch.int64))
        x = torch.arange(3.0)
        a = x.index_select(0, torch.tensor([-1]))
        b = x.index_select(0, torch.tensor([3]))
        c = torch.tensor(2.0, requires_grad=True)
        d = c.index_select(0, torch.tensor([0]))
        d.backward()
        f = c.index_select(0, torch.tensor([1]))
        g = c.index_select(0, torch.tensor([0, 0]))""",
    "a Huber loss of two dtypes has the input's": """
        x = torch.tensor([1.0, 2.0, 5.0])
        y = torch.tensor([0.1, 2.5, 1.0], dtype=torch.float64)
        m = F.huber_loss(x, y)
        n = F.huber_loss(y, x, reduction="none")
        w = F.huber_loss(x, y, reduction="sum", weight=x)
        h = F.huber_loss(x.half(), x)
        i = F.huber_loss(x.long(), x)
        j = F.huber_loss(x.long(), x.long())""",
    "a write to an inference tensor": """
        with torch.inference_mode(): x, w, g = torch.zeros(2), torch.zeros(2).requires_grad_(), torch.zeros(2)
        x += 0
        x[0] = 0.0
        w.grad = torch.zeros(2)
        optim.SGD([w], lr=0.1, momentum=0.9).step()
        optim.Adam([w], lr=0.1).step()
        v = torch.zeros(2, requires_grad=True)
        v.grad = g
        (v * v).sum().backward()
        with torch.inference_mode(): x += 1""",  # zeros: torch has written before it refuses, minigrad has not
    "more cotangents than outputs": """
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = (x * x).sum()
        c = torch.tensor(3.0)
        g, = torch.autograd.grad(y, [x], [c, c], retain_graph=True)
        torch.autograd.backward([y], [c, c, c], retain_graph=True)
        h, = torch.autograd.grad([y, y], [x], [c])""",
    "the memory order of a copy of an expanded tensor": """
        x = torch.arange(4).reshape(2, 1, 2).expand(2, 3, 2)
        y = torch.randn_like(x.float())
        s = x.float().stride(), x.clone().stride(), x.transpose(0, 1).double().stride(), x.T.stride()
        z = torch.arange(6.0).reshape(2, 3).T.clone().stride()""",
    "random_ without bounds": """
        i = torch.zeros(5, dtype=torch.int64).random_()
        j = torch.zeros(5, dtype=torch.int32).random_()
        k = torch.zeros(5, dtype=torch.uint8).random_()
        b = torch.zeros(5, dtype=torch.bool).random_()
        f = torch.zeros(5).random_()
        d = torch.zeros(5, dtype=torch.float64).random_()
        h = torch.zeros(5, dtype=torch.float16).random_()
        o = torch.zeros(5, dtype=torch.int64).random_(3, None)
        p = torch.zeros(5, dtype=torch.float16).random_(3, None)
        q = torch.zeros(5).random_(3)
        r = torch.zeros(5).random_(5, 3)
        s = torch.rand(3)""",
    "an infinite gradient for a padding row": """
        w = torch.ones(3, 2, requires_grad=True)
        y = F.embedding(torch.tensor([0, 1, 0, 2]), w, padding_idx=0)
        y.backward(torch.tensor([[1.0, float('inf')], [1.0, 2.0], [float('nan'), 3.0], [float('inf'), 1.0]]))""",
    "the hooks of a single output that leads to no input": """
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        z = torch.tensor([1.0, 2.0], requires_grad=True)
        y, w, v = x.exp(), x * x, x * 3
        for t in (y, w, v): t.retain_grad()
        heard = []
        y.register_hook(lambda g: heard.append(g.tolist()))
        x.register_hook(lambda g: heard.append(g.tolist()))
        n = torch.autograd.grad([y], [z], [torch.ones(2)], allow_unused=True)
        n = torch.autograd.grad([x], [z], [torch.ones(2)], allow_unused=True)
        w.backward(torch.ones(2), inputs=[z])
        n = torch.autograd.grad([v, v], [z], [torch.ones(2), torch.ones(2)], allow_unused=True)
        y.backward(torch.ones(2))""",
    "lerp to a number keeps nothing": """
        x = torch.tensor([1.0, -2.0, 0.3], requires_grad=True)
        y = torch.tensor([0.1, 2.0, 1e-8], requires_grad=True)
        a, b = torch.lerp(x, y, 0.25), x.lerp(y, 0.75)
        for t in (a, b, a, b): t.backward(torch.tensor([1.0, 2.0, 5.0]))
        e = x.lerp(y, 0), x.lerp(y, 1)
        f = x.lerp(y.double(), 0.5)
        g = x.lerp(torch.ones(2), 0.5)
        h = x.lerp(2.0, 0.5)
        i = x.long().lerp(x.long(), 0.5)""",
    "how many are not 0 has no gradient": """
        x = torch.tensor([[0.0, 2.0], [float('nan'), 0.0]], requires_grad=True)
        y = x.norm(p=0, dim=1)
        y.backward(torch.ones(2))
        g, = torch.autograd.grad([x.norm(p=0)], [x])
        z, = torch.autograd.grad([x.norm(p=0) * x], [x], [torch.ones(2, 2)])
        n = torch.tensor(3.0).norm(p=0), torch.zeros(0, 2).norm(p=0, dim=0, keepdim=True)""",
    "an infinite weight of another class": """
        x = torch.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 2.0]], requires_grad=True)
        w = torch.tensor([1.0, float('inf'), 2.0])
        a = F.cross_entropy(x, torch.tensor([0, 2]), weight=w)
        b = F.nll_loss(x.log_softmax(1), torch.tensor([2, 0]), weight=w)
        c = F.cross_entropy(x, torch.tensor([1, 2]), weight=w, reduction='none')
        d = F.cross_entropy(x, torch.tensor([1, 0]), weight=w[:2].repeat(2)[:3], ignore_index=1, label_smoothing=0.1)
        (a + b).backward()
        c.backward(torch.tensor([1.0, 2.0]))""",
    "a divergence of shapes that do not fit": """
        x = torch.tensor([[-1.0, -2.0, -0.5], [-0.1, -3.0, -1.5]], requires_grad=True)
        y = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64, requires_grad=True)
        e = F.kl_div(x, torch.ones(2, 2), reduction='sum')
        f = F.kl_div(x, torch.ones(2, 2), reduction='sum', log_target=True)
        a = F.kl_div(x, y, reduction='batchmean')
        b = F.kl_div(x, y.float(), reduction='none', log_target=True)
        (a + b.sum()).backward()""",
    "bounds of a shape that does not fit": """
        x = torch.tensor([[1.17, 0.82, -1.05]], requires_grad=True)
        a = x.clamp(min=torch.zeros(2))
        b = x.clamp(torch.zeros(3), torch.ones(2, dtype=torch.float64))
        c = x.clamp(torch.zeros(2, 1), torch.ones(3))
        c.backward(torch.tensor([[1.0, 2.0, 3.0], [5.0, 7.0, 11.0]]))""",
    "a padding mask turned round": """
        torch.manual_seed(0)
        layer = torch.nn.MultiheadAttention(4, 2)
        x = torch.arange(24.0).reshape(3, 2, 4)
        y, w = layer(x, x, x, key_padding_mask=torch.tensor([[False, True], [False, False], [False, True]]))
        z, v = layer(x, x, x, key_padding_mask=torch.tensor([[False, False, True], [False, True, True]]))""",
    "a mask of one sequence that does not fit its heads": """
        layer = torch.nn.MultiheadAttention(4, 2)
        y, w = layer(torch.ones(3, 4), torch.ones(3, 4), torch.ones(3, 4), attn_mask=torch.zeros(4, 3, 3))""",
    "a line search has a tolerance of its own": """
        w = torch.nn.Parameter(torch.tensor([3.0, -1.0], dtype=torch.float64))
        o = torch.optim.LBFGS([w], lr=16, tolerance_change=10.0, max_iter=3, line_search_fn="strong_wolfe")
        def closure(): o.zero_grad(); loss = ((w - 1) ** 4).sum() + w.cos().sum(); loss.backward(); return loss
        a = o.step(closure)
        del o""",
    "a product with the hessian of a single number": """
        f = torch.autograd.functional
        x = torch.tensor([2.0])
        a, b = f.vhp(lambda x: x**3, x)
        c, d = f.hvp(lambda x: x**3, x, create_graph=True)""",
    "a loss's weights that alone require grad": """
        x = torch.tensor([0.5, -1.0])
        y = torch.tensor([1.0, 0.0])
        w = torch.tensor([1.0, 2.0], requires_grad=True)
        a = F.binary_cross_entropy_with_logits(x, y, w)
        b = F.binary_cross_entropy_with_logits(x, y, pos_weight=w)""",
    "copy_ of more dimensions than there are": """
        a = torch.zeros(()).copy_(torch.ones(1))
        b = torch.zeros(3).copy_(torch.ones(1, 3, dtype=torch.float64))
        c = torch.zeros(2, 3)[0].copy_(torch.ones(1, 1, 3))
        d = torch.zeros(0).copy_(torch.ones(1, 0))
        e = torch.zeros(2, 3).copy_(torch.ones(3))
        x = torch.ones(1, requires_grad=True)
        y = torch.zeros(())
        y.copy_(x)
        y[...] = x
        y.backward()""",
}


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found(name: str) -> None:
    judged = judge(program_of(FOUND[name]))
    assert judged.difference is None
    assert "rounding decides" not in judged.excuses  # then nothing would be compared


def test_the_page_lists_what_was_found() -> None:
    page = (Path(__file__).parent.parent / "docs" / "found.md").read_text()
    rows = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| ")][1:]
    assert [test.strip() for _, _, test in sorted(rows, key=lambda row: row[2])] == sorted(
        f"`test_what_was_found[{name}]`" for name in FOUND)
    assert all(len(wrong) > 30 and by.strip() in ("programs", "mutants", "comparing by hand") for wrong, by, _ in rows)
