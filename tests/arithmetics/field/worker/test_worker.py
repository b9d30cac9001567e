from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.arithmetics.field.ops import Convolution, Dense, Encode
from tacit.arithmetics.field.promises import Mode
from tacit.arithmetics.field.worker import Worker, worker_graph
from tacit.arithmetics.field.worker.host_products import HostProducts
from tacit.arithmetics.field.worker.messages import (
    INTEGERS,
    MASKED,
    NUMBERS,
    answers_in,
    asked,
    product_shape,
    written,
)
from tacit.errors import ProtocolError
from tacit.ir.graph import Graph, Input
from tests.arithmetics.field.worker.scene import (
    encoded,
    expected,
    last,
    line,
    numbers,
    product_at,
    residual,
    slalom,
    truth,
)

GRAPH = residual()
ONE_ROW = 12 * 12 * 3


def open_worker(graph: Graph = GRAPH, rows: int = 8) -> Worker:
    half = worker_graph(graph, Mode.INTEGRITY)
    return Worker(half, Mode.INTEGRITY, rows=rows, products=HostProducts())


def blind_worker(rows: int = 8) -> Worker:
    half = worker_graph(GRAPH, Mode.PRIVATE)
    return Worker(half, Mode.PRIVATE, rows=rows, products=HostProducts())


OPEN, BLIND = open_worker(), blind_worker()


def shapes(graph: Graph) -> list[tuple[int, ...]]:
    half = worker_graph(graph, Mode.INTEGRITY)
    return [product_shape(product_at(half, name), half[name].type.shape) for name in half.outputs]


@pytest.mark.parametrize("rows", [1, 3])
def test_an_open_message_is_answered_by_every_product(rows: int) -> None:
    x = encoded(GRAPH, 3, rows)
    message = np.moveaxis(x, 1, -1).astype(np.uint8).tobytes()

    answer = OPEN.answer([message])

    found = answers_in(answer, INTEGERS, shapes(GRAPH), rows)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected(GRAPH, x), strict=True))


def test_a_tag_behind_the_input_is_the_clients_own() -> None:
    message = bytes(ONE_ROW)

    assert OPEN.answer([message, b"tag"]) == OPEN.answer([message])


def test_wider_integers_travel_in_four_bytes_each() -> None:
    graph = slalom()
    x = encoded(graph, 4, 2)

    answer = open_worker(graph).answer([written(np.moveaxis(x, 1, -1).astype(int), INTEGERS)])

    found = answers_in(answer, INTEGERS, shapes(graph), 2)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected(graph, x), strict=True))


def test_a_private_message_is_answered_by_the_products_asked_for() -> None:
    names = worker_graph(GRAPH, Mode.PRIVATE).outputs
    chosen = [names.index("short"), names.index("wide")]
    x = numbers(1, (2, 8, 7, 7), 0, 2**32 - 1)
    products = [product_at(GRAPH, name) for name in ("short", "wide")]

    answer = BLIND.answer(asked(chosen, last(products[0], x).astype(np.uint32)))

    found = answers_in(answer, MASKED, [(7, 7, 8)] * 2, 2)
    wanted = [last(each, truth(each, x) % 2**32) for each in products]
    assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))


def test_a_private_half_holds_products_and_inputs_alone() -> None:
    half = worker_graph(GRAPH, Mode.PRIVATE)

    assert {type(node.op) for node in half} == {Input, Dense, Convolution}
    assert half.outputs == worker_graph(GRAPH, Mode.INTEGRITY).outputs


def test_an_open_half_ends_with_the_last_product() -> None:
    half = worker_graph(GRAPH, Mode.INTEGRITY)

    assert [type(node.op) for node in half][:2] == [Input, Encode]
    assert "out" not in half.by_name
    assert half.nodes[-1].name == "head"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ([], "0 parts"),
        ([b"", b"", b""], "3 parts"),
        ([b""], "0 bytes"),
        ([bytes(ONE_ROW - 1)], "431 bytes"),
        ([bytes(ONE_ROW + 1)], "433 bytes"),
        ([bytes(9 * ONE_ROW)], "9 rows"),
    ],
)
def test_a_malformed_open_message_is_refused(message: Sequence[bytes], reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason) as wrong:
        OPEN.answer(message)

    assert wrong.value.hint


def test_integers_outside_of_the_encoding_are_refused() -> None:
    message = np.full(3 * 6 * 6, 2**15 + 1, "<i4").tobytes()

    with pytest.raises(ProtocolError, match="outside of -32768 to 32768"):
        open_worker(slalom()).answer([message])


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ([bytes(4 * ONE_ROW)], "1 parts"),
        ([b"", bytes(4 * ONE_ROW)], "0 bytes long"),
        ([b"\0", bytes(4 * ONE_ROW)], "1 bytes long"),
        ([b"\0\0\0\0", bytes(4 * ONE_ROW)], "0, 0 are asked for"),
        ([b"\7\0", bytes(4 * ONE_ROW)], "7 are asked for"),
        ([b"\xff\xff", bytes(4 * ONE_ROW)], "65535 are asked for"),
        ([b"\0\0", b""], "0 bytes was sent"),
        ([b"\0\0", bytes(4 * ONE_ROW - 4)], "1724 bytes"),
        ([b"\0\0", bytes(36 * ONE_ROW)], "9 rows"),
        ([b"\0\0\1\0", bytes(4 * ONE_ROW)], "several shapes"),
    ],
)
def test_a_malformed_private_message_is_refused(message: Sequence[bytes], reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason) as wrong:
        BLIND.answer(message)

    assert wrong.value.hint


# The smallest value that a product of this network takes has 24 bytes.
@given(st.lists(st.binary(max_size=23), max_size=3))
def test_no_message_breaks_a_worker(message: list[bytes]) -> None:
    with pytest.raises(ProtocolError):
        BLIND.answer(message)


def test_an_answer_of_another_length_is_refused() -> None:
    answer = open_worker(line()).answer([bytes(40)])

    with pytest.raises(ProtocolError, match="bytes where"):
        answers_in(answer, INTEGERS, shapes(line()), 2)
    with pytest.raises(ProtocolError, match="2 products; 3"):
        answers_in(answer[:2], INTEGERS, shapes(line()), 1)


def test_numbers_are_little_endian() -> None:
    numbers_part, x = asked([1, 258], np.array([[1, 2**31]], np.uint32))

    assert numbers_part == b"\1\0\2\1"
    assert x == b"\1\0\0\0\0\0\0\x80"
    assert NUMBERS.itemsize == 2


def test_progress_counts_the_products_asked_for() -> None:
    seen: list[tuple[int, int]] = []

    BLIND.answer([b"\0\0", bytes(4 * ONE_ROW)], progress=lambda *each: seen.append(each))

    assert seen == [(1, 1)]
