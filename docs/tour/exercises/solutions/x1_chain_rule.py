"""dp/dtotal is p (1 - p), and dloss/dp is -1 / p. Together that is p - 1: what is predicted minus what is true."""

import math


def loss(w, b, x):
    total = w * x + b
    p = 1 / (1 + math.exp(-total))
    return -math.log(p)


def backward(w, b, x):
    p = 1 / (1 + math.exp(-(w * x + b)))
    g_p = -1 / p
    g_total = g_p * p * (1 - p)
    return g_total * x, g_total
