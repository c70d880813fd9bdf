import torch
from torch.autograd import Variable
import torch.nn.functional as F

torch.manual_seed(7)

# hours studied -> passed the exam?
x_data = Variable(torch.Tensor([[0.5], [1.0], [1.5], [2.0], [2.5], [3.0], [3.5], [4.0]]))
y_data = Variable(torch.Tensor([[0.], [0.], [0.], [0.], [1.], [1.], [1.], [1.]]))


class Model(torch.nn.Module):
    def __init__(self):
        super(Model, self).__init__()
        self.linear = torch.nn.Linear(1, 1)  # One in and one out

    def forward(self, x):
        y_pred = torch.sigmoid(self.linear(x))
        return y_pred


model = Model()

criterion = torch.nn.BCELoss(reduction='mean')
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)

for epoch in range(201):
    # Forward pass: Compute predicted y by passing x to the model
    y_pred = model(x_data)

    # Compute and print loss
    loss = criterion(y_pred, y_data)
    if epoch % 25 == 0:
        print(f'Epoch {epoch} | Loss: {loss.data:.4f}')

    # Zero gradients, perform a backward pass, and update the weights.
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

# After training
for hours in [1.0, 7.0]:
    hour_var = model(Variable(torch.Tensor([[hours]])))
    print("predict", hours, "hours:", hour_var.data[0][0].item() > 0.5, hour_var)
    print(F.logsigmoid(model.linear(torch.tensor([[hours]]))).exp())

decision = -model.linear.bias / model.linear.weight[0]
print("the decision boundary is at", decision.item(), "hours")
print((model(x_data) >= 0.5).float().eq(y_data).sum(), "of", len(y_data), "right")
