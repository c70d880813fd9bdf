# Self-attention step by step
import math
import torch
import torch.nn.functional as F

torch.manual_seed(123)

sentence = 'life is short eat dessert first'
words = {w: i for i, w in enumerate(sorted(sentence.split()))}
ids = torch.tensor([words[w] for w in sentence.split()])
print(words, ids)

embedded = torch.randn(6, 8)[ids].detach()
print(embedded.shape)

d = embedded.shape[1]
d_q, d_k, d_v = 6, 6, 7
W_query = torch.nn.Parameter(torch.rand(d_q, d))
W_key = torch.nn.Parameter(torch.rand(d_k, d))
W_value = torch.nn.Parameter(torch.rand(d_v, d))

# for one word
x_2 = embedded[1]
query_2 = W_query.matmul(x_2)
key_2 = W_key.matmul(x_2)
value_2 = W_value.matmul(x_2)
print(query_2.shape, key_2.shape, value_2.shape)
keys = W_key.matmul(embedded.T).T
values = W_value.matmul(embedded.T).T
print("keys.shape:", keys.shape, "values.shape:", values.shape)
omega_24 = query_2.dot(keys[4])
print(omega_24)
omega_2 = query_2.matmul(keys.T)
attention_weights_2 = F.softmax(omega_2 / d_k ** 0.5, dim=0)
print(attention_weights_2)
print(attention_weights_2.matmul(values))


# for all words and several sentences at once
def scaled_dot_product_attention(q, k, v, mask=None):
    scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(q.size(-1))
    if mask is not None:
        scores = scores.masked_fill(mask == 0, -1e9)
    p_attn = scores.softmax(dim=-1)
    return torch.matmul(p_attn, v), p_attn


x = torch.stack([embedded, embedded.flip(0)])
q, k, v = x @ W_query.T, x @ W_key.T, x @ W_value.T
out, p = scaled_dot_product_attention(q, k, v)
print(out.shape, p.sum(-1))

mask = torch.tril(torch.ones(6, 6))
print(mask.int())
out, p = scaled_dot_product_attention(q, k, v, mask)
print(p[0].detach().round(decimals=3))
print(torch.bmm(p, v).allclose(out), (p.triu(1) == 0).all())

# several heads: split the features
heads = x.view(2, 6, 2, 4).transpose(1, 2)
out, p = scaled_dot_product_attention(heads, heads, heads)
joined = out.transpose(1, 2).contiguous().view(2, -1, 2 * 4)
print(heads.shape, p.shape, joined.shape, joined[0, 0])
joined.sum().backward() if joined.requires_grad else print('nothing to learn here')
scaled_dot_product_attention(q, k, v, mask)[0].pow(2).mean().backward()
print(W_value.grad.norm(), W_query.grad[0, :3])
