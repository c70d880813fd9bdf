"""# An accuracy of 112 %

From one of the five documents. The targets are one-hot, (10, 10) for a batch of ten. `argmax(1)` of the predictions
has the shape (10,). `==` broadcasts, and compares each prediction with ten zeros and ones.
"""

import torch


def accuracy(compare, guess_from=range(10)):
    """The accuracy, in percent, of someone who knows nothing and guesses a class, on 500 batches of ten."""
    torch.manual_seed(0)
    labels = torch.randint(0, 10, (500, 10))
    guesses = torch.tensor(guess_from)[torch.randint(0, len(guess_from), (500, 10))]
    correct = 0
    for label, guess in zip(labels, guesses):
        target = torch.zeros(10, 10).scatter_(1, label.unsqueeze(1), 1)
        correct += compare(guess, target).sum().item()
    return 100 * correct / labels.numel()


def broken(guess_from=range(10)):
    return accuracy(lambda guess, target: guess == target, guess_from)


def fixed(guess_from=range(10)):
    return accuracy(lambda guess, target: guess == target.argmax(1), guess_from)


for who, classes in (("any class", range(10)), ("always class 0", [0]), ("always class 5", [5])):
    print(f"{who}: {broken(classes):.1f} %, fixed {fixed(classes):.1f} %")

"""
**What one sees.** A very good accuracy from the first epoch on. Here is somebody who does not even look at the
image:

```text
any class: 95.5 %, fixed 11.3 %
always class 0: 900.0 %, fixed 9.4 %
always class 5: 0.0 %, fixed 9.8 %
```

**The number that gives it away.** Anything above 100. It appears only with batches of ten and ten classes; with any
other batch size the line is an error. What it really counts: [the lesson](../lessons/l5_accuracy_of_112.py).

**The test that catches it.** A guess is right one time in ten:
"""


def test(program):
    assert 8 < program() < 12 and 8 < program([0]) < 12


"""
**The fix.** Compare classes with classes: `predicted.argmax(1) == target.argmax(1)`. Try every measure on a guesser
first.
"""
