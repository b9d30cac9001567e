"""Words of vector code: what the rows' kernels are built of, as LLVM's intermediate language.

Numba's own vectoriser keeps no sums of wrapped 64-bit products in registers. Nothing here names an
instruction set: LLVM makes of it what the machine has. Machines on which numba runs keep the low
half of a number first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from numba import extending
from numba.core import cgutils

# What numba and llvmlite say of their types is too little to go by.
Builder: TypeAlias = Any
Value: TypeAlias = Any
tools: Any = cgutils
ir = tools.ir

BYTE, WORD, HALF, FULL = (ir.IntType(bits) for bits in (8, 16, 32, 64))
BYTES_OF = {BYTE: 1, WORD: 2, HALF: 4, FULL: 8}
QUADS = ir.VectorType(FULL, 4)
HALVES = ir.VectorType(HALF, 8)
# Memory answers after some 100 ns: two lines of 64 bytes are asked for that long before their turn.
AHEAD = 4096


def emitted(function: Callable[..., Any]) -> Any:
    """A function for compiled code, from one that gives its signature and emits its code."""
    return extending.intrinsic(function)


def unpacked(builder: Builder, value: Value) -> list[Value]:
    """What a tuple holds."""
    return list(tools.unpack_tuple(builder, value))


def number(value: int) -> Value:
    """A whole number as a constant."""
    return ir.Constant(FULL, value)


def splat(kind: Value, value: int) -> Value:
    """A vector of one constant."""
    return ir.Constant(kind, [value] * kind.count)


def spread(builder: Builder, kind: Value, value: Value) -> Value:
    """A vector of one value, cut to the entries' width."""
    narrow = value if value.type == kind.element else builder.trunc(value, kind.element)
    empty = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(empty, narrow, ir.Constant(HALF, 0))
    return builder.shuffle_vector(first, empty, splat(ir.VectorType(HALF, kind.count), 0))


def address(context: Any, builder: Builder, array: tuple[Any, Value], entry: Value) -> Value:
    """Where an entry of a contiguous array is; `array` is numba's type and the value."""
    kind, value = array
    data = context.make_array(kind)(context, builder, value).data
    width = kind.dtype.bitwidth // 8
    return builder.add(builder.ptrtoint(data, FULL), builder.mul(entry, number(width)))


def step(builder: Builder, base: Value, count: Value, size: int) -> Value:
    """The address `count` times `size` bytes further on."""
    return builder.add(base, builder.mul(count, number(size)))


def load(builder: Builder, kind: Value, base: Value, offset: int = 0) -> Value:
    """A vector from memory, `offset` bytes after an address."""
    place = builder.inttoptr(builder.add(base, number(offset)), ir.PointerType())
    return builder.load(place, align=BYTES_OF[kind.element], typ=kind)


def load_number(builder: Builder, base: Value, offset: int) -> Value:
    """An int64 from memory, `offset` bytes after an address."""
    place = builder.inttoptr(builder.add(base, number(offset)), ir.PointerType())
    return builder.load(place, align=BYTES_OF[FULL], typ=FULL)


def store(builder: Builder, value: Value, base: Value, offset: int = 0) -> None:
    """A vector to memory, `offset` bytes after an address."""
    place = builder.inttoptr(builder.add(base, number(offset)), ir.PointerType())
    builder.store(value, place, align=BYTES_OF[value.type.element])


def prefetch(builder: Builder, base: Value, offset: int) -> None:
    """Ask for a line of memory; one that does not exist does no harm."""
    flags = [HALF] * 3
    kind = ir.FunctionType(ir.VoidType(), [ir.PointerType(), *flags])
    ask = builder.module.declare_intrinsic("llvm.prefetch", [ir.PointerType()], kind)
    place = builder.inttoptr(builder.add(base, number(offset)), ir.PointerType())
    # To be read, to be kept close, data.
    builder.call(ask, [place, *(ir.Constant(HALF, flag) for flag in (0, 3, 1))])


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


def halves(builder: Builder, value: Value) -> tuple[Value, Value]:
    """The even and the odd of eight int32 as int64.

    Their product with another such pair is one multiplication of 32 bits where a machine has it.
    """
    wide = builder.bitcast(value, QUADS)
    return lower(builder, wide), builder.ashr(wide, splat(QUADS, 32))


def lower(builder: Builder, value: Value) -> Value:
    """The lower halves of int64: the same numbers, where they are of 32 bits, said to be so."""
    half = splat(QUADS, 32)
    return builder.ashr(builder.shl(value, half), half)


def upper(builder: Builder, even: Value, odd: Value) -> Value:
    """The upper halves of two vectors of four int64, interleaved: eight int32."""
    order = ir.Constant(ir.VectorType(HALF, 8), [1, 9, 3, 11, 5, 13, 7, 15])
    return builder.shuffle_vector(
        builder.bitcast(even, HALVES), builder.bitcast(odd, HALVES), order
    )


def pairs(builder: Builder, value: Value) -> Value:
    """The sums of neighbours."""
    count = value.type.count
    numbers = ir.VectorType(HALF, count // 2)
    even = builder.shuffle_vector(value, value, ir.Constant(numbers, list(range(0, count, 2))))
    odd = builder.shuffle_vector(value, value, ir.Constant(numbers, list(range(1, count, 2))))
    return builder.add(even, odd)


def joined(builder: Builder, parts: Sequence[Value]) -> Value:
    """Vectors one behind the other; their number is a power of two."""
    if len(parts) == 1:
        return parts[0]
    count = 2 * parts[0].type.count
    order = ir.Constant(ir.VectorType(HALF, count), list(range(count)))
    doubled = [
        builder.shuffle_vector(first, second, order)
        for first, second in zip(parts[::2], parts[1::2], strict=True)
    ]
    return joined(builder, doubled)


def clipped(builder: Builder, value: Value, low: Value, high: Value, *, signed: bool) -> Value:
    """Every entry moved between two vectors' entries."""
    compare = builder.icmp_signed if signed else builder.icmp_unsigned
    raised = builder.select(compare(">", value, low), value, low)
    return builder.select(compare("<", raised, high), raised, high)


def as_bytes(builder: Builder, value: Value, low: Value, high: Value) -> Value:
    """Integers clipped into low..high, which lie in 0..255, as bytes."""
    kind = value.type
    # Constants first: machines have an instruction for just that.
    byte = clipped(builder, value, splat(kind, 0), splat(kind, 255), signed=True)
    small = ir.VectorType(BYTE, kind.count)
    bounds = (spread(builder, small, bound) for bound in (low, high))
    return clipped(builder, builder.trunc(byte, small), *bounds, signed=False)


def eight(builder: Builder, base: Value, size: int, part: int) -> Value:
    """Eight entries of this many bytes as int32."""
    if size == 4:
        return load(builder, HALVES, base, 4 * part)
    return builder.zext(load(builder, ir.VectorType(BYTE, 8), base, part), HALVES)
