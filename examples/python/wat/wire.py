"""Protobuf's wire format: keys and values, in and out. Standard library only.

What is read is checked as strictly as PROTOCOL.md asks for ("Messages are checked").
"""

from __future__ import annotations

from typing import Iterator, Union

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5

Value = Union[int, bytes]


class WireError(ValueError):
    """Bytes that are no message."""


def put_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def take_varint(data: bytes, at: int, most: int = 10) -> tuple[int, int]:
    """The value, and where it ends; of at most so many bytes."""
    value = 0
    for i in range(most):
        if at + i >= len(data):
            raise WireError("a varint is cut off")
        value |= (data[at + i] & 0x7F) << 7 * i
        if data[at + i] < 0x80:
            if value >= 1 << 64:
                raise WireError("a varint of more than 64 bits")
            return value, at + i + 1
    raise WireError("a varint is too long")


def take(data: bytes, at: int, n: int) -> tuple[bytes, int]:
    if n > len(data) - at:
        raise WireError("a field is cut off")
    return data[at : at + n], at + n


def take_value(data: bytes, at: int, wire: int) -> tuple[Value, int]:
    """A number of VARINT, the bytes of all others."""
    if wire == VARINT:
        return take_varint(data, at)
    if wire == FIXED64:
        return take(data, at, 8)
    if wire == FIXED32:
        return take(data, at, 4)
    if wire == LENGTH:
        n, at = take_varint(data, at, 5)
        return take(data, at, n)
    raise WireError("a group, or an unknown wire type")


def fields_of(data: bytes) -> Iterator[tuple[int, int, Value]]:
    """(number, wire type, value) of each field."""
    at = 0
    while at < len(data):
        key, at = take_varint(data, at, 5)
        number, wire = key >> 3, key & 7
        if number == 0 or key >= 1 << 32:
            raise WireError("a field number out of range")
        value, at = take_value(data, at, wire)
        yield number, wire, value


def packed_values(data: bytes, wire: int) -> Iterator[Value]:
    """The elements of a packed field, whose own wire type would be this one."""
    at = 0
    while at < len(data):
        value, at = take_value(data, at, wire)
        yield value


def pack(number: int, wire: int, value: Value) -> bytes:
    """A field with its key."""
    key = put_varint(number << 3 | wire)
    if isinstance(value, int):
        return key + put_varint(value)
    return key + (put_varint(len(value)) if wire == LENGTH else b"") + value
