from dataclasses import replace

import numpy as np

from tacit.ir.functions import Function
from tacit.ir.graph import Graph, Place, Range
from tacit.ir.ops import (
    Approximated,
    Constant,
    Conv,
    FakeQuantise,
    Linear,
    Map,
    Mul,
    Pool,
    PoolKind,
    Reshape,
    Softmax,
)
from tacit.ir.rewrite import Builder
from tacit.ir.text import parameter_count, shape_text, text

GOLDEN = """\
x = Input() : 1×4×4 secret
conv = Conv[weight=2×1×3×3, bias=[0.0, 0.0], stride=(1, 1), padding=((1, 1), (1, 1)), \
dilation=(1, 1), groups=1](x) : 2×4×4 secret  # body.conv
act = Map[function=leaky_relu(slope=0.1)](conv) : 2×4×4 in [-0.3, 2] secret  # body.act
pool = Pool[kind=average, kernel=(2, 2), stride=(2, 2), padding=((0, 0), (0, 0)), \
dilation=(1, 1), ceil=False, count_padding=True](act) : 2×2×2 secret
flat = Reshape[to=(8)](pool) : 8 secret
half = Constant[value=[0.5]]() : number
scaled = Mul(flat, half) : 8 secret
fc = Linear[weight=3×8, bias=[0.0, 0.0, 0.0]](scaled) : 3 secret  # head
softmax = Softmax[axis=0, logarithm=False](fc) : 3 secret at client
→ softmax"""


def network() -> Graph:
    build = Builder()
    x = build.input("x", (1, 4, 4))
    sides = ((1, 1), (1, 1))
    conv = Conv(np.ones((2, 1, 3, 3)), np.zeros(2), (1, 1), sides, (1, 1))
    y = build.put("conv", conv, x, origin="body.conv")
    y = build.put("act", Map(Function("leaky_relu", (0.1,))), y, origin="body.act")
    pool = Pool(PoolKind.AVERAGE, (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1))
    y = build.put("flat", Reshape((8,)), build.put("pool", pool, y))
    half = build.put("half", Constant(np.array(0.5)))
    y = build.put("scaled", Mul(), y, half)
    y = build.put("fc", Linear(np.ones((3, 8)), np.zeros(3)), y, origin="head")
    graph = build.graph(build.put("softmax", Softmax(0), y))
    marked = {
        "act": replace(graph["act"], type=replace(graph["act"].type, range=Range(-0.3, 2.0))),
        "softmax": replace(graph["softmax"], place=Place.CLIENT),
    }
    return Graph(tuple(marked.get(node.name, node) for node in graph), graph.outputs)


def test_a_graph_is_written_a_node_a_line() -> None:
    assert text(network()) == GOLDEN


def test_the_same_graph_gives_the_same_text() -> None:
    assert text(network()) == text(network())


def test_all_numbers_that_a_graph_holds_are_counted() -> None:
    assert parameter_count(network()) == (18 + 2) + 1 + (24 + 3)


def test_a_shape_is_written_by_hand() -> None:
    assert shape_text((3, 32, 32)) == "3×32×32"
    assert shape_text(()) == "number"


def test_a_grid_is_written_with_its_ends() -> None:
    build = Builder()
    grid = FakeQuantise(np.array([0.5]), np.array([3.0]), 0, 7)
    graph = build.graph(build.put("grid", grid, build.input("x", (3,))))

    assert text(graph).splitlines()[1] == (
        "grid = FakeQuantise[scale=[0.5], zero_point=[3.0], low=0, high=7](x) : 3 secret"
    )


def test_of_many_coefficients_only_their_number_is_written() -> None:
    build = Builder()
    stages = ((0.0, 1.5, 0.0, -0.5), (0.0,) * 7 + (1.0,))
    intervals = ((-4.0, 4.0), (-1.25, 1.25))
    op = Approximated(Function("relu"), stages, intervals, slope=0.5, bend=0.5)
    graph = build.graph(build.put("relu", op, build.input("x", (3,))))

    assert text(graph).splitlines()[1] == (
        "relu = Approximated[function=relu, stages=((0, 1.5, 0, -0.5), 8 numbers), "
        "intervals=((-4, 4), (-1.25, 1.25)), constant=0, step=0, slope=0.5, bend=0.5](x) "
        ": 3 secret"
    )
