import torch
from sklearn.datasets import load_digits

import xent

x, y = map(torch.as_tensor, load_digits(return_X_y=True))
x, y, x_test, y_test = x[:1500].float() / 16, y[:1500], x[1500:].float() / 16, y[1500:]

torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(100):
    optimizer.zero_grad()
    loss = xent.cross_entropy(y, logits=model(x))  # the truth first
    loss.backward()
    optimizer.step()

right = (model(x_test).argmax(-1) == y_test).float().mean()
print(f"loss {loss:.4f} nats, {right:.1%} of unseen digits right")
