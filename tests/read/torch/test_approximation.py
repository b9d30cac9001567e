from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tacit.errors import ReadError
from tacit.ir.functions import Function
from tacit.ir.graph import Graph
from tacit.ir.ops import Approximated
from tacit.read import read
from tacit.read.torch.approximation import approximation

RELU = (0.0, 0.0, 0.5, 0.5)
X = torch.linspace(-3.0, 3.0, 24).reshape(4, 6)


class Tuned(nn.Module):
    """A layer that names what it approximates: by odd stages of widths 1 and 1.5, unless said."""

    def __init__(
        self,
        coefficients: tuple[tuple[float, ...], ...] = ((1.1, -0.3), (1.2, -0.2, 0.1)),
        form: tuple[float, ...] = RELU,
        *,
        name: str = "relu",
        scale: float = 2.5,
        is_odd: bool = True,
        is_scaled: bool = False,
    ) -> None:
        super().__init__()
        self.coefficients = nn.ParameterList(nn.Parameter(torch.tensor(c)) for c in coefficients)
        self.register_buffer("scale", torch.tensor(scale))
        self.register_buffer("centre", torch.tensor(0.5 if not is_odd else 0.0))
        self.called = (name, form, is_odd, is_scaled)

    def forward(self, x: Tensor) -> Tensor:
        name, form, is_odd, is_scaled = self.called
        found: Tensor = approximation(
            x,
            self.centre,
            self.scale,
            list(self.coefficients),
            [1.0, 1.5][: len(self.coefficients)],
            [is_odd] * len(self.coefficients),
            name,
            [0.2] if name == "leaky_relu" else [],
            list(form),
            is_scaled,
        )
        return found


def gap(graph: Graph, model: nn.Module) -> float:
    with torch.no_grad():
        expected = model(X)
    return float(abs(torch.from_numpy(graph(X.numpy())) - expected).max())


@pytest.mark.parametrize(
    "model",
    [
        Tuned(),
        Tuned(form=(0.25, 1.0, 0.0, 0.0), name="sign"),
        Tuned(form=(0.0, 0.0, 0.6, 0.4), name="leaky_relu"),
        Tuned(((0.2, 1.0, 0.3, 0.1),), (0.0, 1.0, 0.0, 0.0), name="silu", is_odd=False),
        Tuned(((0.2, 1.0, 0.3),), (0.5, 2.0, 0.0, 0.0), is_odd=False, is_scaled=True),
        Tuned(((1.0, 0.3),), (0.0, 0.0, 0.0, 1.0), name="abs", is_scaled=True),
    ],
    ids=lambda model: str(model.called[0]),
)
def test_the_op_is_read_as_the_polynomials_that_it_computes(model: Tuned) -> None:
    graph = read(model, X[:1])

    (op,) = (node.op for node in graph if isinstance(node.op, Approximated))
    assert op.function == Function(model.called[0], (0.2,) * (model.called[0] == "leaky_relu"))
    # Sums of a few products in float32.
    assert gap(graph, model) <= 1e-5


def test_stages_keep_their_intervals_and_one_polynomial_has_no_form() -> None:
    (_, composite) = read(Tuned(), X[:1])
    model = Tuned(((1.0, 2.0),), (0.5, 2.0, 0.0, 0.0), name="silu", is_odd=False)
    (_, single) = read(model, X[:1])

    assert isinstance(composite.op, Approximated)
    assert isinstance(single.op, Approximated)
    assert composite.op.intervals == ((-2.5, 2.5), (-1.5, 1.5))
    assert (composite.op.slope, composite.op.bend) == (0.5, 0.5)
    assert single.op.stages == ((2.5, 4.0),)
    assert single.op.intervals == ((-2.0, 3.0),)
    assert (single.op.constant, single.op.step) == (0.0, 1.0)


def test_a_node_is_named_after_the_function_and_knows_its_module() -> None:
    graph = read(nn.Sequential(nn.Linear(6, 6), Tuned(), nn.Linear(6, 6), Tuned()), X[:1])

    found = [(node.name, node.origin) for node in graph if isinstance(node.op, Approximated)]
    assert found == [("relu", "1"), ("relu_1", "3")]


def test_an_exported_program_gives_the_same_numbers() -> None:
    program = torch.export.export(Tuned(), (X,), dynamic_shapes=({0: torch.export.Dim("batch")},))

    torch.testing.assert_close(program.module()(X[:3]), Tuned()(X[:3]))


def test_narrow_types_are_widened_in_between() -> None:
    rounded = X.to(torch.bfloat16)

    found = Tuned()(rounded)

    # The result is rounded once, to 8 bits of at most 3.
    assert found.dtype == torch.bfloat16
    assert float((found.float() - Tuned()(rounded.float())).detach().abs().max()) <= 3 * 2.0**-8


def test_a_file_loads_where_only_tacit_is_imported(tmp_path: Path) -> None:
    program = torch.export.export(Tuned(), (X,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.export.save(program, tmp_path / "tuned.pt2")
    script = (
        "import sys, tacit\n"
        "graph = tacit.read(sys.argv[1])\n"
        "print(type(graph['relu'].op).__name__, 'tacit.tune' in sys.modules)"
    )

    printed = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "tuned.pt2")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert printed.split() == ["Approximated", "False"]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Tuned(scale=0.0), "relu cannot be read: its scale was never frozen|never frozen"),
        (Tuned(scale=math.nan), "never frozen"),
        (Tuned(name="nothing"), "no function is called 'nothing'"),
        (Tuned(((math.inf,), (1.0,))), "not finite"),
    ],
)
def test_what_is_no_approximation_is_refused(model: nn.Module, words: str) -> None:
    with pytest.raises(ReadError, match=words):
        read(model, X[:1])


def test_another_librarys_op_is_refused_by_its_full_name() -> None:
    class Other(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = torch.ops.prims.cos(x)
            return found

    with pytest.raises(ReadError, match="prims::cos cannot be read"):
        read(Other(), X[:1])
