"""Ten kinds of drawn shapes, for those who have not got Fashion-MNIST: 28 x 28 gray pixels, as its images are.

Drawn with NumPy, each of another size, place, slant and brightness, with noise; the same on every machine.
"""

import numpy as np

NAMES = ["disc", "ring", "square", "frame", "triangle", "plus", "cross", "rows", "columns", "checks"]
SIZE = 28


def inside(label: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which points belong to the shape: x and y run from -1 to 1 across it."""
    radius, edge = np.hypot(x, y), np.maximum(abs(x), abs(y))
    odd_row, odd_column = np.floor(y * 2.5 + 0.5) % 2 == 0, np.floor(x * 2.5 + 0.5) % 2 == 0
    shapes = {
        "disc": radius < 1,
        "ring": (radius < 1) & (radius > 0.6),
        "square": edge < 0.9,
        "frame": (edge < 0.9) & (edge > 0.55),
        "triangle": (y < 0.8) & (y > 2 * abs(x) - 0.9),
        "plus": (edge < 1) & (np.minimum(abs(x), abs(y)) < 0.25),
        "cross": (edge < 0.9) & (abs(abs(x) - abs(y)) < 0.3),
        "rows": (edge < 1) & odd_row,
        "columns": (edge < 1) & odd_column,
        "checks": (edge < 1) & (odd_row == odd_column),
    }
    return shapes[NAMES[label]]


def draw(label: int, random: np.random.RandomState) -> np.ndarray:
    """One image, uint8: 0 is black."""
    center = SIZE / 2 - 0.5 + random.uniform(-1, 1, size=2)
    radius, angle = random.uniform(9, 12), random.uniform(-0.15, 0.15)
    row, column = np.indices((SIZE, SIZE))
    x, y = (column - center[0]) / radius, (row - center[1]) / radius
    turned = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    light = random.uniform(160, 220) * inside(label, *turned) + random.uniform(0, 35, size=(SIZE, SIZE))
    return light.astype(np.uint8)


class DrawnShapes:
    """A data set: item i is (image, label), each through its transform, as in torchvision's data sets."""

    classes = NAMES

    def __init__(self, count, seed, transform, target_transform):
        random = np.random.RandomState(seed)
        self.labels = [int(label) for label in random.randint(len(NAMES), size=count)]
        self.images = [draw(label, random) for label in self.labels]
        self.transform, self.target_transform = transform, target_transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.transform(self.images[index]), self.target_transform(self.labels[index])
