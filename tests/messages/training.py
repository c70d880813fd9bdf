"""Optimizers, schedules, data sets and loaders, images."""

from __future__ import annotations

from .case import sees, tells

OWN = "minigrad's own limit"
FOLDER = "import os; os.environ.pop('MINIGRAD_DATA', None); os.makedirs('MNIST/raw')\n"
OPTIMIZERS = [
    sees("sgd = optim.SGD([w], 0.1); sgd.register_step_pre_hook(lambda *a: 5); sgd.step()", "5"),
    sees("optim.SGD(w, 0.1)", "torch.FloatTensor"),
    tells("optim.SGD([], 0.1)", "empty", "nothing was given"),
    tells("class Own(optim.Optimizer):\n    pass\nOwn([w], {}).step()", "Own", "the class says it all"),
    sees("optim.SGD([w], 0.1).add_param_group([x])", "list"),
    sees("optim.SGD([5], 0.1)", "int"),
    sees("optim.SGD([w * 2], 0.1)", "[2, 3]"),
    tells("optim.SGD([('w', w)], 0.1).add_param_group({'params': [x]})", "names", "the group says it all"),
    sees("optim.SGD([w], 0.1).add_param_group({'params': [w]})", "[2, 3]"),
    sees("optim.SGD([w], 0.1).load_state_dict({'state': {}, 'param_groups': []})", "0, not 1"),
    sees("optim.SGD([w], 0.1).load_state_dict({'state': {}, 'param_groups': [{'params': [0, 1]}]})", "[2]", "[1]"),
    sees("optim.SGD([w], torch.ones(2))", "[2]"),
    sees("optim.SGD([w], -1)", "-1"),
    sees("optim.Adam([w], betas=(0.9, 1.5))", "1", "1.5"),
    tells("optim.Adam([w], fused=True, differentiable=True)", "differentiable", "the two options say it all"),
    tells("optim.Adam([w], fused=True, foreach=True)", "foreach", "the two options say it all"),
    tells("optim.Adam([w], differentiable=True)", "differentiable=True", OWN, ours="torch can"),
    tells("optim.Adam([w], capturable=True).step()", "capturable=True", OWN, ours="torch says it in step()"),
    tells("optim.SGD([{'params': {w}}], 0.1)", "sets", "that it is a set says it all"),
    tells("optim.SGD([('w', w), x], 0.1)", "names", "the parameter without a name says it all"),
    sees("optim.SGD([w], 0.1, nesterov=True, dampening=0.5)", "0.5"),
    sees("optim.Adam([w], torch.ones(1), foreach=True)", "lr"),
    sees("optim.Adam([w], betas=(0.9, torch.ones(1)))", "0.9"),
    sees("optim.LBFGS([{'params': [w]}, {'params': [torch.ones(1)]}])", "2 groups"),
    sees("w.grad = x\noptim.LBFGS([w], line_search_fn='red').step(lambda: w.sum())", "'red'"),
]

SCHEDULES = [
    sees("optim.lr_scheduler.StepLR(optim.SGD([w], 0.1), 2, last_epoch=3)", "param_groups[0]"),
    sees("optim.lr_scheduler.StepLR([w], 2)", "list"),
    sees("optim.lr_scheduler.ReduceLROnPlateau(optim.SGD([w], 0.1), factor=2)", "not 2"),
    sees("optim.lr_scheduler.ReduceLROnPlateau(optim.SGD([w], 0.1), min_lr=[1, 2])", "expected 1", "got 2"),
    sees("optim.lr_scheduler.ReduceLROnPlateau(optim.SGD([w], 0.1), mode='red')", "red"),
    sees("optim.lr_scheduler.ReduceLROnPlateau(optim.SGD([w], 0.1), threshold_mode='red')", "red"),
    sees("sgd = optim.SGD([w], 0.1); plateau = optim.lr_scheduler.ReduceLROnPlateau(sgd, min_lr=[0.0], patience=0)\n"
         "sgd.add_param_group({'params': [torch.ones(1)]})\nfor loss in (1, 2, 3):\n    plateau.step(loss)",
         "2 param groups", "1 min_lrs"),
    sees("optim.lr_scheduler.LambdaLR(optim.SGD([w], 0.1), [abs, abs])", "Expected 1", "got 2"),
    sees("optim.lr_scheduler.LambdaLR(optim.SGD([w], 0.1), 'red')", "red"),
    sees("optim.lr_scheduler.StepLR(5, 2)", "int"),
    sees("optim.lr_scheduler.CosineAnnealingWarmRestarts(optim.SGD([w]), 0)", "got 0"),
    sees("optim.lr_scheduler.CosineAnnealingWarmRestarts(optim.SGD([w]), 2).step(-1)", "-1"),
    sees("optim.lr_scheduler.OneCycleLR(optim.Adagrad([w]), 0.1, total_steps=9)", "Adagrad"),
    tells("optim.lr_scheduler.OneCycleLR(optim.SGD([w]), 0.1)", "total_steps", "nothing was given"),
    sees("optim.lr_scheduler.OneCycleLR(optim.SGD([w]), 0.1, total_steps=-9)", "total_steps", "-9"),
    sees("optim.lr_scheduler.OneCycleLR(optim.SGD([w]), 0.1, total_steps=9, pct_start=7)", "7"),
    sees("optim.lr_scheduler.OneCycleLR(optim.SGD([w]), 0.1, total_steps=9, anneal_strategy='red')", "red"),
    sees("cycle = optim.lr_scheduler.OneCycleLR(optim.SGD([w]), 0.1, total_steps=2)\n"
         "for n in range(5):\n    cycle.step()", "3 times", "2"),
    sees("optim.lr_scheduler.CyclicLR(optim.SGD([w]), 0.1, 0.2, mode='red')", "'red'"),
    sees("optim.lr_scheduler.CyclicLR(optim.SGD([w]), [0.1, 0.1], 0.2)", "base_lr", "2 values", "1"),
]

