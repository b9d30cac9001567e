"""A worker computes a small residual network for digits; 100 changed answers are rejected."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import tacit

BATCH, TRIES = 64, 100


class Block(nn.Module):
    """Two convolutions with batch norm, and the way around them."""

    def __init__(self) -> None:
        super().__init__()
        layers = [(nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16)) for _ in range(2)]
        self.inner = nn.Sequential(*layers[0], nn.ReLU(), *layers[1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """ReLU of the sum of both ways."""
        return torch.relu(x + self.inner(x))


torch.manual_seed(3)
pixels, labels = load_digits(return_X_y=True)
images = (pixels.reshape(-1, 1, 8, 8) / 16).astype(np.float32)
known, unseen, truth, wanted = train_test_split(images, labels, random_state=3, stratify=labels)
entry, end = (nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()), (nn.Flatten(), nn.Linear(256, 10))
network = nn.Sequential(*entry, Block(), nn.AvgPool2d(2), Block(), *end)
optimiser = torch.optim.Adam(network.parameters(), 3e-3)
for _ in range(300):
    rows = torch.randint(len(known), (BATCH,))
    optimiser.zero_grad()
    guesses = network(torch.from_numpy(known[rows]))
    nn.functional.cross_entropy(guesses, torch.from_numpy(truth[rows])).backward()
    optimiser.step()

engine = tacit.compile(network.eval(), known, tacit.Field(batch=BATCH)).engine()
batches = [unseen[at : at + BATCH] for at in range(0, len(unseen), BATCH)]
right = np.concatenate([engine(batch) for batch in batches]).argmax(axis=1) == wanted

request = engine.client.seal(batches[0])
products = [np.frombuffer(each, "<i4") for each in engine.server.answer(request)]
rejected, chance = 0, np.random.default_rng(3)
for _ in range(TRIES):
    changed = [each.copy() for each in products]
    product = changed[chance.integers(len(changed))]
    product[chance.integers(product.size)] += 1
    try:
        engine.client.open([each.tobytes() for each in changed], BATCH, request=request)
    except tacit.VerificationFailed:
        rejected += 1
print(
    f"{right.mean():.1%} of {len(wanted)} checked answers are right; of {TRIES} that were "
    f"changed in one entry, {rejected} were rejected"
)
