from c5_modules import Module


class Sequential(Module):
    """Each layer is an attribute with a number for a name, so `parameters` finds it."""

    def __init__(self, *layers):
        for i, layer in enumerate(layers):
            setattr(self, str(i), layer)

    def forward(self, x):
        for layer in vars(self).values():
            x = layer(x)
        return x
