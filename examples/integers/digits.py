"""Train the demo's network of small integers on scikit-learn's digits, and export it."""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import tacit
from tacit.arithmetics.integers import Grouping
from tacit.ir import ops
from tacit.tune import QAT, Quantisation, Rows, quantise, train

OUT = Path(__file__).parents[2] / "src" / "tacit" / "demo"
HIDDEN, STEPS, BATCH, NOISE, HELD_OUT = 64, 1500, 64, 0.1, 200

# The same digits are left for the demo as by examples/digits/train.py.
torch.manual_seed(2)
pixels, labels = load_digits(return_X_y=True)
images = (pixels.reshape(-1, 1, 8, 8) / 16).astype(np.float32)
train_x, test_x, train_y, test_y = train_test_split(
    images, labels, test_size=0.25, stratify=labels, random_state=2
)
x, y = torch.from_numpy(train_x), torch.from_numpy(train_y)

network = nn.Sequential(nn.Flatten(), nn.Linear(64, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10))
optimiser = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=0.01)
for _ in range(STEPS):
    rows = torch.randint(len(x), (BATCH,))
    optimiser.zero_grad()
    scores = network(x[rows] + NOISE * torch.randn_like(x[rows]))
    nn.functional.cross_entropy(scores, y[rows]).backward()
    optimiser.step()
network.eval()

# Sums of nine bits: a look-up of 511 entries takes a second or two, for all digits at once.
small = quantise(network, x, Quantisation(weights=3, activations=3, inputs=3, accumulator=9))
held_out = Rows(train_x[:HELD_OUT], train_y[:HELD_OUT])
learnt = Rows(train_x[HELD_OUT:], train_y[HELD_OUT:])
knobs = QAT(steps=STEPS, distillation=0.5)
trained = train(small, learnt, knobs, teacher=network, held_out=held_out).model.eval()

constants, nodes, last = [], [], "x"


def add(kind: str, *args: str, **attributes: int) -> None:
    """One more node of the ONNX file, on the last one's result and constants."""
    global last  # noqa: PLW0603 (a script)
    nodes.append(helper.make_node(kind, [last, *args], [f"v{len(nodes)}"], **attributes))
    last = f"v{len(nodes) - 1}"


def constant(value: np.ndarray) -> str:
    """The name of one more constant."""
    constants.append(numpy_helper.from_array(value, f"c{len(constants)}"))
    return constants[-1].name


for node in tacit.read(trained, x[:2]):
    match node.op:
        case ops.Reshape():
            add("Flatten", axis=1)
        case ops.FakeQuantise() as grid:
            scale, zero = constant(grid.scale.astype(np.float32).reshape(())), constant(np.uint8(0))
            add("QuantizeLinear", scale, zero)
            add("Clip", constant(np.uint8(grid.low)), constant(np.uint8(grid.high)))
            add("DequantizeLinear", scale, zero)
        case ops.Linear() as linear:
            matrices = [each.astype(np.float32) for each in (linear.weight, linear.bias)]
            add("Gemm", *map(constant, matrices), transB=1)
        case ops.Map():
            add("Relu")
shown = helper.make_graph(
    nodes,
    "digits",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 1, 8, 8])],
    [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["batch", 10])],
    constants,
)
model = helper.make_model(shown, opset_imports=[helper.make_opsetid("", 18)])
onnx.checker.check_model(model)
onnx.save(model, OUT / "digits-integers.onnx")

graph = tacit.calibrate(tacit.read(OUT / "digits-integers.onnx"), train_x.astype(np.float64))
lowered = tacit.lower(graph, tacit.Integers(grouping=Grouping.TENSOR))
with torch.no_grad():
    plain = (network(torch.from_numpy(test_x)).argmax(1).numpy() == test_y).mean()
right = (lowered(test_x.astype(np.float64)).argmax(1) == test_y).mean()
print(f"{right:.2%} of the digits that it never saw are right; in floating point {plain:.2%} are")
