"""The grammar of training loops: data, a model, a loss, an optimizer with options, perhaps a schedule, and the loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from parity.programs.machine import Program
from parity.programs.scene import Draw, Scene

ACTIVATIONS = ("nn.ReLU()", "nn.Tanh()", "nn.Sigmoid()", "nn.LeakyReLU(0.1)", "nn.ELU()", "nn.GELU()", "nn.SiLU()",
               "nn.Softplus()", "nn.LogSigmoid()", "nn.Softmax(dim=1)", "nn.Identity()")
# What a network for each kind of input may begin with; {n} and {m} stand for the channels before and after.
BODIES = {
    "rows": ("nn.Linear({n}, {m})", "nn.Linear({n}, {m})", "nn.Linear({n}, {m}, bias=False)"),
    "images": ("nn.Conv2d({n}, {m}, 3)", "nn.Conv2d({n}, {m}, 3, padding=1)", "nn.Conv2d({n}, {m}, 2, stride=2)",
               "nn.Conv2d({n}, {m}, 3, padding=2, dilation=2, bias=False)"),
    "signals": ("nn.Conv1d({n}, {m}, 3)", "nn.Conv1d({n}, {m}, 3, padding=1)", "nn.Conv1d({n}, {m}, 2, stride=2)"),
    "tokens": ("nn.Embedding(7, {m})", "nn.Embedding(7, {m}, padding_idx=0)"),
}
AFTER = {
    "rows": ("nn.BatchNorm1d({m})", "nn.LayerNorm({m})", "nn.Dropout(0.3)", "nn.BatchNorm1d({m}, momentum=None)"),
    "images": ("nn.BatchNorm2d({m})", "nn.MaxPool2d(2)", "nn.AvgPool2d(2)", "nn.Dropout2d(0.3)", "nn.Dropout(0.2)",
               "nn.MaxPool2d(3, stride=1, padding=1)", "nn.BatchNorm2d({m}, affine=False)"),
    "signals": ("nn.BatchNorm1d({m})", "nn.MaxPool1d(2)", "nn.Dropout(0.3)", "nn.AvgPool1d(2)"),
    "tokens": ("nn.Dropout(0.3)", "nn.LayerNorm({m})"),
}
SIZES = {"rows": (4,), "images": (2, 7, 6), "signals": (2, 9), "tokens": (5,)}
LOSSES = {
    "numbers": ("nn.MSELoss()", "nn.MSELoss(reduction='sum')", "nn.L1Loss()", "nn.SmoothL1Loss(beta=0.5)",
                "nn.HuberLoss()"),
    "classes": ("nn.CrossEntropyLoss()", "nn.CrossEntropyLoss(label_smoothing=0.1)",
                "nn.CrossEntropyLoss(reduction='sum')",
                "nn.CrossEntropyLoss(ignore_index=1)", "nn.NLLLoss()"),
    "yes or no": ("nn.BCEWithLogitsLoss()", "nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0]))", "nn.BCELoss()"),
}
OPTIMIZERS = {
    "SGD": ("momentum=0.9", "momentum=0.5, nesterov=True", "momentum=0.9, dampening=0.1", "weight_decay=0.01",
            "maximize=True",
            "nesterov=True"),  # the last one is refused
    "Adam": ("betas=(0.8, 0.9)", "eps=1e-4", "weight_decay=0.1", "amsgrad=True", "maximize=True", "betas=(1.5, 0.9)"),
    "AdamW": ("betas=(0.8, 0.99)", "weight_decay=0.1", "amsgrad=True", "weight_decay=0.0"),
    "RMSprop": ("alpha=0.9", "momentum=0.5", "centered=True", "weight_decay=0.01", "eps=1e-3",
                "momentum=0.9, centered=True"),
    "Adagrad": ("lr_decay=0.1", "initial_accumulator_value=0.5", "weight_decay=0.01", "eps=1e-3"),
}
SCHEDULES = ("StepLR(optimizer, 2, gamma=0.5)", "StepLR(optimizer, step_size=1)", "ExponentialLR(optimizer, 0.7)",
             "MultiStepLR(optimizer, [1, 3], gamma=0.1)", "CosineAnnealingLR(optimizer, 3)",
             "CosineAnnealingLR(optimizer, T_max=2, eta_min=0.01)", "LambdaLR(optimizer, lambda epoch: 0.9 ** epoch)",
             "ReduceLROnPlateau(optimizer, patience=0)")
STEP = {  # how the gradients of a batch come about and are used
    "plain": ("optimizer.zero_grad()", "{loss}", "loss.backward()", "{clip}", "optimizer.step()"),
    "late": ("{loss}", "loss.backward()", "{clip}", "optimizer.step()", "optimizer.zero_grad(set_to_none=False)"),
    "gathered": ("{loss}", "(loss / 2).backward()", "if len(history) % 2:", "    optimizer.step()",
                 "    optimizer.zero_grad()"),
    "by hand": ("model.zero_grad()", "{loss}", "loss.backward()", "with torch.no_grad():",
                "    for p in model.parameters():", "        if p.grad is not None: p -= 0.05 * p.grad"),
    "by gradients": ("{loss}", "wanted = [p for p in model.parameters() if p.requires_grad]",
                     "for p, g in zip(wanted, torch.autograd.grad(loss, wanted, allow_unused=True)):", "    p.grad = g",
                     "optimizer.step()"),
    "penalty on the gradient": ("optimizer.zero_grad()", "inputs.requires_grad_()", "{loss}",
                                "g, = torch.autograd.grad(loss, inputs, create_graph=True)",
                                "loss = loss + (g ** 2).sum()", "loss.backward()", "optimizer.step()"),
    "closure": ("def closure():", "    optimizer.zero_grad()", "    {loss}", "    loss.backward()", "    return loss",
                "loss = optimizer.step(closure)"),
}
CLIPS = ("", "", "nn.utils.clip_grad_norm_(model.parameters(), 0.5)",
         "nn.utils.clip_grad_value_(model.parameters(), 0.01)",
         "nn.utils.clip_grad_norm_(model.parameters(), 1.0, norm_type=float('inf'))")


@dataclass
class Task:
    """What is to be learned, and how exactly it is computed."""

    inputs: str  # rows, images, ...
    targets: str  # numbers, classes, ...
    rows: int
    outputs: int
    dtype: str


@st.composite
def trainings(draw: Draw) -> Program:
    """Random training loops."""
    s = Scene(draw)
    targets = s.one_of(list(LOSSES))
    task = Task(s.one_of(("rows", *SIZES)), targets, s.number(3, 13), {"numbers": 2, "classes": 3,
                                                                       "yes or no": 1}[targets],
                s.one_of(("float64", "float32")))
    for statement in data(task):
        s.write(statement)
    criterion = s.one_of(LOSSES[targets])
    s.write(f"model = nn.Sequential({', '.join(layers(s, task, criterion))}).{cast(task)}()")
    if s.chance(6):
        s.write("for p in model[0].parameters(): p.requires_grad = False")
    s.write(f"criterion = {criterion}.{cast(task)}()")
    s.write(f"optimizer = {optimizer(s)}")
    schedule = s.one_of(("", *SCHEDULES))
    if schedule:
        s.write(f"scheduler = lr_scheduler.{schedule}")
    s.write(f"loader = DataLoader(TensorDataset(X, y), batch_size={s.one_of((4, 5, 2, 20, 1))}"
            f"{s.one_of(('', ', shuffle=True', ', shuffle=True, drop_last=True'))})")
    s.write("history = []")
    s.write(loop(s, task, criterion, schedule))
    return s.program()


def cast(task: Task) -> str:
    return "double" if task.dtype == "float64" else "float"


def data(task: Task) -> Sequence[str]:
    size = ", ".join(str(n) for n in (task.rows, *SIZES[task.inputs]))
    drawn = f"torch.randn({size}, dtype=torch.{task.dtype})"
    x = f"torch.randint(0, 7, ({size}))" if task.inputs == "tokens" else drawn
    y = {"numbers": f"torch.randn({task.rows}, 2, dtype=torch.{task.dtype})",
         "classes": f"torch.randint(0, 3, ({task.rows},))",
         "yes or no": f"torch.randint(0, 2, ({task.rows}, 1)).to(torch.{task.dtype})"}[task.targets]
    return f"X = {x}", f"y = {y}"


def layers(s: Scene, task: Task, criterion: str) -> list[str]:
    """The modules, with a Linear at the end that fits what comes out of the others."""
    found: list[str] = []
    kind, channels = task.inputs, SIZES[task.inputs][0]
    for _ in range(s.number(1, 2)):
        if kind == "tokens" and found:
            break
        wider = s.number(2, 5)
        found.append(s.one_of(BODIES[kind]).format(n=channels, m=wider))
        found += [text.format(m=wider) for text in AFTER[kind] if s.chance(4)]
        found.append(s.one_of(ACTIVATIONS))
        channels = wider
    if kind != "rows":
        found.append("nn.Flatten()")
    found.append(f"nn.Linear({features(s, found)}, {task.outputs})")
    return found + {"nn.NLLLoss()": ["nn.LogSoftmax(dim=1)"], "nn.BCELoss()": ["nn.Sigmoid()"]}.get(criterion, [])


def features(s: Scene, modules: Sequence[str]) -> int:
    """How many numbers the modules make of an example; torch says."""
    try:
        return int(eval(f"nn.Sequential({', '.join(modules)})",
                        s.machine.given)(s["X"].float() if s["X"].is_floating_point()
                                                                                 else s["X"]).shape[-1])
    except RuntimeError:  # nothing is left to pool: whatever the Linear is like, the model will refuse
        return 1


def optimizer(s: Scene) -> str:
    name = s.one_of(list(OPTIMIZERS))
    options = [text for text in OPTIMIZERS[name][:-1] if s.chance(4)] or ([OPTIMIZERS[name][-1]] if s.chance(6) else [])
    words = [text.split("=")[0] for option in options for text in option.split(", ") if "=" in text]
    options = options[:1] if len(set(words)) < len(words) else options
    params = s.one_of(("model.parameters()", "model.parameters()", "[{'params': model[0].parameters(), 'lr': 0.02}, "
                       "{'params': model[1:].parameters()}]"))
    return f"optim.{name}({', '.join([params, f'lr={s.one_of((0.1, 0.01, 0.5))}', *options])})"


def loop(s: Scene, task: Task, criterion: str, schedule: str) -> str:
    # torch's second derivative of BCELoss adds 1e-12 to its denominators: that much, and all that comes of it, differs.
    twice = task.inputs != "tokens" and criterion != "nn.BCELoss()"
    lines = STEP[s.one_of([kind for kind in STEP if twice or kind != "penalty on the gradient"])]
    penalty = s.one_of(("", "", " + 0.01 * sum((p ** 2).sum() for p in model.parameters())"))
    clip = s.one_of(CLIPS)
    batch = [line.format(loss=f"loss = criterion(model(inputs), targets){penalty}",
                         clip=clip or "pass") for line in lines]
    judged = ["model.eval()", "with torch.no_grad():", "    history.append(criterion(model(X), y).item())"]
    steps = ["scheduler.step(loss.item())" if "Plateau" in schedule else "scheduler.step()"] if schedule else []
    body = ["model.train()", "for inputs, targets in loader:", *["    " + line for line in batch if line != "pass"],
            "    history.append(loss.item())", *(judged if s.chance(2) else []), *steps,
            "history.append(optimizer.param_groups[0]['lr'])"]
    return "\n".join([f"for epoch in range({s.number(1, 4)}):", *["    " + line for line in body]])
