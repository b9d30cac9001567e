"""How many products of bits a core could do a second, if nothing but arithmetic took time.

Loops whose operands stay in registers, in assembly, so that no compiler leaves anything out.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from llvmlite import binding, ir

TURNS = 200_000
REGISTERS = 16


@dataclass(frozen=True)
class Limit:
    """A loop: the name of what it does, its products in a turn, its lines of assembly."""

    name: str
    features: tuple[str, ...]
    products: int
    lines: tuple[str, ...]

    @property
    def total(self) -> int:
        """The products of a run."""
        return self.products * TURNS

    def compiled(self) -> Callable[[], None]:
        """The loop as a function."""
        module = ir.Module(name="limit")
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), []), name="limit")
        entry, body, end = (function.append_basic_block(name) for name in ("a", "b", "c"))
        builder = ir.IRBuilder(entry)
        builder.branch(body)
        builder.position_at_end(body)
        turn = builder.phi(ir.IntType(64))
        turn.add_incoming(ir.Constant(turn.type, 0), entry)
        clobbered = ",".join(f"~{{xmm{k}}}" for k in range(REGISTERS))
        kind, lines = ir.FunctionType(ir.VoidType(), []), "\n".join(self.lines)
        builder.asm(kind, lines, clobbered, [], side_effect=True)
        after = builder.add(turn, ir.Constant(turn.type, 1))
        turn.add_incoming(after, body)
        more = builder.icmp_signed("<", after, ir.Constant(turn.type, TURNS))
        builder.cbranch(more, body, end)
        builder.position_at_end(end)
        builder.ret_void()
        return _called(module)


def _called(module: ir.Module) -> Callable[[], None]:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    binding.initialize_native_asmparser()
    features = binding.get_host_cpu_features().flatten()
    machine = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(), features=features
    )
    engine = binding.create_mcjit_compiler(binding.parse_assembly(str(module)), machine)
    engine.finalize_object()
    return partial(_run, engine, ctypes.CFUNCTYPE(None)(engine.get_function_address("limit")))


def _run(_engine: binding.ExecutionEngine, call: Callable[[], None]) -> None:
    """Call what an engine made, which lives as long as this can be called."""
    call()


def _looked_up(total: int, upper: int, found: int, other: int) -> list[str]:
    """Three look-ups of two pixels, added up, and their fields: 6 · 128 products."""
    return [
        f"vpshufb %ymm8, %ymm9, %ymm{found}",
        f"vpshufb %ymm8, %ymm10, %ymm{other}",
        f"vpaddb %ymm{other}, %ymm{found}, %ymm{found}",
        f"vpshufb %ymm8, %ymm11, %ymm{other}",
        f"vpaddb %ymm{other}, %ymm{found}, %ymm{found}",
        f"vpaddb %ymm{found}, %ymm{total}, %ymm{total}",
        f"vpsrlw $$4, %ymm{found}, %ymm{found}",
        f"vpaddb %ymm{found}, %ymm{upper}, %ymm{upper}",
    ]


def _counted(total: int, upper: int, found: int, other: int) -> list[str]:
    """XOR, and the popcount of both halves of each byte by a table: 256 products."""
    return [
        f"vpxor %ymm8, %ymm9, %ymm{found}",
        f"vpand %ymm10, %ymm{found}, %ymm{other}",
        f"vpsrlw $$4, %ymm{found}, %ymm{found}",
        f"vpand %ymm10, %ymm{found}, %ymm{found}",
        f"vpshufb %ymm{found}, %ymm11, %ymm{found}",
        f"vpshufb %ymm{other}, %ymm11, %ymm{other}",
        f"vpaddb %ymm{found}, %ymm{total}, %ymm{total}",
        f"vpaddb %ymm{other}, %ymm{upper}, %ymm{upper}",
    ]


def _popcounted(total: int, found: int) -> list[str]:
    """XOR, POPCNT and ADD of a whole register: 512 products."""
    return [
        f"vpxord %zmm14, %zmm15, %zmm{found}",
        f"vpopcntd %zmm{found}, %zmm{found}",
        f"vpaddd %zmm{found}, %zmm{total}, %zmm{total}",
    ]


# Sums in pairs of registers, and room for what is added to them.
PAIRS = ((0, 1, 12, 13), (2, 3, 14, 15), (4, 5, 12, 13), (6, 7, 14, 15))
SUMS = tuple((k, 6 + k % 6) for k in range(6))
LIMITS = (
    Limit(
        "XOR, VPOPCNTD and ADD of 512 bits",
        ("avx512f", "avx512vpopcntdq"),
        512 * len(SUMS),
        tuple(line for each in SUMS for line in _popcounted(*each)),
    ),
    Limit(
        "look-ups of two pixels by bytes of 256 bits (this library's own AVX2 sequence)",
        ("avx2",),
        6 * 128 * len(PAIRS),
        tuple(line for each in PAIRS for line in _looked_up(*each)),
    ),
    Limit(
        "XOR, and popcount by look-ups of 256 bits (the usual AVX2 sequence)",
        ("avx2",),
        256 * len(PAIRS),
        tuple(line for each in PAIRS for line in _counted(*each)),
    ),
)


def here() -> tuple[Limit, ...]:
    """The loops that this host can run."""
    features = binding.get_host_cpu_features()
    return tuple(each for each in LIMITS if all(features.get(name) for name in each.features))
