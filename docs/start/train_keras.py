import keras
from sklearn.datasets import load_digits

from xent.nn.keras import SparseCategoricalCrossentropy

x, y = load_digits(return_X_y=True)
x, y, x_test, y_test = x[:1500] / 16, y[:1500], x[1500:] / 16, y[1500:]

keras.utils.set_random_seed(0)
model = keras.Sequential([keras.layers.Dense(32, activation="relu"), keras.layers.Dense(10)])
loss = SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss, metrics=["accuracy"])
model.fit(x, y, batch_size=100, epochs=10, verbose=0)

cost, right = model.evaluate(x_test, y_test, verbose=0)
print(f"loss {cost:.4f} nats, {right:.1%} of unseen digits right")
