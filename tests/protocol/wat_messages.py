"""Protobuf as watd speaks it: messages from their declarations, bytes in and out.

Standard library only. A Schema is made from the text of a .proto file, as much of the language as
PROTOCOL.md uses: messages, enums, repeated fields, messages of other schemas. Decoding is as strict
as the page asks for.
"""

import re
import struct
from types import SimpleNamespace

DEPTH_MAX = 64

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5


class WireError(Exception):
    """Bytes that are no message of the kind that was expected."""


def put_varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def take_varint(data, at, most=10):
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


def take(data, at, n):
    if n > len(data) - at:
        raise WireError("a field is cut off")
    return data[at : at + n], at + n


def fields_of(data):
    """(number, wire type, value) of each field; value is a number, or the bytes of a LENGTH."""
    at = 0
    while at < len(data):
        key, at = take_varint(data, at, 5)
        number, wire = key >> 3, key & 7
        if number == 0 or key >= 1 << 32:
            raise WireError("a field number out of range")
        if wire == VARINT:
            value, at = take_varint(data, at)
        elif wire == FIXED64:
            value, at = take(data, at, 8)
        elif wire == FIXED32:
            value, at = take(data, at, 4)
        elif wire == LENGTH:
            n, at = take_varint(data, at, 5)
            value, at = take(data, at, n)
        else:
            raise WireError("a group, or an unknown wire type")
        yield number, wire, value


def text_of(data):
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WireError("a string is no UTF-8") from error
    if "\0" in text:
        raise WireError("a string holds U+0000")
    return text


def signed32(value):
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def no_more_than_32_bits(value):
    return value & 0xFFFFFFFF


# type: wire type, default, to the wire's value, from the wire's value
SCALARS = {
    "uint32": (VARINT, 0, int, no_more_than_32_bits),
    "uint64": (VARINT, 0, int, int),
    "int32": (VARINT, 0, lambda v: v & 0xFFFFFFFFFFFFFFFF, signed32),
    "bool": (VARINT, False, int, bool),
    "sint64": (VARINT, 0, lambda v: (v << 1 ^ v >> 63) & 0xFFFFFFFFFFFFFFFF, lambda v: v >> 1 ^ -(v & 1)),
    "fixed64": (FIXED64, 0, lambda v: struct.pack("<Q", v), lambda v: struct.unpack("<Q", v)[0]),
    "string": (LENGTH, "", lambda v: v.encode(), text_of),
    "bytes": (LENGTH, b"", bytes, bytes),
}
ENUM = SCALARS["int32"]


def pack(number, wire, value):
    key = put_varint(number << 3 | wire)
    if wire == VARINT:
        return key + put_varint(value)
    return key + (put_varint(len(value)) if wire == LENGTH else b"") + value


class Field:
    def __init__(self, number, name, type_name, repeated):
        self.number = number
        self.name = name
        self.type_name = type_name
        self.repeated = repeated

    def __eq__(self, other):
        return vars(self) == vars(other)

    def __repr__(self):
        return f"{'repeated ' if self.repeated else ''}{self.type_name} {self.name} = {self.number}"


class Message:
    """A kind of message. Keyword arguments in, an object with all fields out."""

    def __init__(self, schema, name, fields):
        self.schema = schema
        self.name = name
        self.fields = fields
        self.by_name = {field.name: field for field in fields}
        self.by_number = {field.number: field for field in fields}

    def encode(self, **values):
        out = b""
        for name in values:
            if name not in self.by_name:
                raise TypeError(f"{self.name} has no field {name}")
        for field in sorted(self.fields, key=lambda f: f.number):
            value = values.get(field.name)
            for element in (value or []) if field.repeated else [value]:
                out += self.encode_field(field, element)
        return out

    def encode_field(self, field, value):
        scalar = self.schema.scalar(field.type_name)
        if value is None or (scalar and not field.repeated and value == scalar[1]):
            return b""
        if scalar:
            return pack(field.number, scalar[0], scalar[2](value))
        inner = value if isinstance(value, bytes) else self.schema[field.type_name].encode(**vars(value))
        return pack(field.number, LENGTH, inner)

    def decode(self, data, depth=1):
        if depth > DEPTH_MAX:
            raise WireError("messages more than 64 deep")
        values = SimpleNamespace(**{field.name: self.default(field) for field in self.fields})
        for number, wire, value in fields_of(data):
            field = self.by_number.get(number)
            if field:
                self.decode_field(field, wire, value, values, depth)
        return values

    def default(self, field):
        scalar = self.schema.scalar(field.type_name)
        return [] if field.repeated else scalar[1] if scalar else None

    def decode_field(self, field, wire, value, values, depth):
        scalar = self.schema.scalar(field.type_name)
        if field.repeated and scalar and scalar[0] != LENGTH and wire == LENGTH:
            raise WireError("packed fields are not needed here")
        if wire != (scalar[0] if scalar else LENGTH):
            raise WireError(f"{self.name}.{field.name} has the wrong wire type")
        if scalar:
            value = scalar[3](value)
        elif not field.repeated and getattr(values, field.name) is not None:
            raise WireError(f"{self.name}.{field.name} came twice")
        else:
            value = self.schema[field.type_name].decode(value, depth + 1)
        if field.repeated:
            getattr(values, field.name).append(value)
        else:
            setattr(values, field.name, value)


DECLARATION = re.compile(r"\b(message|enum)\s+(\w+)\s*\{([^{}]*)\}")
FIELD = re.compile(r"(?:(repeated)\s+)?([\w.]+)\s+(\w+)\s*=\s*(\d+)")
VALUE = re.compile(r"(\w+)\s*=\s*(\d+)")
METHOD = re.compile(r"\brpc\s+(\w+)\s*\(([\w.]+)\)\s*returns\s*\(([\w.]+)\)\s*(;|\{[^{}]*\{[^{}]*\}[^{}]*\})")


class Schema:
    """The messages, enums and methods of one package; schema["Hello"] is a Message."""

    def __init__(self, text, *imports):
        text = re.sub(r"//[^\n]*", "", text)
        self.imports = imports
        self.messages = {}
        self.enums = {}
        for kind, name, body in DECLARATION.findall(text):
            if kind == "enum":
                self.enums[name] = {key: int(number) for key, number in VALUE.findall(body)}
            else:
                self.messages[name] = Message(self, name, [self.field(*f) for f in FIELD.findall(body)])
        self.methods = [(name, asked, told, self.flags(options)) for name, asked, told, options in METHOD.findall(text)]

    @staticmethod
    def field(repeated, type_name, name, number):
        return Field(int(number), name, type_name.split(".")[-1], bool(repeated))

    @staticmethod
    def flags(options):
        return tuple(sorted(re.findall(r"(\w+): true", options)))

    def __getitem__(self, name):
        for schema in (self, *self.imports):
            if name in schema.messages:
                return schema.messages[name]
        raise KeyError(name)

    def scalar(self, type_name):
        if type_name in SCALARS:
            return SCALARS[type_name]
        known = any(type_name in schema.enums for schema in (self, *self.imports))
        return ENUM if known else None
