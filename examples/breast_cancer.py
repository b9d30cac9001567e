"""A PyTorch network answers for eight patients whose data the answering machine cannot see."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler

import tacit

torch.manual_seed(1)
x, y = load_breast_cancer(return_X_y=True)
known, unseen, truth, expected = train_test_split(x, y, random_state=1, stratify=y)
scaler = MinMaxScaler(clip=True).fit(known)
known, unseen = scaler.transform(known), scaler.transform(unseen)

model = torch.nn.Sequential(torch.nn.Linear(30, 16), torch.nn.SiLU(), torch.nn.Linear(16, 2))
optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
for _ in range(300):
    optimiser.zero_grad()
    scores = model(torch.tensor(known, dtype=torch.float32))
    torch.nn.functional.cross_entropy(scores, torch.tensor(truth)).backward()
    optimiser.step()

# Eight inputs share each ciphertext: the time of one answer serves all of them.
program = tacit.compile(model, known, tacit.CKKS(batch=8))
cost = program.cost
answers = program.engine()(unseen[:8]).argmax(axis=1)
simulated = program(unseen).argmax(axis=1)

print(
    f"{np.sum(answers == expected[:8])} of 8 encrypted answers are right "
    f"({np.mean(simulated == expected):.1%} of {len(expected)} simulated), "
    f"for {cost.seconds:.2f} s of CPU and {cost.request_bytes / 1e3:.0f} kB sent."
)
