"""Every random value's own seed: root seed, slot, draw and a named stream.

Adding a scenario, a parameter or a worker changes no other value, because each stream is keyed by
its name and not by its place in a sequence.
"""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np

_WORD: Final = 2**32 - 1
# Entropy before a spawn key is filled up to it (NumPy, `SeedSequence.get_assembled_entropy`).
_POOL_WORDS: Final = 4


def seed_sequence(
    root_seed: int, scenario: str, k: int, draw: int, stream: str
) -> np.random.SeedSequence:
    """The seed sequence of one stream of draw `draw` of slot (`scenario`, `k`).

    The same as `SeedSequence(root_seed, spawn_key=(crc32(scenario), k, draw, crc32(stream)))`,
    whose words it puts together itself: numpy takes five times as long for it.
    """
    root = [root_seed & _WORD]
    while root_seed := root_seed >> 32:
        root.append(root_seed & _WORD)
    root += [0] * (_POOL_WORDS - len(root))
    key = (zlib.crc32(scenario.encode()), k, draw, zlib.crc32(stream.encode()))
    return np.random.SeedSequence(np.array([*root, *key], dtype=np.uint32))


def rng_for(root_seed: int, scenario: str, k: int, draw: int, stream: str) -> np.random.Generator:
    """A fresh generator of one stream (PCG64); equal arguments give equal values on any machine."""
    return np.random.Generator(np.random.PCG64(seed_sequence(root_seed, scenario, k, draw, stream)))


def seed_for(root_seed: int, scenario: str, k: int, draw: int, stream: str) -> int:
    """A uint32 seed of one stream, for simulators that take a number."""
    sequence = seed_sequence(root_seed, scenario, k, draw, stream)
    return int(sequence.generate_state(1, np.uint32)[0])
