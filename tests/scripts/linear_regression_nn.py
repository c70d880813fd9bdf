import torch
import torch.nn as nn
import numpy as np
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt

torch.manual_seed(1)

# Hyper-parameters
input_size = 1
output_size = 1
num_epochs = 60
learning_rate = 0.001

# Toy dataset: house sizes (in 10 square metres) and prices
x_train = np.array([[3.1], [4.0], [5.2], [6.4], [7.7], [4.4], [9.5], [6.1],
                    [7.2], [2.4], [8.8], [10.3], [5.6], [8.3], [3.6]], dtype=np.float32)
y_train = np.array([[1.5], [1.9], [2.2], [2.9], [3.0], [1.7], [3.9], [2.4],
                    [3.1], [1.2], [3.3], [4.1], [2.0], [3.4], [1.6]], dtype=np.float32)

model = nn.Linear(input_size, output_size)
print(model)
print(model.weight, model.bias)

criterion = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)

for epoch in range(num_epochs):
    inputs = torch.from_numpy(x_train)
    targets = torch.from_numpy(y_train)

    outputs = model(inputs)
    loss = criterion(outputs, targets)

    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

    if (epoch+1) % 5 == 0:
        print ('Epoch [{}/{}], Loss: {:.4f}'.format(epoch+1, num_epochs, loss.item()))

predicted = model(torch.from_numpy(x_train)).detach().numpy()
print(predicted[:4], predicted.dtype, predicted.shape)

plt.plot(x_train, y_train, 'ro', label='Original data')
plt.plot(x_train, predicted, label='Fitted line')
plt.legend()
plt.savefig('fitted.png')

torch.save(model.state_dict(), 'model.ckpt')
print(model.state_dict())