DATA = [
    sees("data.default_collate([(1, 2), (1,)])", "[2, 1]"),
    sees("data.default_collate([torch])", "module"),
    tells("data.DataLoader([1], num_workers=1, worker_init_fn=print)", "worker_init_fn", OWN, ours="torch has workers"),
    sees("data.DataLoader([1], num_workers=-3)", "-3"),
    sees("data.DataLoader([1], timeout=-3)", "-3"),
    sees("data.DataLoader([1], shuffle=True, sampler=[0])", "sampler"),
    sees("class Own(data.IterableDataset):\n    def __iter__(self):\n        return iter([1])\n"
         "data.DataLoader(Own(), shuffle=True)", "shuffle=True"),
    sees("data.DataLoader([1], batch_sampler=[[0]], batch_size=3)", "batch_size"),
    sees("data.DataLoader([1]).batch_size = 7", "batch_size"),
    tells("data.Dataset()[0]", "__getitem__", "what is missing says it all"),
    tells("iter(data.IterableDataset())", "__iter__", "what is missing says it all", ours="in torch it is abstract"),
    sees("data.TensorDataset(x, i)", "[2, 3]"),
    sees("class Own(data.Subset):\n    def __getitem__(self, i):\n        return 1\nOwn([1], [0])", "Own"),
    tells("data.ConcatDataset([])", "empty", "nothing was given"),
    tells("class Own(data.IterableDataset):\n    def __iter__(self):\n        return iter([1])\n"
          "data.ConcatDataset([Own()])", "IterableDataset", "the class says it all"),
    sees("data.ConcatDataset([[1, 2]])[-5]", "-5 of 2"),
    sees("data.random_split([1, 2], [1, 2])", "[1, 2] of 2"),
    sees("data.random_split([1, 2], [1.5, -0.5])", "index 0", "1.5"),
    sees("data.RandomSampler([1], replacement='yes')", "yes"),
    sees("data.WeightedRandomSampler([1.0], 1, replacement='yes')", "yes"),
    sees("data.WeightedRandomSampler(x, 1)", "(2, 3)"),
    sees("data.BatchSampler([1], 1, 'yes')", "yes"),
    sees("data.BatchSampler([1], 0, False)", "batch_size=0"),
]

VISION = "torchvision is not here to compare with"
IMPORT = "from minigrad.vision import datasets, transforms, build\n"
IMAGES = [
    sees(IMPORT + "build(torch, 'minigrad.vision')", "minigrad.vision", ours=VISION),
    sees(IMPORT + FOLDER + "datasets.MNIST('.')", "train-images-idx3-ubyte", "MNIST/raw", "$MINIGRAD_DATA",
         ours=VISION),
    sees(IMPORT + FOLDER + "f = open('MNIST/raw/train-images-idx3-ubyte', 'wb'); f.truncate(2**27); f.close()\n"
         "datasets.MNIST('.')", str(2**27), "train-images", ours=VISION),
    sees(IMPORT + FOLDER + "class Own(datasets.MNIST):\n    mirrors = ['file:///nowhere/']\n"
         "os.rename('MNIST', 'Own'); Own('.', download=True)", "file:///nowhere/", "train-images", "Own/raw",
         ours=VISION),
    sees(IMPORT + FOLDER + "open('MNIST/raw/train-images-idx3-ubyte.gz', 'wb').write(b'red')\ndatasets.MNIST('.')",
         "3 bytes", "train-images", ours=VISION),
    sees(IMPORT + "datasets.read_idx(b'red', 1, 'file')", "file", "1 dimensions", ours=VISION),
    sees(IMPORT + "datasets.read_idx(bytes.fromhex('00000803000000010000000200000003'), 3, 'file')", "2 x 3",
         ours=VISION),
    sees(IMPORT + "datasets.read_idx(bytes.fromhex('0000080100000005') + b'1', 1, 'file')", "9 bytes", "13",
         ours=VISION),
    sees(IMPORT + FOLDER + "import numpy as np\n"
         "open('MNIST/raw/train-images-idx3-ubyte', 'wb').write(bytes.fromhex('00000803000000000000001c0000001c'))\n"
         "open('MNIST/raw/train-labels-idx1-ubyte', 'wb').write(bytes.fromhex('0000080100000001') + b'1')\n"
         "datasets.MNIST('.')", "0 images", "1 labels", ours=VISION),
    sees(IMPORT + "from unittest import mock\nwith mock.patch.object(datasets, 'PATIENCE', -1):\n"
         "    datasets._received(mock.Mock(read1=lambda n: b'red'))", "3 bytes", "-1 seconds", ours=VISION),
    sees(IMPORT + "transforms.ToTensor()(5)", "int", ours=VISION),
    sees(IMPORT + "transforms.ToTensor()(np.ones(4))", "1 dim", ours=VISION),
    sees(IMPORT + "transforms.Normalize(0, 1)(5)", "int", ours=VISION),
    sees(IMPORT + "transforms.Normalize(0, 1)(i)", "torch.int64", ours=VISION),
    sees(IMPORT + "transforms.Normalize(0, 1)(x)", "[2, 3]", ours=VISION),
    sees(IMPORT + "transforms.Normalize((0.0,), (0.0,))(torch.ones(1, 2, 2))", "torch.float32", ours=VISION),
    sees(IMPORT + "transforms.Lambda(5)", "int", ours=VISION),
]

CASES = [*OPTIMIZERS, *SCHEDULES, *DATA, *IMAGES]
