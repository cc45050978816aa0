"""Normalisation and stable hashes of category names.

A name is normalised (Unicode NFC) and shortened if it is long, before it is counted by name or by hash, so that both
counts can be added. The hash uses only sums, products and remainders of integers below 2^62, so that a database can
compute it too. It is part of the profile format.
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
MAX_NAME_LENGTH = 80
HEAD_LENGTH = 40  # characters at the start of a shortened name
MAX_HASHED_BYTES = 64
PRIME = 2**31 - 1
SHORTENED_PATTERN = r"(?s)^.{40}…[0-9a-f]{24}…([0-9]{2,9})$"
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
    """Normalise a name to Unicode NFC and at most 80 characters.

    A longer name becomes its first 40 characters, a digest, which keeps it distinct, and its length in characters.
    Cleaning is idempotent.
    """
    name = unicodedata.normalize("NFC", name)
    if len(name) <= MAX_NAME_LENGTH:
        return name
    return f"{name[:HEAD_LENGTH]}…{hashlib.sha256(name.encode()).hexdigest()[:24]}…{len(name)}"


def original_length(name: str) -> int:
    """Return the length in characters of a clean name before it was shortened."""
    match = re.match(SHORTENED_PATTERN, name)
    return int(match[1]) if match else len(name)


def hash_names(names: Sequence[str]) -> Hashes:
    """Hash clean names to 31 bits; see :func:`hash_utf8`."""
    encoded = [name.encode() for name in names]
    return hash_utf8(b"".join(encoded), np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded)))


def hash_utf8(text: bytes, lengths: npt.NDArray[np.int64]) -> Hashes:
    """Hash clean names to 31 bits, 0 to 2^31 - 2.

    A name is 16 words of 32 bits (big-endian, padded with zero bytes); beyond 64 bytes the hexadecimal digits of its
    SHA-256 are hashed instead. The sum of length and words, each multiplied by its own factor, modulo the prime
    2^31 - 1 (a universal hash: Carter and Wegman 1979) is raised to the fifth power. That permutes the remainders and
    removes the linearity that would bias sketches.

    :param text: the concatenated UTF-8 bytes of the names.
    :param lengths: the number of bytes of each; shape (names,).
    """
    starts = np.cumsum(lengths) - lengths
    hashes = np.empty(len(lengths), dtype=np.uint32)
    padded = np.frombuffer(text + bytes(7), dtype=np.uint8)
    words = np.ndarray((len(padded) - 7,), dtype=">u8", buffer=padded, strides=(1,))  # two words starting at each byte
    for first in range(0, len(lengths), _BLOCK):
        block = slice(first, first + _BLOCK)
        hashes[block] = _hash_block(words, starts[block], np.minimum(lengths[block], MAX_HASHED_BYTES))
    if len(long := np.flatnonzero(lengths > MAX_HASHED_BYTES)):
        digests = [hashlib.sha256(text[starts[i] : starts[i] + lengths[i]]).hexdigest() for i in long.tolist()]
        hashes[long] = hash_utf8("".join(digests).encode(), np.full(len(long), MAX_HASHED_BYTES))
    return hashes


def hash_short_names(words: npt.NDArray[np.uint32]) -> Hashes:
    """Hash clean names of at most 12 bytes, as :func:`hash_utf8` does.

    :param words: the number of bytes of each, then the bytes padded with zeros; shape (names, 4), the last three words
        in byte order.
    """
    hashes = np.empty(len(words), dtype=np.uint32)
    scratch = np.empty((4, min(len(words), _BLOCK)), dtype=np.uint64)
    length_factor, *factors = map(np.uint64, FACTORS)
    big_endian = words.view(">u4")
    for first in range(0, len(words), _BLOCK):
        block = slice(first, first + _BLOCK)
        total, addend, last, spare = scratch[:, : len(hashes[block])]
        for target, index in ((total, 1), (addend, 2), (last, 3)):
            np.copyto(target, big_endian[block, index])
            np.multiply(target, factors[index - 1], out=target)
        np.add(total, addend, out=total)  # below 2^64, as the products are below 2^63
        _reduce(total, spare)
        np.add(total, last, out=total)
        np.multiply(words[block, 0], length_factor, out=addend)
        np.add(total, addend, out=total)
        _reduce(total, spare)
        hashes[block] = _fifth_power(total, addend, spare)
    return hashes


def _hash_block(words: Words, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> Words:
    """Hash names of at most 64 bytes, two words at a time."""
    total = lengths.astype(np.uint64) * np.uint64(FACTORS[0])
    spare = np.empty_like(total)
    shortest, longest = (int(lengths.min()), int(lengths.max())) if len(lengths) else (0, 0)
    for offset in range(0, longest, 8):
        longer: npt.NDArray[np.int64] | slice = slice(None) if shortest > offset else np.flatnonzero(lengths > offset)
        if shortest == longest < MAX_HASHED_BYTES:  # the names are equally spaced
            pair = words[starts[0] + offset : starts[-1] + offset + 1 : longest].astype(np.uint64)
        else:
            pair = words[starts[longer] + offset].astype(np.uint64)
        if shortest < offset + 8:
            pair &= _FIRST_BYTES[np.minimum(lengths[longer] - offset, 8)]
        first, second = map(np.uint64, FACTORS[1 + offset // 4 : 3 + offset // 4])
        sums = (pair >> _WORD) * first
        pair &= _LOW_WORD
        pair *= second
        sums += pair
        _reduce(sums, pair)
        total[longer] += sums
    _reduce(total, spare)
    return _fifth_power(total, np.empty_like(total), spare)


def _reduce(values: Words, spare: Words) -> None:
    """Reduce 64-bit values towards the prime without a division: 2^31 has the remainder 1."""
    np.right_shift(values, _BITS, out=spare)
    np.bitwise_and(values, _PRIME, out=values)
    np.add(values, spare, out=values)


def _fifth_power(total: Words, power: Words, spare: Words) -> Words:
    """Return the remainders of the fifth powers, 0 to 2^31 - 2.

    :param total: values below 3 * 2^31; overwritten.
    :param power: scratch memory, and the result.
    :param spare: scratch memory.
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
