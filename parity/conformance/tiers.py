"""Which operations, modules and optimizers are asked for, in two tiers; the names are those of torch's metadata.

An operation is `name` or `name.variant`: `max.reduction_with_dim` is `torch.max(x, dim)`. Where the list of
tiers says "div with rounding" or "meshgrid", the metadata has two entries.
"""

from dataclasses import dataclass

FUNCTIONAL = "nn.functional."


@dataclass(frozen=True)
class Tier:
    name: str
    ops: tuple[str, ...]
    modules: tuple[str, ...]
    optimizers: tuple[str, ...]


def _names(text: str, prefix: str = "") -> tuple[str, ...]:
    return tuple(prefix + name for name in text.split())


CORE = Tier(
    "core",
    ops=_names("""
        zeros ones full arange linspace eye zeros_like ones_like full_like randn randint rand_like randn_like
        add sub mul div.no_rounding_mode neg pow abs exp log sqrt square reciprocal sin cos tanh sigmoid clamp
        __radd__ __rsub__ __rmul__ __rdiv__ __rpow__ __rmatmul__ eq ne lt le gt ge where
        sum mean var std argmax argmin
        max.reduction_no_dim max.reduction_with_dim min.reduction_no_dim min.reduction_with_dim
        matmul mm mv dot view reshape transpose t T permute squeeze unsqueeze flatten expand cat stack
        __getitem__ clone item float double long softmax log_softmax""")
    + _names("""
        linear relu mse_loss l1_loss binary_cross_entropy binary_cross_entropy_with_logits cross_entropy
        nll_loss""", FUNCTIONAL),
    modules=_names("""
        Linear ReLU Sigmoid Tanh Softmax LogSoftmax MSELoss L1Loss BCELoss BCEWithLogitsLoss CrossEntropyLoss NLLLoss
        Dropout Flatten Identity Sequential"""),
    optimizers=("SGD", "Adam"))

COMMON = Tier(
    "common",
    ops=_names("""
        div.floor_rounding div.trunc_rounding floor_divide remainder rsqrt log1p log2 tan sinh cosh atan erf
        floor ceil round sign maximum minimum max.binary min.binary isnan allclose equal
        logical_and logical_or logical_not prod all any amax amin cumsum cumprod logsumexp
        var.unbiased std.unbiased norm sort argsort topk bmm outer einsum addmm tril triu diag trace
        gather scatter scatter_add index_select masked_fill masked_select nonzero flip repeat chunk split unbind
        broadcast_to hstack vstack meshgrid.list_of_tensors meshgrid.variadic_tensors
        contiguous to int bool zero_""")
    + _names("""
        leaky_relu elu gelu silu softplus logsigmoid smooth_l1_loss huber_loss kl_div layer_norm batch_norm
        embedding one_hot dropout conv1d conv2d max_pool2d avg_pool2d pad.constant""", FUNCTIONAL),
    modules=_names("""
        LeakyReLU ELU GELU SiLU Softplus LogSigmoid SmoothL1Loss HuberLoss KLDivLoss LayerNorm BatchNorm1d
        BatchNorm2d Embedding Conv1d Conv2d MaxPool2d AvgPool2d"""),
    optimizers=("AdamW", "RMSprop", "Adagrad"))

TIERS = {tier.name: tier for tier in (CORE, COMMON)}
