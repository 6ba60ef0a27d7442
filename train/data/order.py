"""Which record is drawn when: a pure function of (seed, number of the draw), without a list of draws.

Draws come in blocks. By the end of any block every stream has had its share of all draws so far, to within one
(the heaviest: to within their number), and inside a block their order is shuffled. A stream goes through its
records in a shuffled order, all of them before any comes again, in another order every time.
"""

from functools import lru_cache

import numpy as np

BLOCK = 1024


class Order:
    """weights: of the streams; sizes: how many records each has. `stream_at(k)`, then `record_at`."""

    def __init__(self, weights: list[float], sizes: list[int], seed: int):
        self.sizes, self.seed = sizes, seed
        self.shares = np.asarray(weights, np.float64) / np.sum(weights)
        self.block = max(BLOCK, len(sizes) ** 2)  # so that what is left for the heaviest stream is never negative
        self.heaviest = int(np.argmax(self.shares))

    def stream_at(self, k: int) -> tuple[int, int]:
        """(stream, how many times it was drawn before) of draw k."""
        block, place = divmod(k, self.block)
        streams, ranks = _block(self, block)
        stream = int(streams[place])
        return stream, int(self._before(block)[stream] + ranks[place])

    def record_at(self, stream: int, drawn: int) -> int:
        """The number, within its stream, of the record that is drawn after `drawn` others of the stream."""
        passes, place = divmod(drawn, self.sizes[stream])
        return shuffled(place, self.sizes[stream], (self.seed, stream, passes))

    def _before(self, block: int) -> np.ndarray:
        """How many draws of each stream there are before a block."""
        counts = np.floor(block * self.block * self.shares + 1e-9).astype(np.int64)
        counts[self.heaviest] += block * self.block - counts.sum()
        return counts


@lru_cache(maxsize=64)
def _block(order: Order, block: int) -> tuple[np.ndarray, np.ndarray]:
    """The streams of a block's draws, and how many earlier draws of the block are of the same one."""
    counts = order._before(block + 1) - order._before(block)
    streams = np.repeat(np.arange(len(counts)), counts)
    streams = np.random.default_rng((order.seed, block)).permutation(streams)
    ranks = np.zeros(len(streams), np.int64)
    for stream in range(len(counts)):
        here = streams == stream
        ranks[here] = np.arange(here.sum())
    return streams, ranks


def shuffled(place: int, count: int, key: tuple[int, ...]) -> int:
    """Where `place` goes in a permutation of range(count) that the key chooses; nothing is stored.

    A Feistel network of four rounds on the smallest even number of bits that holds `count`, again while the
    result is outside (Black & Rogaway 2002, cycle walking).
    """
    half = max(1, ((count - 1).bit_length() + 1) // 2)
    mask = (1 << half) - 1
    salts = _salts(key)
    while True:
        left, right = place >> half, place & mask
        for salt in salts:
            left, right = right, left ^ (_mixed(right ^ salt) & mask)
        place = left << half | right
        if place < count:
            return place


@lru_cache(maxsize=1024)
def _salts(key: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(salt) for salt in np.random.SeedSequence(key).generate_state(4, np.uint64))


def _mixed(value: int) -> int:
    """The finalizer of SplitMix64 (Steele et al. 2014): every bit of the result depends on every bit of the value."""
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    value = (value ^ value >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return value ^ value >> 31


def share_of_rank(first: int, last: int, rank: int, world: int) -> range:
    """The draws of [first, last) that are this rank's: the ranks' are disjoint and together all."""
    return range(first + (rank - first) % world, last, world)
