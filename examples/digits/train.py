"""Train the demo's network on scikit-learn's digits and export it into the package."""

from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

OUT = Path(__file__).parents[2] / "src" / "tacit" / "demo"
CALIBRATION, EPOCHS, BATCH, NOISE = 400, 150, 64, 0.1

torch.manual_seed(2)
pixels, labels = load_digits(return_X_y=True)
images = pixels.reshape(-1, 1, 8, 8).astype(np.uint8)
train_images, test_images, train_labels, test_labels = train_test_split(
    images, labels, test_size=0.25, stratify=labels, random_state=2
)
x, y = torch.from_numpy(train_images / np.float32(16)), torch.from_numpy(train_labels)

# Two activations only: every ReLU costs about five levels once it is encrypted.
network = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1),
    nn.ReLU(),
    nn.AvgPool2d(2),
    nn.Conv2d(8, 16, 3, padding=1),
    nn.ReLU(),
    nn.AvgPool2d(2),
    nn.Flatten(),
    nn.Linear(64, 10),
)
optimiser = torch.optim.AdamW(network.parameters(), weight_decay=0.01)
steps = EPOCHS * -(-len(x) // BATCH)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=0.01, total_steps=steps)
for _ in range(EPOCHS):
    for rows in torch.randperm(len(x)).split(BATCH):
        optimiser.zero_grad()
        scores = network(x[rows] + NOISE * torch.randn_like(x[rows]))
        nn.functional.cross_entropy(scores, y[rows], label_smoothing=0.05).backward()
        optimiser.step()
        schedule.step()

network.eval()
shapes = ({0: torch.export.Dim("batch")},)
program = torch.onnx.export(network, (x[:2],), dynamic_shapes=shapes, opset_version=18)
for node in program.model.graph:
    # The traces name files of the machine that trained; a published model should not.
    node.metadata_props.pop("pkg.torch.onnx.stack_trace", None)
program.save(OUT / "digits.onnx", external_data=False)
calibration = train_images[:CALIBRATION]
np.savez_compressed(OUT / "digits.npz", calibration=calibration, x=test_images, y=test_labels)
with torch.no_grad():
    answers = network(torch.from_numpy(test_images / np.float32(16))).argmax(1).numpy()
right = int((answers == test_labels).sum())
print(f"{right} of {len(answers)} digits that it never saw are right: {right / len(answers):.2%}")
