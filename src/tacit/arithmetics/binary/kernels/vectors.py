"""Words of vector code, as LLVM's intermediate language: what the kernels are emitted from.

Addresses are int64. Machines on which numba runs keep the low byte of a number first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from numba import extending
from numba.core import cgutils, codegen

# What numba and llvmlite say of their types is too little to go by.
Builder: TypeAlias = Any
Value: TypeAlias = Any
tools: Any = cgutils
ir = tools.ir

BYTE, SHORT, WORD, FULL = (ir.IntType(bits) for bits in (8, 16, 32, 64))


def emitted(function: Callable[..., Any]) -> Any:
    """A function for compiled code, from one that gives its signature and emits its code."""
    return extending.intrinsic(function)


def host_features() -> Mapping[str, bool]:
    """What LLVM says that this host's processor has."""
    library: Any = codegen
    try:
        return dict(library.ll.get_host_cpu_features())
    except RuntimeError:
        # Not told of every kind of host.
        return {}


def unpacked(builder: Builder, value: Value) -> list[Value]:
    """What a tuple holds."""
    return list(tools.unpack_tuple(builder, value))


def vector(kind: Value, count: int) -> Value:
    """The type of so many entries side by side."""
    return ir.VectorType(kind, count)


def number(value: int) -> Value:
    """A whole number as a constant."""
    return ir.Constant(FULL, value)


def splat(kind: Value, value: int) -> Value:
    """A vector of one constant."""
    return ir.Constant(kind, [value] * kind.count)


def shuffled(builder: Builder, value: Value, order: Sequence[int]) -> Value:
    """The entries of a vector at these places."""
    places = ir.Constant(vector(WORD, len(order)), list(order))
    return builder.shuffle_vector(value, value, places)


def spread(builder: Builder, kind: Value, value: Value) -> Value:
    """A vector of one value."""
    empty = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(empty, value, ir.Constant(WORD, 0))
    return shuffled(builder, first, [0] * kind.count)


def address(context: Any, builder: Builder, array: tuple[Any, Value], entry: Value) -> Value:
    """Where an entry of a contiguous array is; `array` is numba's type and the value."""
    kind, value = array
    data = context.make_array(kind)(context, builder, value).data
    return step(builder, builder.ptrtoint(data, FULL), entry, kind.dtype.bitwidth // 8)


def step(builder: Builder, base: Value, count: Value, size: int) -> Value:
    """The address `count` times `size` bytes further on."""
    return builder.add(base, builder.mul(count, number(size)))


def load(builder: Builder, kind: Value, base: Value, offset: int = 0) -> Value:
    """A number or a vector from memory, `offset` bytes after an address."""
    place = builder.inttoptr(builder.add(base, number(offset)), ir.PointerType())
    return builder.load(place, align=_alignment(kind), typ=kind)


def store(builder: Builder, value: Value, base: Value, offset: int = 0) -> None:
    """A number or a vector to memory, `offset` bytes after an address."""
    place = builder.inttoptr(builder.add(base, number(offset)), ir.PointerType())
    builder.store(value, place, align=_alignment(value.type))


def called(builder: Builder, name: str, result: Value, given: Sequence[Value]) -> Value:
    """What one of LLVM's own functions makes of values; llvmlite declares few of vectors itself."""
    kind = ir.FunctionType(result, [each.type for each in given])
    return builder.call(tools.get_or_insert_function(builder.module, kind, name), given)


def popcount(builder: Builder, value: Value) -> Value:
    """How many bits of every entry are 1."""
    kind = value.type
    return called(builder, f"llvm.ctpop.v{kind.count}i{kind.element.width}", kind, [value])


def repeat(
    builder: Builder,
    count: Value,
    carried: Sequence[Value],
    body: Callable[[Value, list[Value]], list[Value]],
) -> list[Value]:
    """What `carried` is after `count` turns of `body(turn, carried)`."""
    entry = builder.block
    head, inside, end = (builder.append_basic_block(name) for name in ("head", "inside", "end"))
    builder.branch(head)
    builder.position_at_end(head)
    turn = builder.phi(FULL)
    turn.add_incoming(number(0), entry)
    state = [builder.phi(value.type) for value in carried]
    for phi, value in zip(state, carried, strict=True):
        phi.add_incoming(value, entry)
    builder.cbranch(builder.icmp_signed("<", turn, count), inside, end)
    builder.position_at_end(inside)
    changed = body(turn, list(state))
    turn.add_incoming(builder.add(turn, number(1)), builder.block)
    for phi, value in zip(state, changed, strict=True):
        phi.add_incoming(value, builder.block)
    builder.branch(head)
    builder.position_at_end(end)
    return state


def _alignment(kind: Value) -> int:
    entry = kind.element if isinstance(kind, ir.VectorType) else kind
    widths = {ir.FloatType(): 4, ir.DoubleType(): 8}
    return widths[entry] if entry in widths else int(entry.width) // 8
