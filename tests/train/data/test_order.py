"""The order of a mixture is a function of the seed and the number of the draw."""

from collections import Counter

import numpy as np
import pytest

from train.data.order import BLOCK, Order, share_of_rank, shuffled


def drawn(order: Order, first: int, last: int) -> list[tuple[int, int]]:
    return [(stream, order.record_at(stream, before)) for stream, before in map(order.stream_at, range(first, last))]


@pytest.mark.parametrize("count", [1, 2, 3, 16, 17, 1000, 4097])
def test_a_shuffled_pass_has_every_record_once_in_another_order_every_time(count):
    passes = [[shuffled(i, count, (0, 0, number)) for i in range(count)] for number in range(3)]
    assert all(sorted(one) == list(range(count)) for one in passes)
    if count > 16:
        assert passes[0] != passes[1] != passes[2] and passes[0] != sorted(passes[0])
        # Where a record goes says nothing of where its neighbour goes: |difference| is n/3 in the mean.
        assert np.abs(np.diff(passes[0])).mean() == pytest.approx(count / 3, rel=0.35 if count < 100 else 0.1)


def test_any_draw_can_be_asked_for_alone():
    """From the front, from the back, from the middle, by another object: the same."""
    weights, sizes = [3.0, 1.0, 0.05], [1000, 7, 50]
    whole = drawn(Order(weights, sizes, seed=5), 0, 3000)
    other = Order(weights, sizes, seed=5)
    assert [drawn(other, k, k + 1)[0] for k in (2999, 0, 1500, BLOCK, BLOCK - 1)] == [
        whole[k] for k in (2999, 0, 1500, BLOCK, BLOCK - 1)
    ]
    assert drawn(Order(weights, sizes, seed=6), 0, 100) != whole[:100]


@pytest.mark.parametrize("weights", [[3.0, 1.0, 0.05], [1.0], [1e-4, 1.0], [1.0] * 40, [0.0, 1.0, 1.0]])
def test_every_stream_has_its_share_at_any_time(weights):
    order = Order(weights, [10] * len(weights), seed=1)
    shares = np.asarray(weights) / np.sum(weights)
    counts = np.zeros(len(weights))
    for k in range(4 * order.block):
        stream, before = order.stream_at(k)
        assert before == counts[stream]  # none is left out, none comes twice
        counts[stream] += 1
        if (k + 1) % order.block == 0:
            off = np.abs(counts - (k + 1) * shares)
            assert np.delete(off, order.heaviest).max(initial=0) <= 1 and off.max() <= len(weights)


def test_a_stream_goes_through_all_its_records_before_any_comes_again():
    order = Order([1.0, 1.0], [30, 7], seed=0)
    of_second = [record for stream, record in drawn(order, 0, 400) if stream == 1]
    for first in range(0, len(of_second) - 7, 7):
        assert sorted(of_second[first : first + 7]) == list(range(7))


def test_ranks_share_the_draws_between_them():
    for world in (1, 2, 3, 8):
        shares = [share_of_rank(100, 1000, rank, world) for rank in range(world)]
        assert sorted(k for share in shares for k in share) == list(range(100, 1000))
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_million_records_cost_the_order_nothing():
    order = Order([1.0, 2.0], [1_000_000, 500_000], seed=0)
    assert not any(isinstance(value, np.ndarray) and value.nbytes > 100 for value in vars(order).values())
    found = Counter(drawn(order, 0, 20_000))
    assert max(found.values()) == 1  # 6,667 and 13,333 draws: no record comes twice before all came once
