"""Neural networks that learn with the small integers that they compute with; they need torch."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from dataclasses import replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from sklearn import neural_network
from sklearn.utils import check_random_state
from torch import nn

from tacit.errors import ReadError
from tacit.estimators.base import Absent, Estimator
from tacit.estimators.families import ByOdds, ByValues
from tacit.estimators.features import behind
from tacit.estimators.knobs import Bits, as_value_errors
from tacit.ir import ops
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph, Node
from tacit.passes.fold import fold
from tacit.read import read
from tacit.tune import QAT, Quantisation, Rows, quantise, train

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "logistic": nn.Sigmoid,
    "identity": nn.Identity,
}
# A look-up reads sums of so many bits more than its own values have: a few more bits cost a level
# of ciphertexts each, a few less cost accuracy.
ROOM = 5
# Steps of training with quantisation for each of max_iter, whose default is 200.
STEPS = 2
# Half of what is learnt are the answers of the network of real numbers.
DISTILLATION = 0.5
# Features come to lie between -2 and 2, so that a usual start of training suits them.
REACH = 2.0


class _Network(Estimator, metaclass=ABCMeta):
    """A perceptron, first of real numbers, then of integers.

    Its look-ups read sums of weights, so that one number in `n_bits` is that of all three: of
    inputs, weights, and the values between layers, which are inputs as well.
    """

    default_bits = 4
    weights_key = "op_weights"
    # What is learnt in parts would be quantised anew with each.
    partial_fit = Absent("a network learns with quantisation in one go: call fit")
    _quantised: Graph

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows and their targets, with real numbers and then with integers."""
        return self._learn("fit", {"X": X, "y": y})

    def _widths(self, features: int) -> Bits:
        asked = super()._widths(features)
        return replace(asked, weights=asked.weights[-1:])

    def _taught(self, X: FloatArray) -> FloatArray:
        scale, offset = self._scaling
        return X * scale + offset

    @property
    def _scaling(self) -> tuple[FloatArray, FloatArray]:
        """What features are multiplied by, and what is added then."""
        width = self._grids.highest / (2.0 * REACH)
        # Zero has to be a point of the network's own grid: the middle is rounded to a whole one.
        middle = (self._grids.highest + 1) // 2
        return self._grids.slope / width, (self._grids.shift - middle) / width

    def _refine(self, X: FloatArray, y: Any) -> None:
        bits = self._widths(X.shape[1])
        x = X.astype(np.float32)
        model, targets, ending = self._copied(y)
        with as_value_errors(type(self).__name__):
            knobs = Quantisation(
                weights=bits.weights[-1],
                activations=bits.inputs,
                inputs=bits.inputs,
                accumulator=bits.inputs + ROOM,
            )
            rounded = quantise(model, torch.from_numpy(x), knobs)
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
            how = QAT(steps=STEPS * self.max_iter, distillation=DISTILLATION, seed=int(seed))
            found = train(rounded, Rows(x, targets), how, teacher=model)
            graph = read(found.model, torch.from_numpy(x[:2]))
        self._quantised = _ended(behind(graph, *self._scaling), *ending)

    def _graph(self) -> Graph:
        return self._quantised

    def _adopt(self) -> None:
        raise ReadError(
            "a network learns its integers from rows and targets",
            hint="fit one, or call tacit.compile(model, rows, tacit.Integers())",
        )

    @abstractmethod
    def _copied(self, y: Any) -> tuple[nn.Module, Any, tuple[FloatArray, FloatArray]]:
        """The network of real numbers, its targets, and what its results are scaled by."""

    def _layers(self, weights: list[FloatArray], biases: list[FloatArray]) -> nn.Module:
        """The layers with the activation between them."""
        linear = [_linear(W, b) for W, b in zip(weights, biases, strict=True)]
        made: list[nn.Module] = [linear[0]]
        for _, after in pairwise(linear):
            made += [ACTIVATIONS[self.activation](), after]
        return nn.Sequential(*made).eval()


class NeuralNetClassifier(_Network, ByOdds, neural_network.MLPClassifier):
    """A perceptron with an output for each class; the client computes probabilities."""

    def decision_function(self, X: Any) -> FloatArray:
        """The score of each class, or by how much the second of two has more."""
        scores = self._outputs(X)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def _copied(self, y: Any) -> tuple[nn.Module, Any, tuple[FloatArray, FloatArray]]:
        weights, biases = list(self.coefs_), list(self.intercepts_)
        if len(self.classes_) == 2:
            # Two outputs that differ by the one there was.
            halves = np.array([[-0.5, 0.5]])
            weights[-1], biases[-1] = weights[-1] @ halves, biases[-1] @ halves
        places = np.searchsorted(self.classes_, y).astype(np.int64)
        outputs = len(self.classes_)
        return self._layers(weights, biases), places, (np.ones(outputs), np.zeros(outputs))


class NeuralNetRegressor(_Network, ByValues, neural_network.MLPRegressor):
    """A perceptron with an output for each target."""

    def _copied(self, y: Any) -> tuple[nn.Module, Any, tuple[FloatArray, FloatArray]]:
        values = np.asarray(y, dtype=np.float64)
        values = values.reshape(len(values), -1)
        mean, spread = values.mean(axis=0), values.std(axis=0)
        spread[spread == 0.0] = 1.0
        weights, biases = list(self.coefs_), list(self.intercepts_)
        # The last layer learns targets of unit variance, whatever they are measured in.
        weights[-1], biases[-1] = weights[-1] / spread, (biases[-1] - mean) / spread
        return self._layers(weights, biases), (values - mean) / spread, (spread, mean)


def _linear(weight: FloatArray, bias: FloatArray) -> nn.Linear:
    made = nn.Linear(*weight.shape)
    with torch.no_grad():
        made.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight.T)))
        made.bias.copy_(torch.from_numpy(np.asarray(bias)))
    return made


def _ended(graph: Graph, scale: FloatArray, offset: FloatArray) -> Graph:
    """The graph with its results scaled and shifted."""
    last = graph[graph.outputs[0]]
    op = ops.Affine(scale, offset)
    node = Node("unscaled", op, (last.name,), last.type, last.origin)
    return fold(Graph((*graph.nodes, node), (node.name,)))
