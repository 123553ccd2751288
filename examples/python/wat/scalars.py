"""The scalar types of protobuf: one table of how each is checked, written and read."""

from __future__ import annotations

import struct
from typing import Any, Callable, NamedTuple

from .wire import FIXED32, FIXED64, LENGTH, VARINT, Value, WireError

MASK64 = (1 << 64) - 1


class MessageError(ValueError):
    """A value that does not fit its field; `path` is where, from the outside in."""

    def __init__(self, text: str, path: str = "") -> None:
        self.text, self.path = text, path
        super().__init__(f"{path}: {text}" if path else text)

    def inside(self, step: str) -> MessageError:
        joint = "" if not self.path or self.path.startswith("[") else "."
        return MessageError(self.text, step + joint + self.path)


class Scalar(NamedTuple):
    wire: int
    default: Any
    check: Callable[[Any], Any]  # the value as it is written; MessageError
    to_wire: Callable[[Any], Value]
    from_wire: Callable[[Any], Any]


def expected(what: str, value: object) -> MessageError:
    return MessageError(f"expected {what}, got {type(value).__name__} {value!r:.40}")


def integer(bits: int, is_signed: bool) -> Callable[[Any], int]:
    low = -(1 << bits - 1) if is_signed else 0
    high = low + (1 << bits) - 1

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise expected(f"an integer from {low} to {high}", value)
        return int(value)

    return check


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise expected("a bool", value)
    return value


def number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise expected("a number", value)
    return float(value)


def single(value: Any) -> float:
    try:
        struct.pack("<f", number(value))
    except OverflowError:
        raise expected("a number of 32 bits", value) from None
    return float(value)


def text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise expected("a str without U+0000", value)
    return value


def octets(value: Any) -> bytes:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise expected("bytes", value)
    return bytes(value)


def read_text(data: bytes) -> str:
    try:
        value = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WireError("a string is no UTF-8") from error
    if "\0" in value:
        raise WireError("a string holds U+0000")
    return value


def write_text(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise MessageError("a str that has no UTF-8") from None


def signed(bits: int) -> Callable[[int], int]:
    def read(value: int) -> int:
        value &= (1 << bits) - 1
        return value - (1 << bits) if value >> bits - 1 else value

    return read


def zigzag(value: int) -> int:
    return (value << 1 ^ value >> 63) & MASK64


def unzigzag(value: int) -> int:
    return value >> 1 ^ -(value & 1)


def fixed(form: str, wire: int, check: Callable[[Any], Any], default: Any = 0) -> Scalar:
    packer = struct.Struct(form)
    return Scalar(wire, default, check, packer.pack, lambda data: packer.unpack(data)[0])


def twos_complement(value: int) -> int:
    return value & MASK64


def varint(check: Callable[[Any], int], read: Callable[[int], Any]) -> Scalar:
    return Scalar(VARINT, 0, check, twos_complement, read)


def low32(value: int) -> int:
    return value & 0xFFFFFFFF


SCALARS = {
    "double": fixed("<d", FIXED64, number, 0.0),
    "float": fixed("<f", FIXED32, single, 0.0),
    "int32": varint(integer(32, True), signed(32)),
    "int64": varint(integer(64, True), signed(64)),
    "uint32": varint(integer(32, False), low32),
    "uint64": varint(integer(64, False), int),
    "sint32": Scalar(VARINT, 0, integer(32, True), zigzag, lambda v: unzigzag(low32(v))),
    "sint64": Scalar(VARINT, 0, integer(64, True), zigzag, unzigzag),
    "fixed32": fixed("<I", FIXED32, integer(32, False)),
    "fixed64": fixed("<Q", FIXED64, integer(64, False)),
    "sfixed32": fixed("<i", FIXED32, integer(32, True)),
    "sfixed64": fixed("<q", FIXED64, integer(64, True)),
    "bool": Scalar(VARINT, False, boolean, int, bool),
    "string": Scalar(LENGTH, "", text, write_text, read_text),
    "bytes": Scalar(LENGTH, b"", octets, bytes, bytes),
}


def enum_scalar(names: dict[str, int]) -> Scalar:
    """Values by name; numbers that have none stay numbers."""
    by_number = {value: name for name, value in reversed(names.items())}
    number_of = integer(32, True)

    def check(value: Any) -> int:
        if isinstance(value, str):
            if value not in names:
                raise MessageError(f"expected one of {', '.join(names)}, got {value!r:.40}")
            return names[value]
        return number_of(value)

    def read(value: int) -> Any:
        value = signed(32)(value)
        return by_number.get(value, value)

    return Scalar(VARINT, by_number.get(0, 0), check, twos_complement, read)
