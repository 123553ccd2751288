"""Messages by their declarations: mappings in, bytes out, and back.

A Schema is made from the text of a .proto file, as much of the language as PROTOCOL.md uses; the
module `interface` makes one from a FileDescriptorSet. A message that was read is a Record: a dict
whose fields are attributes as well. Enums are names; a number that has none stays a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Iterable, Mapping

from .scalars import SCALARS, MessageError, Scalar, enum_scalar, expected
from .wire import LENGTH, Value, WireError, fields_of, pack, packed_values

DEPTH_MAX = 64


class Record(dict[str, Any]):
    """A message's fields, all of them: record["value"], or record.value where a dict has nothing
    else of that name (such as items)."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no field {name}") from None


@dataclass(frozen=True)
class Field:
    number: int
    name: str
    type_name: str
    repeated: bool = False
    optional: bool = False  # has presence: None is "not there"
    oneof: int | None = None  # those with the same number exclude each other
    json_name: str = ""  # also taken as a key


class Message:
    """A kind of message. Names of its schema are looked up when they are needed."""

    def __init__(
        self, schema: Schema, name: str, fields: Iterable[Field], is_map_entry: bool = False
    ) -> None:
        self.schema, self.name, self.is_map_entry = schema, name, is_map_entry
        self.fields = sorted(fields, key=lambda field: field.number)
        self.by_number = {field.number: field for field in self.fields}
        self.by_key = {
            key: field for field in self.fields for key in (field.name, field.json_name) if key
        }

    def encode(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> bytes:
        """Fields in the order of their numbers; None is "not there". MessageError."""
        given: dict[int, Any] = {}
        for key, value in {**(values or {}), **more}.items():
            field = self.by_key.get(key)
            if not field:
                raise MessageError(f"{self.name} has no such field", key)
            if field.number in given:
                raise MessageError("given twice", key)
            if value is not None:
                given[field.number] = value
        self._check_oneofs(given)
        return b"".join(
            self._encode_field(self.by_number[number], given[number]) for number in sorted(given)
        )

    def _check_oneofs(self, given: Iterable[int]) -> None:
        seen: dict[int, str] = {}
        for field in (self.by_number[number] for number in given):
            if field.oneof is not None and seen.setdefault(field.oneof, field.name) != field.name:
                raise MessageError(f"excludes {seen[field.oneof]}, which is given too", field.name)

    def _encode_field(self, field: Field, value: Any) -> bytes:
        try:
            if self.schema.is_map(field):
                return self._encode_map(field, value)
            if field.repeated:
                return self._encode_list(field, value)
            has_presence = field.optional or field.oneof is not None
            return self._encode_one(field, value, has_presence)
        except MessageError as error:
            raise error.inside(field.name) from None

    def _encode_map(self, field: Field, value: Any) -> bytes:
        if not isinstance(value, Mapping):
            raise expected("a mapping", value)
        out = b""
        for key, element in value.items():
            try:
                out += self._encode_one(field, {"key": key, "value": element}, True)
            except MessageError as error:
                inner = error.path.partition(".")[2]
                raise MessageError(error.text, inner).inside(f"[{key!r}]") from None
        return out

    def _encode_list(self, field: Field, value: Any) -> bytes:
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            raise expected("a list", value)
        out = b""
        for i, element in enumerate(value):
            try:
                out += self._encode_one(field, element, True)
            except MessageError as error:
                raise error.inside(f"[{i}]") from None
        return out

    def _encode_one(self, field: Field, value: Any, also_default: bool) -> bytes:
        scalar = self.schema.scalar(field.type_name)
        if scalar:
            wire_value = scalar.to_wire(scalar.check(value))
            if not also_default and wire_value == scalar.to_wire(scalar.check(scalar.default)):
                return b""
            return pack(field.number, scalar.wire, wire_value)
        if not isinstance(value, Mapping):
            raise expected("a mapping", value)
        return pack(field.number, LENGTH, self.schema[field.type_name].encode(value))

    def decode(self, data: bytes, depth: int = 1) -> Record:
        """Every field is there; unknown ones are skipped. WireError."""
        if depth > DEPTH_MAX:
            raise WireError("messages more than 64 deep")
        record = Record({field.name: self._default(field) for field in self.fields})
        for number, wire, value in fields_of(data):
            field = self.by_number.get(number)
            if field:
                self._decode_field(field, wire, value, record, depth)
        return record

    def _default(self, field: Field) -> Any:
        if field.repeated:
            return {} if self.schema.is_map(field) else []
        scalar = self.schema.scalar(field.type_name)
        return scalar.default if scalar and not field.optional and field.oneof is None else None

    def _decode_field(
        self, field: Field, wire: int, value: Value, record: Record, depth: int
    ) -> None:
        scalar = self.schema.scalar(field.type_name)
        if (
            scalar
            and field.repeated
            and wire == LENGTH != scalar.wire
            and isinstance(value, bytes)
        ):
            record[field.name] += [
                scalar.from_wire(element) for element in packed_values(value, scalar.wire)
            ]
            return
        if wire != (scalar.wire if scalar else LENGTH):
            raise WireError(f"{self.name}.{field.name} has the wrong wire type")
        if scalar:
            element = scalar.from_wire(value)
        elif not field.repeated and record[field.name] is not None:
            raise WireError(f"{self.name}.{field.name} came twice")
        else:
            assert isinstance(value, bytes)
            element = self.schema[field.type_name].decode(value, depth + 1)
        self._keep(field, element, record)

    def _keep(self, field: Field, element: Any, record: Record) -> None:
        if self.schema.is_map(field):
            kind = self.schema[field.type_name].by_number[2]
            if element.value is None:  # a message that was left out is an empty one
                element["value"] = self.schema[kind.type_name].decode(b"")
            record[field.name][element.key] = element.value
        elif field.repeated:
            record[field.name].append(element)
        else:
            self._end_others(field, record)
            record[field.name] = element

    def _end_others(self, field: Field, record: Record) -> None:
        for other in self.fields if field.oneof is not None else ():
            if other.oneof == field.oneof:
                record[other.name] = None


DECLARATION = re.compile(r"\b(message|enum)\s+(\w+)\s*\{([^{}]*)\}")
FIELD = re.compile(r"(?:(repeated|optional)\s+)?([\w.]+)\s+(\w+)\s*=\s*(\d+)")
VALUE = re.compile(r"(\w+)\s*=\s*(\d+)")
METHOD = re.compile(
    r"\brpc\s+(\w+)\s*\(([\w.]+)\)\s*returns\s*\(([\w.]+)\)\s*(;|\{[^{}]*\{[^{}]*\}[^{}]*\})"
)


class Schema:
    """Messages and enums by name: schema["Hello"] is a Message."""

    def __init__(self, text: str = "", *imports: Schema) -> None:
        self.imports = imports
        self.messages: dict[str, Message] = {}
        self.enums: dict[str, dict[str, int]] = {}
        self.methods: list[tuple[str, str, str, tuple[str, ...]]] = []
        self._scalars: dict[str, Scalar] = dict(SCALARS)
        self._declare(re.sub(r"//[^\n]*", "", text))

    def _declare(self, text: str) -> None:
        for kind, name, body in DECLARATION.findall(text):
            if kind == "enum":
                self.add_enum(name, {key: int(number) for key, number in VALUE.findall(body)})
            else:
                self.add_message(name, [self._field(*found) for found in FIELD.findall(body)])
        for name, asked, told, options in METHOD.findall(text):
            self.methods.append(
                (name, asked, told, tuple(sorted(re.findall(r"(\w+): true", options))))
            )

    @staticmethod
    def _field(label: str, type_name: str, name: str, number: str) -> Field:
        return Field(
            int(number), name, type_name.split(".")[-1], label == "repeated", label == "optional"
        )

    def add_enum(self, name: str, values: dict[str, int]) -> None:
        self.enums[name] = values
        self._scalars[name] = enum_scalar(values)

    def add_message(self, name: str, fields: Iterable[Field], is_map_entry: bool = False) -> None:
        self.messages[name] = Message(self, name, fields, is_map_entry)

    def __getitem__(self, name: str) -> Message:
        for schema in (self, *self.imports):
            if name in schema.messages:
                return schema.messages[name]
        raise KeyError(name)

    def scalar(self, type_name: str) -> Scalar | None:
        """None: a message."""
        for schema in (self, *self.imports):
            if type_name in schema._scalars:
                return schema._scalars[type_name]
        return None

    def is_map(self, field: Field) -> bool:
        return (
            field.repeated
            and not self.scalar(field.type_name)
            and self[field.type_name].is_map_entry
        )
