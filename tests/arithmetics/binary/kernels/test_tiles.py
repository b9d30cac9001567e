"""What tiles become on machines that are not this one: their assembly is looked at, not run."""

from __future__ import annotations

from typing import Any

import pytest
from numba.core import cgutils, codegen

from tacit.arithmetics.binary.kernels.forms import Form
from tacit.arithmetics.binary.kernels.tiles import Places, emit

# numba says nothing of its types.
tools: Any = cgutils
library: Any = codegen
ir, binding = tools.ir, library.ll

X86, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"


def assembly(form: Form, triple: str, features: str) -> str:
    """A tile of the widest shape as a machine's assembly."""
    vectors, entries = form.value.tiles[0]
    full = ir.IntType(64)
    module = ir.Module(name="tile")
    module.triple = triple
    kind = ir.FunctionType(ir.VoidType(), [full] * (5 + 2 * entries))
    function = ir.Function(module, kind, name="tile")
    builder = ir.IRBuilder(function.append_basic_block())
    weights, pieces, count, apart, table, *rest = function.args
    places = Places(rest[:entries], weights, pieces, count, rest[entries:], apart, table)
    emit(builder, form, vectors, places)
    builder.ret_void()
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    machine = binding.Target.from_triple(triple).create_target_machine(features=features, opt=3)
    parsed = binding.parse_assembly(str(module))
    parsed.verify()
    found: str = machine.emit_assembly(parsed)
    return found


@pytest.mark.parametrize(
    ("form", "triple", "features", "instruction"),
    [
        (Form.WIDE_WORDS, X86, "+avx512f,+avx512vpopcntdq", "vpopcntd\t%zmm"),
        (Form.LOOK_UP, X86, "+avx2", "vpshufb\t"),
        (Form.BYTES, ARM, "+neon", "cnt\tv"),
    ],
    ids=["avx-512", "avx2", "neon"],
)
def test_a_tile_counts_by_the_instruction_that_it_is_for(
    form: Form, triple: str, features: str, instruction: str
) -> None:
    assert instruction in assembly(form, triple, features)


def test_counts_of_sixteen_words_stay_in_registers() -> None:
    found = assembly(Form.WIDE_WORDS, X86, "+avx512f,+avx512vpopcntdq")

    assert found.count("vpopcntd\t%zmm") == 16
    assert "zmm" not in "".join(line for line in found.splitlines() if "(%rsp)" in line)


def test_plain_words_are_counted_on_a_machine_that_has_nothing_for_it() -> None:
    found = assembly(Form.WORDS, X86, "")

    assert "ymm" not in found
    assert "popcnt" not in found
