"""What a model holds and multiplies, layer by layer, told apart by bits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

from torch import Tensor, nn

from tacit.errors import TypeMismatch
from tacit.tune.binarise.layers import QuantConvolution, QuantLayer, QuantLinear
from tacit.tune.measure import predicting

# What inputs and weights that nobody quantises are multiplied in.
FLOAT_BITS = 32
ByBits = Mapping[int, int]
Layer = nn.Linear | nn.Conv1d | nn.Conv2d | QuantLinear | QuantConvolution


@dataclass(frozen=True)
class Row:
    """A module with weights, and what it does for one input of the model.

    `weights` counts numbers by how many bits one takes, statistics of norms among them. `products`
    counts products of inputs and weights by the more precise of both.
    """

    path: str
    kind: str
    weights: ByBits
    products: ByBits
    shape: tuple[int, ...] = ()

    @property
    def memory(self) -> int:
        """The bits that the weights take."""
        return _memory(self.weights)


@dataclass(frozen=True)
class Summary:
    """A model's modules with weights, in its own order, and their sums."""

    rows: tuple[Row, ...]

    @property
    def weights(self) -> ByBits:
        """How many numbers there are of so many bits."""
        return _total(row.weights for row in self.rows)

    @property
    def products(self) -> ByBits:
        """How many products of so many bits one input takes."""
        return _total(row.products for row in self.rows)

    @property
    def memory(self) -> ByBits:
        """The bits that all numbers of so many bits take."""
        return MappingProxyType({bits: bits * count for bits, count in self.weights.items()})

    @property
    def binary_weights(self) -> float:
        """The share of numbers that take one bit."""
        return _share(self.weights)

    @property
    def binary_products(self) -> float:
        """The share of products that are of one bit."""
        return _share(self.products)

    @property
    def compression(self) -> float:
        """How many times smaller the model is than in floats."""
        numbers, bits = sum(self.weights.values()), _memory(self.weights)
        return FLOAT_BITS * numbers / bits if bits else 1.0

    def __str__(self) -> str:
        """A line for every module, and what they come to."""
        bits = tuple(self.weights), tuple(self.products)
        titles = (
            *("layer", "kind", "output"),
            *(f"{each}-bit weights" for each in bits[0]),
            "bytes",
            *(f"{each}-bit products" for each in bits[1]),
        )
        whole = Row("total", "", self.weights, self.products)
        lines = [titles, *(_cells(row, bits) for row in (*self.rows, whole))]
        shares = (
            f"{self.binary_weights:.1%} of the weights and {self.binary_products:.1%} of the "
            f"products are binary; {self.compression:.1f} times smaller than in floats"
        )
        return "\n".join((*_aligned(lines), shares))


@dataclass
class _Seen:
    """What a layer was called for: products of one input so far, and the shape of its output."""

    products: int = 0
    shape: tuple[int, ...] = field(default=())


def summary(model: nn.Module, example: Tensor) -> Summary:
    """What the model holds, and what it multiplies for one row of the example.

    Linear layers and convolutions count, those with several calls as often, borders as if they were
    part of the input; products of functions and of values with each other do not. The model is
    called once, as it is at rest.
    """
    if example.ndim < 2 or not len(example):
        raise TypeMismatch(
            f"an example of shape {tuple(example.shape)} has no rows",
            hint="its first axis is the batch, of one or more",
        )
    seen: dict[str, _Seen] = {}
    with _watched(model, seen), predicting(model):
        model(example)
    named = model.named_modules()
    return Summary(tuple(_row(path, each, seen) for path, each in named if _own(each)))


def _row(path: str, module: nn.Module, seen: Mapping[str, _Seen]) -> Row:
    found = seen.get(path, _Seen())
    weights: Counter[int] = Counter()
    bits = _kernel_bits(module)
    for name, tensor in _own(module).items():
        is_quantised = bits is not None and name == "weight"
        weights[bits if is_quantised and bits else 8 * tensor.element_size()] += tensor.numel()
    products = {_precision(module): found.products} if found.products else {}
    kind = type(module).__name__
    return Row(path, kind, _frozen(weights), _frozen(products), found.shape)


def _own(module: nn.Module) -> Mapping[str, Tensor]:
    """The real numbers that a module holds itself, not by its parts."""
    held = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
    return {name: each for name, each in held if each.is_floating_point()}


def _kernel_bits(module: nn.Module) -> int | None:
    match module:
        case QuantLayer(kernel_quantiser=quantiser) if quantiser is not None:
            return quantiser.bits
        case _:
            return None


def _precision(module: nn.Module) -> int:
    """The bits that a layer's products are of: of its inputs or its weights, whichever are more."""
    match module:
        case QuantLayer(input_quantiser=quantiser) if quantiser is not None:
            return max(quantiser.bits, _kernel_bits(module) or FLOAT_BITS)
        case _:
            return FLOAT_BITS


@contextmanager
def _watched(model: nn.Module, seen: dict[str, _Seen]) -> Iterator[None]:
    """Within it, what layers are called for is written down."""
    with ExitStack() as stack:
        for path, module in model.named_modules():
            if isinstance(module, Layer):
                hook = module.register_forward_hook(_counting(path, seen))
                stack.callback(hook.remove)
        yield


def _counting(path: str, seen: dict[str, _Seen]) -> Callable[..., None]:
    def count(module: nn.Module, _: object, output: Tensor) -> None:
        found = seen.setdefault(path, _Seen())
        found.shape = tuple(output.shape[1:])
        assert isinstance(module.weight, Tensor)
        # Every entry of the output is a sum over all weights of one output, of which there are
        # as many as the weights' first axis is long.
        found.products += output[0].numel() * (module.weight.numel() // len(module.weight))

    return count


def _cells(row: Row, bits: tuple[tuple[int, ...], tuple[int, ...]]) -> tuple[str, ...]:
    return (
        *(row.path, row.kind, "×".join(map(str, row.shape))),
        *(f"{row.weights.get(each, 0):,}" for each in bits[0]),
        f"{-(-row.memory // 8):,}",
        *(f"{row.products.get(each, 0):,}" for each in bits[1]),
    )


def _aligned(lines: list[tuple[str, ...]]) -> Iterator[str]:
    """The cells in columns, names to the left and numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for cells in lines:
        pairs = enumerate(zip(cells, widths, strict=True))
        padded = (
            cell.ljust(width) if place < 3 else cell.rjust(width) for place, (cell, width) in pairs
        )
        yield "  ".join(padded).rstrip()


def _total(parts: Iterable[ByBits]) -> ByBits:
    found: Counter[int] = Counter()
    for each in parts:
        found.update(each)
    return _frozen(found)


def _frozen(counts: Mapping[int, int]) -> ByBits:
    return MappingProxyType(dict(sorted(counts.items())))


def _memory(weights: ByBits) -> int:
    return sum(bits * count for bits, count in weights.items())


def _share(counts: ByBits) -> float:
    whole = sum(counts.values())
    return counts.get(1, 0) / whole if whole else 0.0
