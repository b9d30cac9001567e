from __future__ import annotations

from tacit.arithmetics.binary.kernels.forms import Form, chosen
from tacit.arithmetics.binary.kernels.vectors import host_features


def test_popcounts_of_vectors_are_taken_where_they_are() -> None:
    features = {"avx2": True, "avx512f": True, "avx512vpopcntdq": True}

    assert chosen("x86_64", features) is Form.WIDE_WORDS


def test_a_machine_of_wide_vectors_without_popcounts_looks_up() -> None:
    features = {"avx2": True, "avx512f": True, "avx512vpopcntdq": False}

    assert chosen("x86_64", features) is Form.LOOK_UP


def test_an_arm_counts_in_bytes() -> None:
    assert chosen("aarch64", {}) is Form.BYTES
    assert chosen("arm64", {"neon": True}) is Form.BYTES


def test_an_unknown_machine_counts_in_words() -> None:
    assert chosen("riscv64", {}) is Form.WORDS
    assert chosen("x86_64", {"sse2": True}) is Form.WORDS


def test_what_a_host_has_is_told_by_name() -> None:
    assert all(isinstance(name, str) for name in host_features())
