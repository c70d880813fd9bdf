"""# The loss kept, not its value

`total += loss`, to print an average later. But `loss` is a tensor with its tape, and the sum hangs on to all of
them: nothing of any step is freed until the epoch ends.
"""

import torch


def nodes_behind(tensor):
    """How many nodes of the tape the tensor keeps alive."""
    seen, todo = set(), [tensor.grad_fn] if isinstance(tensor, torch.Tensor) else []
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            todo += [parent for parent, _ in node.next_functions]
    return len(seen)


def train(value_of, steps=100):
    """Train for some steps, and add up the losses. Returns how many nodes the sum keeps alive."""
    torch.manual_seed(0)
    x = torch.rand(20, 4)
    y = x.sum(1, keepdim=True)
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    total = 0.0
    for _ in range(steps):
        loss = ((model(x) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += value_of(loss)
    return nodes_behind(total)


def broken(steps=100):
    return train(lambda loss: loss, steps)


def fixed(steps=100):
    return train(lambda loss: loss.item(), steps)


print("after 100 steps:", "more than 500 nodes" if broken() > 500 else broken(), "and, fixed,", fixed())
print("twice the steps, twice the nodes:", broken(200) > 1.9 * broken())

"""
**What one sees.** Memory that grows with every step, until the process is killed: on a graphics card after minutes,
"out of memory", in a line that has nothing to do with it.

```text
after 100 steps: more than 500 nodes and, fixed, 0
twice the steps, twice the nodes: True
```

**The number that gives it away.** Memory after step 100 and after step 200. It should be the same.

**The test that catches it.** It counts what is kept alive:
"""


def test(program):
    assert program(200) == program(100)


"""
**The fix.** `loss.item()`, a Python number; or `loss.detach()`. The same for a list of predictions.
"""
