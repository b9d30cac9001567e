from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tacit.approx.methods.references import exchanged

# More errors than a reference has, of alternating signs and of all sizes.
heights = st.lists(st.floats(1e-6, 1.0), min_size=3, max_size=9, unique=True)


@given(heights, st.data())
def test_an_exchange_keeps_the_largest_and_makes_the_least_as_large_as_can_be(
    sizes: list[float], data: st.DataObject
) -> None:
    count = data.draw(st.integers(2, len(sizes)))
    errors = np.array(sizes) * (-1.0) ** np.arange(len(sizes))

    kept = exchanged(count, errors)

    # Alternating means that neighbours are an odd number of places apart.
    choices = (
        each
        for each in combinations(range(len(sizes)), count)
        if all((b - a) % 2 for a, b in pairwise(each))
    )
    assert len(kept) == count
    assert all((b - a) % 2 for a, b in pairwise(kept))
    assert max(sizes) in [sizes[k] for k in kept]
    assert min(sizes[k] for k in kept) == max(min(sizes[k] for k in each) for each in choices)
