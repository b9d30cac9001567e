"""Small programs, packed and with keys, made once for all tests of this room."""

from __future__ import annotations

import pytest

from tests.serve.programs import Packed, packed_in


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return packed_in(tmp_path_factory.mktemp("packed"), seed=1)


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """The same kind of program with other weights, and keys for it."""
    return packed_in(tmp_path_factory.mktemp("other"), seed=2)
