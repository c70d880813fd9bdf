"""# 5. What an accuracy of 112 % means

The experiment `fashion`: ten kinds of clothes, batches of ten images, one-hot targets. The page that it comes from
prints accuracies of 103 to 113 %, and they even rise from epoch to epoch. The line that computes them:

    correct += (pred.argmax(1) == y).type(torch.float).sum().item()

`pred.argmax(1)` has the shape (10,): one class for each image. `y` is one-hot, (10, 10): a row for each image, a
column for each class. So `==` broadcasts. Row i, column j of the result asks: *is the class that was predicted for
image j equal to the number that image i has in column j?* That number is 0 or 1. The answer means nothing. But it
can be counted.

## The formula

Only images that are predicted to be of class 0 or 1 can ever be "equal". If image j is predicted to be of class 0,
each of the ten images that has a 0 in column j counts: all that are not of class j, about nine. If it is predicted
to be of class 1, those count that have a 1 there: about one. So, with p0 and p1 for the shares of predictions of
class 0 and class 1,

    "accuracy"  ≈  9 p0 + p1

and nothing else about the network matters. Whoever says each class equally often has p0 = p1 = 0.1, and that gives
100 %, knowing nothing.

Let us see, on images that need no download: ten kinds of drawn shapes.
"""

import torch
from torch import nn
from torch.utils.data import DataLoader
from plots import BLUE, GRAY, ORANGE, plt, save
from drawn_shapes import DrawnShapes

shapes = DrawnShapes(600, seed=1, transform=lambda image: torch.from_numpy(image).float() / 255,
                     target_transform=lambda label: torch.eye(10)[label])
batches = list(DataLoader(shapes, batch_size=10))
torch.manual_seed(42)
model = nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)


def measure():
    """(The page's accuracy, 9 p0 + p1, the true accuracy), in percent."""
    pages, true, predicted = 0, 0, []
    with torch.no_grad():
        for X, y in batches:
            pred = model(X)
            pages += (pred.argmax(1) == y).type(torch.float).sum().item()
            true += (pred.argmax(1) == y.argmax(1)).sum().item()
            predicted += pred.argmax(1).tolist()
    p0, p1 = predicted.count(0) / 600, predicted.count(1) / 600
    return pages / 6, 100 * (9 * p0 + p1), true / 6


table = [measure()]
for _ in range(4):
    for X, y in batches:
        loss = nn.functional.cross_entropy(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    table.append(measure())
print("epoch  the page's  9 p0 + p1   true")
for epoch in (0, 1, 2, 4):
    print(f"{epoch:5}  {table[epoch][0]:8.1f} %  {table[epoch][1]:7.1f} %  {table[epoch][2]:3.0f} %")

"""
```text
epoch  the page's  9 p0 + p1   true
    0      45.5 %     43.2 %    6 %
    1     126.3 %    123.5 %   98 %
    2     123.2 %    121.0 %  100 %
    4     123.2 %    121.0 %  100 %
```

![The page's accuracy, the formula, and the true accuracy](figures/accuracy.png)

The page's number follows the formula, and knows nothing of the truth. At the end the network is right nearly
always, so p0 is the share of class 0 in the data. On Fashion-MNIST that is 0.1, and the number tends to 100 %. The
page printed 112.0 after five epochs: its network then called about 11.3 % of the images "T-shirt", a bit more than
there are.

## What gives it away, and what to do

Above 100 % no accuracy can be. But at 97 % nobody would have looked. Three habits find this bug at once:

- try a measure on someone who guesses: ten classes must give 10 %;
- write the shapes down: `assert predicted.shape == target.shape`;
- train once with another batch size: with 20 images, the page's line raises an error.

The true accuracy on Fashion-MNIST after five epochs is 88.13 % on the training images, and 86.32 % on images never
seen. As a small program: [the museum](../museum/m03_accuracy_of_112.py).
"""

curves = (("the page's", ORANGE, "-"), ("9 p0 + p1", GRAY, "--"), ("true", BLUE, "-"))
for column, (name, color, style) in enumerate(curves):
    plt.plot([row[column] for row in table], style, color=color, label=name)
plt.axhline(100, color=GRAY, linewidth=0.8)
plt.xlabel("epoch")
plt.ylabel("accuracy in %")
plt.ylim(0, None)
plt.legend()
save("accuracy")
