import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Bounds, Graph, Input, Node, Place, Range, Type, evaluate, retype
from tacit.ir.ops import Add, Constant, Linear, Map
from tacit.ir.rewrite import Builder


def node(name: str, *args: str, shape: tuple[int, ...] = (2,)) -> Node:
    op = Map(Function("relu")) if args else Input(shape)
    return Node(name, op, args, Type(shape))


def two_inputs() -> Graph:
    """relu(x) + y."""
    build = Builder()
    x, y = build.input("x", (3,)), build.input("y", (3,), secret=False)
    positive = build.put("positive", Map(Function("relu")), x, origin="body.act")
    return build.graph(build.put("sum", Add(), positive, y))


def test_a_name_used_before_it_is_there_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="b uses a, which is not computed before it"):
        Graph((node("b", "a"), node("a")), ("b",))


def test_a_name_used_twice_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="two nodes are called a"):
        Graph((node("a"), node("a")), ("a",))


def test_a_result_that_is_not_there_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="no result b"):
        Graph((node("a"),), ("b",))


def test_a_graph_without_results_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="no result at all"):
        Graph((node("a"),), ())


def test_nodes_are_found_by_name_and_in_order() -> None:
    graph = two_inputs()

    assert [each.name for each in graph] == ["x", "y", "positive", "sum"]
    assert len(graph) == 4
    assert graph["positive"] is graph.by_name["positive"]
    assert [each.name for each in graph.inputs] == ["x", "y"]
    with pytest.raises(KeyError):
        graph["nowhere"]


def test_users_are_named_once_each() -> None:
    graph = Graph((node("a"), Node("b", Add(), ("a", "a"), Type((2,)))), ("b",))

    assert graph.users == {"a": ("b",), "b": ()}


@given(st.integers(1, 4))
def test_a_call_gives_the_first_result_on_a_batch(batch: int) -> None:
    x, y = np.full((batch, 3), -1.0), np.full((batch, 3), 2.0)

    assert np.array_equal(two_inputs()(x, y), y)


def test_a_call_wants_all_inputs() -> None:
    with pytest.raises(TypeMismatch, match="takes 2 inputs, not 1"):
        two_inputs()(np.zeros((1, 3)))


def test_every_result_is_given_by_its_name() -> None:
    graph = Graph(two_inputs().nodes, ("sum", "positive", "x"))
    x = np.array([[-1.0, 0.0, 1.0]])

    found = evaluate(graph, {"x": x, "y": 2 * x})

    assert list(found) == ["sum", "positive", "x"]
    assert np.array_equal(found["positive"], [[0.0, 0.0, 1.0]])


def test_inputs_may_be_of_any_number_type() -> None:
    found = two_inputs()(np.ones((1, 3), dtype=np.uint8), np.ones((1, 3), dtype=np.float32))

    assert found.dtype == np.float64


@pytest.mark.parametrize("shape", [(3,), (2, 4), (2, 3, 1), (2, 1, 3)])
def test_a_value_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(TypeMismatch, match=r"not \(batch, 3\)"):
        two_inputs()(np.zeros(shape), np.zeros((2, 3)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(TypeMismatch, match="x holds NaN or infinity"):
        two_inputs()(np.array([[0.0, bad, 0.0]]), np.zeros((1, 3)))


def test_a_missing_input_is_named() -> None:
    with pytest.raises(TypeMismatch, match="input y was not given"):
        evaluate(two_inputs(), {"x": np.zeros((1, 3))})


def test_a_watch_sees_every_value_and_may_replace_it() -> None:
    seen = []

    def watch(each: Node, value: FloatArray) -> FloatArray | None:
        seen.append(each.name)
        return value + 10.0 if each.name == "positive" else None

    zeros = np.zeros((1, 3))
    found = evaluate(two_inputs(), {"x": zeros, "y": zeros}, watch=watch)

    assert seen == ["x", "y", "positive", "sum"]
    assert np.array_equal(found["sum"], zeros + 10.0)


def test_what_depends_on_a_secret_is_secret() -> None:
    graph = two_inputs()

    assert [each.type.secret for each in graph] == [True, False, True, True]


def test_a_constant_is_no_secret() -> None:
    build = Builder()
    name = build.put("c", Constant(np.ones(3)))

    assert not build.type(name).secret


def test_a_type_that_does_not_fit_names_the_node_and_its_origin() -> None:
    wrong = Node("fc", Linear(np.ones((2, 5)), np.zeros(2)), ("x",), Type(()), origin="body.fc")

    with pytest.raises(TypeMismatch, match=r"fc \(body\.fc\): a linear layer of 5 inputs"):
        retype(wrong, {"x": Type((3,))})


def test_a_range_that_is_known_survives_a_new_type() -> None:
    known = Node("r", Map(Function("relu")), ("x",), Type((), Range(0.0, 1.0)))

    assert retype(known, {"x": Type((3,))}).type == Type((3,), Range(0.0, 1.0))


@pytest.mark.parametrize(("low", "high"), [(1.0, 0.0), (0.0, np.inf), (np.nan, 1.0)])
def test_a_range_that_is_empty_or_infinite_is_refused(low: float, high: float) -> None:
    with pytest.raises(TypeMismatch, match="is not a finite interval"):
        Range(low, high)


@given(st.floats(-1e6, 1e6), st.floats(0.0, 1e6))
def test_the_magnitude_bounds_the_whole_range(low: float, width: float) -> None:
    known = Range(low, low + width)

    assert known.magnitude >= max(abs(known.low), abs(known.high), 0.0)


def test_a_type_counts_its_entries() -> None:
    assert Type((2, 3, 4)).size == 24
    assert Type(()).size == 1


def test_nodes_are_the_servers_unless_said_otherwise() -> None:
    assert node("a").place is Place.SERVER


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ([0.0, 2.0], [1.0, 1.0]),
        ([0.0, np.nan], [1.0, 1.0]),
        ([0.0, 0.0], [1.0, np.inf]),
        ([-np.inf, 0.0], [1.0, 1.0]),
        ([0.0], [1.0, 1.0]),
    ],
)
def test_bounds_that_are_no_finite_intervals_are_refused(
    low: list[float], high: list[float]
) -> None:
    with pytest.raises(TypeMismatch, match="no finite interval"):
        Bounds(np.array(low), np.array(high))


def test_an_entry_may_be_constant() -> None:
    found = Bounds(np.array([1.0, 2.0]), np.array([1.0, 3.0]))

    assert (found.high - found.low).tolist() == [0.0, 1.0]
