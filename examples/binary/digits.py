"""Train the demo's network of bits on scikit-learn's digits, and export it."""

from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import tacit
from tacit.tune.binarise import QuantConv2d, QuantLinear, SteSign, bit_weights, clip_after_steps

OUT = Path(__file__).parents[2] / "src" / "tacit" / "demo" / "digits-binary.onnx"
STEPS, BATCH, NOISE, RATE = 600, 64, 0.1, 0.01
BITS = {"input_quantiser": SteSign(), "kernel_quantiser": SteSign()}

# The same digits are left for the demo as by examples/digits/train.py.
torch.manual_seed(2)
pixels, labels = load_digits(return_X_y=True)
images = (pixels.reshape(-1, 1, 8, 8) / 16).astype(np.float32)
known, unseen, truth, wanted = train_test_split(images, labels, stratify=labels, random_state=2)
x, y = torch.from_numpy(known), torch.from_numpy(truth)

# Pixels are multiplied as they are; all that follows multiplies bits, and borders are bits too.
convs = [nn.Conv2d(n, m, 3, padding=1, bias=False) for n, m in ((1, 32), (32, 32), (32, 64))]
first = QuantConv2d(convs[0], kernel_quantiser=SteSign())
second, third = (QuantConv2d(each, pad_value=1.0, **BITS) for each in convs[1:])
last = QuantLinear(nn.Linear(256, 10, bias=False), **BITS)
inner = nn.BatchNorm2d(32), second, nn.MaxPool2d(2), nn.BatchNorm2d(32), third, nn.MaxPool2d(2)
network = nn.Sequential(first, *inner, nn.BatchNorm2d(64), nn.Flatten(), last, nn.BatchNorm1d(10))
optimiser = torch.optim.Adam(network.parameters(), RATE)
clip_after_steps(optimiser, network)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS)
for _ in range(STEPS):
    rows = torch.randint(len(x), (BATCH,))
    optimiser.zero_grad()
    scores = network(x[rows] + NOISE * torch.randn_like(x[rows]))
    nn.functional.cross_entropy(scores, y[rows]).backward()
    optimiser.step()
    schedule.step()

with torch.no_grad():
    for weight in bit_weights(network).values():
        weight.copy_(weight.sign())  # what it was before it became a sign is of no more use
    theirs = network.eval()(torch.from_numpy(unseen)).argmax(1).numpy()
shapes = ({0: torch.export.Dim("batch")},)
program = torch.onnx.export(network, (x[:2],), dynamic_shapes=shapes, opset_version=18)
for node in program.model.graph:
    # The traces name files of the machine that trained; a published model should not.
    node.metadata_props.pop("pkg.torch.onnx.stack_trace", None)
program.save(OUT, external_data=False)

lowered = tacit.compile(OUT, known.astype(np.float64), tacit.Binary())
ours = lowered.engine()(unseen.astype(np.float64)).argmax(1)
print(
    f"{(ours == wanted).mean():.2%} of the digits that it never saw are right, and "
    f"{(ours == theirs).sum()} of {len(ours)} answers are those of torch"
)
