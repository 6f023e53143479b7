import cupy as cp
from sklearn.datasets import load_digits

import xent

x, y = map(cp.asarray, load_digits(return_X_y=True))
x, y, x_test, y_test = x[:1500] / 16, y[:1500], x[1500:] / 16, y[1500:]

weight, bias = cp.zeros((10, 64)), cp.zeros(10)
loss_and_slopes = xent.value_and_grad(xent.linear_cross_entropy)
for _ in range(200):
    loss, slope = loss_and_slopes(y, x, weight, bias)
    weight -= 2 * slope.weight
    bias -= 2 * slope.bias

guess = cp.argmax(x_test @ weight.T + bias, axis=1)
print(f"loss {float(loss):.4f} nats, {float(cp.mean(guess == y_test)):.1%} of unseen digits right")
