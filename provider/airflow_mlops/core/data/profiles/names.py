"""Names of categories: brought into one form, bounded in length, and hashed the same everywhere and always.

A name is normalised (Unicode NFC), then shortened if it is long, and only then counted or hashed: what is held by
name and what is counted by hash can be added that way. The hash needs sums, products and remainders of whole
numbers below 2^62 and nothing else, so that a database computes it too. It is part of the profile format.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint32]
Words = npt.NDArray[np.uint64]
LONGEST_NAME = 80
HEAD = 40  # characters that a shortened name keeps
MOST_BYTES = 64
PRIME = 2**31 - 1
SHORTENED = r"(?s)^.{40}…[0-9a-f]{24}…([0-9]{2,9})$"
# The first 16 hexadecimal digits of SHA-256 of "airflow-mlops 0", "airflow-mlops 1", ..., modulo PRIME - 1, plus 1.
FACTORS = (
    1447248393,
    1024814021,
    662481862,
    343141279,
    803593320,
    2142050421,
    1377810961,
    287410419,
    1201204954,
    320636518,
    615497261,
    354619878,
    1127682846,
    780196913,
    1744013978,
    1259100285,
    1296398346,
)
_BLOCK = 16_384  # names hashed at a time: small enough to stay in the processor's cache
_PRIME, _BITS, _ONE = np.uint64(PRIME), np.uint64(31), np.uint64(1)
_WORD, _LOW_WORD = np.uint64(32), np.uint64(2**32 - 1)
_FIRST_BYTES = np.array([2**64 - 2 ** (64 - 8 * count) for count in range(9)], dtype=np.uint64)


def clean_name(name: str) -> str:
    """Bring a name into the form in which it is counted: Unicode NFC, and no longer than 80 characters.

    A longer one keeps its first 40 characters, a digest, so that it stays itself, and the number of its
    characters. A clean name stays as it is.
    """
    name = unicodedata.normalize("NFC", name)
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[:HEAD]}…{hashlib.sha256(name.encode()).hexdigest()[:24]}…{len(name)}"


def characters(name: str) -> int:
    """Say how many characters a clean name had before it was shortened."""
    found = re.match(SHORTENED, name)
    return int(found[1]) if found else len(name)


def name_hashes(names: Sequence[str]) -> Hashes:
    """Hash clean names to 31 bits; see :func:`utf8_hashes`."""
    encoded = [name.encode() for name in names]
    return utf8_hashes(b"".join(encoded), np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded)))


def utf8_hashes(text: bytes, lengths: npt.NDArray[np.int64]) -> Hashes:
    """Hash clean names to 31 bits, 0 to 2^31 - 2.

    A name is 16 words of 32 bits (big-endian, padded with zero bytes; beyond 64 bytes it is its SHA-256 in
    hexadecimal digits). The sum of length and words, each times a factor of its own, modulo the prime 2^31 - 1
    (a universal hash: Carter and Wegman 1979) is raised to the fifth power, which permutes the remainders and
    takes away the linearity that sketches would suffer from.

    :param text: the names' UTF-8 bytes, one after the other.
    :param lengths: how many bytes each has; shape (names,).
    """
    starts = np.cumsum(lengths) - lengths
    hashes = np.empty(len(lengths), dtype=np.uint32)
    padded = np.frombuffer(text + bytes(7), dtype=np.uint8)
    words = np.ndarray((len(padded) - 7,), dtype=">u8", buffer=padded, strides=(1,))  # two words from each byte on
    for first in range(0, len(lengths), _BLOCK):
        block = slice(first, first + _BLOCK)
        hashes[block] = _hashed(words, starts[block], np.minimum(lengths[block], MOST_BYTES))
    if len(long := np.flatnonzero(lengths > MOST_BYTES)):
        digests = [hashlib.sha256(text[starts[i] : starts[i] + lengths[i]]).hexdigest() for i in long.tolist()]
        hashes[long] = utf8_hashes("".join(digests).encode(), np.full(len(long), MOST_BYTES))
    return hashes


def short_hashes(words: npt.NDArray[np.uint32]) -> Hashes:
    """Hash clean names of at most 12 bytes, as :func:`utf8_hashes` does.

    :param words: how many bytes each has, then the bytes padded with zeros; shape (names, 4), the last three words
        in the order of the bytes.
    """
    hashes = np.empty(len(words), dtype=np.uint32)
    scratch = np.empty((4, min(len(words), _BLOCK)), dtype=np.uint64)
    by_length, *factors = map(np.uint64, FACTORS)
    spelled = words.view(">u4")
    for first in range(0, len(words), _BLOCK):
        block = slice(first, first + _BLOCK)
        total, more, last, spare = scratch[:, : len(hashes[block])]
        for target, place in ((total, 1), (more, 2), (last, 3)):
            np.copyto(target, spelled[block, place])
            np.multiply(target, factors[place - 1], out=target)
        np.add(total, more, out=total)  # below 2^64, as the products are below 2^63
        _reduce(total, spare)
        np.add(total, last, out=total)
        np.multiply(words[block, 0], by_length, out=more)
        np.add(total, more, out=total)
        _reduce(total, spare)
        hashes[block] = _scattered(total, more, spare)
    return hashes


def _hashed(words: Words, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> Words:
    """Hash some names of at most 64 bytes, two words at a time."""
    total = lengths.astype(np.uint64) * np.uint64(FACTORS[0])
    spare = np.empty_like(total)
    shortest, longest = (int(lengths.min()), int(lengths.max())) if len(lengths) else (0, 0)
    for place in range(0, longest, 8):
        there: npt.NDArray[np.int64] | slice = slice(None) if shortest > place else np.flatnonzero(lengths > place)
        if shortest == longest < MOST_BYTES:  # they lie at equal distances
            pair = words[starts[0] + place : starts[-1] + place + 1 : longest].astype(np.uint64)
        else:
            pair = words[starts[there] + place].astype(np.uint64)
        if shortest < place + 8:
            pair &= _FIRST_BYTES[np.minimum(lengths[there] - place, 8)]
        first, second = map(np.uint64, FACTORS[1 + place // 4 : 3 + place // 4])
        sums = (pair >> _WORD) * first
        pair &= _LOW_WORD
        pair *= second
        sums += pair
        _reduce(sums, pair)
        total[there] += sums
    _reduce(total, spare)
    return _scattered(total, np.empty_like(total), spare)


def _reduce(values: Words, spare: Words) -> None:
    """Bring values of 64 bits nearer to the prime without a division: 2^31 leaves the remainder 1."""
    np.right_shift(values, _BITS, out=spare)
    np.bitwise_and(values, _PRIME, out=values)
    np.add(values, spare, out=values)


def _scattered(total: Words, power: Words, spare: Words) -> Words:
    """Give the remainders of the fifth powers, 0 to the prime less one.

    :param total: values below 3 * 2^31; they are overwritten, as the others are, which are memory to write to.
    """
    _reduce(total, spare)  # at most the prime plus 2, whose square is near a power of two
    np.multiply(total, total, out=power)
    _reduce(power, spare)  # below 2^32
    np.multiply(power, power, out=power)
    _reduce(power, spare)
    _reduce(power, spare)  # at most the prime plus 4
    np.multiply(power, total, out=power)
    _reduce(power, spare)
    _reduce(power, spare)  # at most the prime plus 2
    np.add(power, _ONE, out=spare)
    np.right_shift(spare, _BITS, out=spare)  # 1 from the prime on
    np.add(power, spare, out=power)
    return np.bitwise_and(power, _PRIME, out=power)
