"""Values as JSON and arrays: dataclasses by their annotations, ops by their names.

One codec per kind of annotation holds both directions, so that what is written can be read. An
array is named by the hash of its contents, so a hash of the JSON is a hash of everything.
Reading takes nothing on trust: anything unexpected is a ProtocolError.
"""

from __future__ import annotations

import enum
import hashlib
import json
import math
import operator
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tacit.errors import ProtocolError, TypeMismatch
from tacit.ir.graph import Graph, Op, retype
from tacit.program import Json

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Codec:
    """How values of one kind are written, adding their arrays, and read again."""

    write: Callable[[Any, Arrays], Json]
    read: Callable[[Json, Arrays], Any]


def graph_codec(words: Iterable[type[Op]]) -> Codec:
    """The codec of graphs whose ops are among `words`."""
    plain = _record(Graph, tuple(words))
    return Codec(plain.write, lambda tree, arrays: _sound(plain.read(tree, arrays)))


def record_codec(kind: type) -> Codec:
    """The codec of a dataclass that holds no op, such as an arithmetic's knobs."""
    return _record(kind, ())


def canonical(tree: Json) -> bytes:
    """The one way to write a tree, so that equal trees have equal hashes."""
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def parse(data: bytes) -> Json:
    """The tree in some JSON; raises ProtocolError where it is none, or names a field twice."""
    try:
        tree: Json = json.loads(data, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as wrong:
        raise ProtocolError(f"this is no JSON: {wrong}") from wrong
    return tree


def array_name(array: NDArray[Any]) -> str:
    """The hash of an array's type, shape and contents."""
    head = f"{array.dtype.str} {array.shape} ".encode()
    return hashlib.sha256(head + array.tobytes()).hexdigest()


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ProtocolError("a field is there twice")
    return found


def _no_constant(name: str) -> Json:
    raise ProtocolError(f"{name} is no JSON")


def _sound(graph: Graph) -> Graph:
    """The graph, if its ops agree with the shapes of their arguments."""
    known = {node.name: node.type for node in graph}
    for node in graph:
        try:
            shape = retype(node, known).type.shape
        except (TypeMismatch, ArithmeticError, LookupError, TypeError, ValueError) as wrong:
            raise ProtocolError(f"{node.name} cannot be computed: {wrong}") from wrong
        if shape != node.type.shape:
            raise ProtocolError(f"{node.name} has shape {shape}, not {node.type.shape}")
    return graph


def _codec(kind: Any, words: tuple[type[Op], ...]) -> Codec:
    """The codec of an annotation."""
    if get_origin(kind) in (types.UnionType, Union):
        return _optional(kind, words) if type(None) in get_args(kind) else _choice(kind, words)
    if get_origin(kind) is tuple:
        return _tuple(kind, words)
    if get_origin(kind) is np.ndarray:
        return _array(np.dtype(get_args(get_args(kind)[1])[0]))
    if kind is Op:
        return _op(words)
    if kind is sparse.csr_array:
        return _matrix()
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _enum(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        return _record(kind, words)
    return _PLAIN[kind]


def _refused(what: str, tree: Json) -> ProtocolError:
    text = repr(tree)
    return ProtocolError(f"{text if len(text) < 40 else text[:40] + '…'} is no {what}")


def _plain(kind: type, what: str) -> Codec:
    """A codec of a type that JSON has too."""

    def read(tree: Json, _: Arrays) -> object:
        if type(tree) is not kind:
            raise _refused(what, tree)
        return tree

    return Codec(lambda value, _: kind(value), read)


def _integer() -> Codec:
    plain = _plain(int, "whole number")
    return Codec(lambda value, _: operator.index(value), plain.read)


_INFINITIES: Mapping[str, float] = {"inf": math.inf, "-inf": -math.inf}


def _real() -> Codec:
    """Real numbers: as many digits as give the same double again; JSON has no infinity."""

    def write(value: float, _: Arrays) -> Json:
        return float(value) if math.isfinite(value) else str(float(value))

    def read(tree: Json, _: Arrays) -> float:
        if type(tree) is str and tree in _INFINITIES:
            return _INFINITIES[tree]
        if type(tree) is not float or not math.isfinite(tree):
            raise _refused("real number", tree)
        return tree

    return Codec(write, read)


_PLAIN: Mapping[type, Codec] = {
    bool: _plain(bool, "truth value"),
    int: _integer(),
    float: _real(),
    str: _plain(str, "text"),
}


def _enum(kind: type[enum.Enum]) -> Codec:
    members = {member.name: member for member in kind}

    def read(tree: Json, _: Arrays) -> enum.Enum:
        if type(tree) is not str or tree not in members:
            raise _refused(f"{kind.__name__} ({', '.join(members)})", tree)
        return members[tree]

    return Codec(lambda value, _: value.name, read)


def _optional(kind: Any, words: tuple[type[Op], ...]) -> Codec:
    (present,) = (each for each in get_args(kind) if each is not type(None))
    inner = _codec(present, words)
    return Codec(
        lambda value, arrays: None if value is None else inner.write(value, arrays),
        lambda tree, arrays: None if tree is None else inner.read(tree, arrays),
    )


def _choice(kind: Any, words: tuple[type[Op], ...]) -> Codec:
    """One of several dataclasses: its name and its fields."""
    codecs = {each.__name__: _record(each, words) for each in get_args(kind)}

    def write(value: object, arrays: Arrays) -> Json:
        name = type(value).__name__
        return [name, codecs[name].write(value, arrays)]

    def read(tree: Json, arrays: Arrays) -> object:
        match tree:
            case [str(name), content] if name in codecs:
                found: object = codecs[name].read(content, arrays)
                return found
            case _:
                raise _refused(" or ".join(codecs), tree)

    return Codec(write, read)


def _tuple(kind: Any, words: tuple[type[Op], ...]) -> Codec:
    """Tuples of any length with entries of one kind, or of one length with a kind for each."""
    kinds = get_args(kind)
    open_ended = kinds[-1] is Ellipsis
    inner = [_codec(each, words) for each in kinds if each is not Ellipsis]

    def codecs(count: int) -> list[Codec]:
        return inner * count if open_ended else inner

    def write(value: tuple[Any, ...], arrays: Arrays) -> Json:
        each = zip(codecs(len(value)), value, strict=True)
        return [codec.write(entry, arrays) for codec, entry in each]

    def read(tree: Json, arrays: Arrays) -> tuple[Any, ...]:
        if type(tree) is not list or not (open_ended or len(tree) == len(inner)):
            raise _refused("list" if open_ended else f"list of {len(inner)}", tree)
        each = zip(codecs(len(tree)), tree, strict=True)
        return tuple(codec.read(entry, arrays) for codec, entry in each)

    return Codec(write, read)


def _array(dtype: np.dtype[Any]) -> Codec:
    """Arrays of one type, kept under their hash beside the tree."""

    def write(value: NDArray[Any], arrays: Arrays) -> Json:
        array = np.ascontiguousarray(value, dtype=dtype).reshape(np.shape(value))
        name = array_name(array)
        arrays[name] = array
        return name

    def read(tree: Json, arrays: Arrays) -> NDArray[Any]:
        if type(tree) is not str or tree not in arrays:
            raise _refused("array of this bundle", tree)
        array = arrays[tree]
        if array.dtype != dtype:
            raise ProtocolError(f"an array holds {array.dtype}; {dtype} is expected")
        return array

    return Codec(write, read)


def _matrix() -> Codec:
    """Sparse matrices by rows."""
    real, whole = _array(np.dtype(np.float64)), _array(np.dtype(np.int64))
    of = _tuple(tuple[int, int], ())

    def write(value: Any, arrays: Arrays) -> Json:
        return {
            "shape": of.write(value.shape, arrays),
            "data": real.write(value.data, arrays),
            "indices": whole.write(value.indices, arrays),
            "indptr": whole.write(value.indptr, arrays),
        }

    def read(tree: Json, arrays: Arrays) -> object:
        given = _fields(tree, ("shape", "data", "indices", "indptr"), "matrix")
        parts = (
            real.read(given["data"], arrays),
            whole.read(given["indices"], arrays),
            whole.read(given["indptr"], arrays),
        )
        try:
            matrix = sparse.csr_array(parts, shape=of.read(given["shape"], arrays))
            matrix.check_format(full_check=True)
        except (ValueError, TypeError, OverflowError, MemoryError) as wrong:
            raise ProtocolError(f"a matrix is damaged: {wrong}") from wrong
        return matrix

    return Codec(write, read)


def _op(words: tuple[type[Op], ...]) -> Codec:
    """Ops: their class's name and their fields."""
    codecs = {word.__name__: _record(word, words) for word in words}

    def write(value: Op, arrays: Arrays) -> Json:
        name = type(value).__name__
        assert name in codecs, f"{name} is not among the words that are stored"
        return [name, codecs[name].write(value, arrays)]

    def read(tree: Json, arrays: Arrays) -> Op:
        match tree:
            case [str(name), content] if name in codecs:
                op: Op = codecs[name].read(content, arrays)
                return op
            case _:
                raise _refused("op that is known here", tree)

    return Codec(write, read)


def _record(kind: type, words: tuple[type[Op], ...]) -> Codec:
    """Dataclasses: every field by its annotation, none missing and none besides."""
    hints = get_type_hints(kind)
    assert is_dataclass(kind), f"{kind} is no dataclass"
    codecs = {each.name: _codec(hints[each.name], words) for each in fields(kind)}

    def write(value: object, arrays: Arrays) -> Json:
        return {name: codec.write(getattr(value, name), arrays) for name, codec in codecs.items()}

    def read(tree: Json, arrays: Arrays) -> object:
        given = _fields(tree, tuple(codecs), kind.__name__)
        values = {name: codec.read(given[name], arrays) for name, codec in codecs.items()}
        try:
            return kind(**values)
        except (TypeMismatch, ArithmeticError, TypeError, ValueError) as wrong:
            raise ProtocolError(f"a {kind.__name__} is damaged: {wrong}") from wrong

    return Codec(write, read)


def _fields(tree: Json, names: tuple[str, ...], what: str) -> dict[str, Json]:
    """The tree, if it has exactly these fields."""
    if type(tree) is not dict:
        raise _refused(what, tree)
    differing = sorted(set(tree) ^ set(names))
    if differing:
        state = "lacks" if differing[0] in names else "has an unknown"
        raise ProtocolError(f"a {what} {state} field {differing[0]!r}")
    return tree
