from __future__ import annotations

import pytest

from tacit.errors import InsecureParameters
from tacit.lattigo import security


def test_the_limits_are_those_of_the_standard() -> None:
    limits = [security.TERNARY[128][log_n] for log_n in range(10, 16)]

    assert limits == [27, 54, 109, 218, 438, 881]


def test_parameters_within_the_limit_name_their_row() -> None:
    row = security.check(128, 13, [2**60, 2**60], [2**60])

    assert row.limit == 218
    assert "2018" in row.source


def test_one_bit_too_many_is_refused_with_both_figures() -> None:
    with pytest.raises(InsecureParameters, match=r"219\.0.*218"):
        security.check(128, 13, [2**60, 2**60, 2**39], [2**60])


def test_a_sparse_secret_never_uses_the_ternary_table() -> None:
    moduli = [2**50] * 17

    security.check(128, 15, moduli, [])
    with pytest.raises(InsecureParameters, match="Hamming weight 192"):
        security.check(128, 15, moduli, [], secret_weight=192)


def test_a_secret_that_no_table_knows_is_refused() -> None:
    with pytest.raises(InsecureParameters, match="no table"):
        security.check(128, 15, [2**50], [], secret_weight=64)


def test_a_security_level_that_no_table_knows_is_refused() -> None:
    with pytest.raises(InsecureParameters, match="no table"):
        security.check(100, 15, [2**50], [])
