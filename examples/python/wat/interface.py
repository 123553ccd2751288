"""What a service looks like, from the FileDescriptorSet that GetInterface answers.

The bytes are a stranger's: what does not make sense in them is a ProtocolError, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from .messages import Field, Message, Record, Schema
from .status import ProtocolError
from .wire import WireError

# As much of google/protobuf/descriptor.proto as is needed, and what watd adds to it.
DESCRIPTOR = Schema(
    """
message FileSet { repeated File file = 1; }
message File {
  string package = 2; repeated Kind message_type = 4; repeated Enum enum_type = 5;
  repeated Service service = 6;
}
message Kind {
  string name = 1; repeated Declared field = 2; repeated Kind nested_type = 3;
  repeated Enum enum_type = 4;
  KindOptions options = 7;
}
message KindOptions { bool map_entry = 7; }
message Declared {
  string name = 1; int32 number = 3; int32 label = 4; int32 type = 5; string type_name = 6;
  optional int32 oneof_index = 9; string json_name = 10; bool proto3_optional = 17;
}
message Enum { string name = 1; repeated EnumValue value = 2; }
message EnumValue { string name = 1; int32 number = 2; }
message Service { string name = 1; repeated Rpc method = 2; ServiceOptions options = 3; }
message ServiceOptions { Stated wat = 50817; }
message Stated { string state = 1; uint32 version = 4; }
message Rpc {
  string name = 1; string input_type = 2; string output_type = 3; RpcOptions options = 4;
}
message RpcOptions { Flags wat = 50817; }
message Flags { bool read_only = 1; bool later = 2; bool internal = 3; uint32 deadline_ms = 5; }
"""
)

# By their numbers.
TYPES = (
    "- double float int64 uint64 int32 fixed64 fixed32 bool string group message bytes uint32 enum"
    " sfixed32 sfixed64 sint32 sint64"
).split()
NAMED = (11, 14)
REPEATED = 3


@dataclass(frozen=True)
class Method:
    """`internal`: no User may call it. `later`: its answer may come after those of later calls."""

    number: int
    name: str
    input: Message
    output: Message
    read_only: bool = False
    later: bool = False
    internal: bool = False
    deadline_ms: int = 0


class Interface:
    """A service's methods by name, with the messages that they take and answer."""

    def __init__(self, service: str, file_descriptor_set: bytes) -> None:
        self.service = service
        try:
            files = DESCRIPTOR["FileSet"].decode(file_descriptor_set).file
            self.schema = schema_of(files)
            declared = self._find(files)
            methods = [self._method(i, rpc) for i, rpc in enumerate(declared.method)]
        except (WireError, KeyError) as error:
            raise ProtocolError(f"the schema of {service} makes no sense: {error}") from error
        self.methods = {method.name: method for method in methods}
        options = declared.options and declared.options.wat
        self.state_name = f".{options.state}" if options else ""
        self.version = options.version if options else 0

    def state(self) -> Message:
        """The message that is the service's state: what a Spawn begins with and a Stop answers."""
        try:
            return self.schema[self.state_name]
        except KeyError:
            raise ProtocolError(f"the schema does not tell the state of {self.service}") from None

    def method(self, name: str) -> Method:
        if name not in self.methods:
            known = ", ".join(self.methods)
            raise AttributeError(f"{self.service} has no method {name}; it has {known}")
        return self.methods[name]

    def _find(self, files: Iterable[Record]) -> Record:
        services = ((file.package, service) for file in files for service in file.service)
        for package, service in services:
            if f"{package}.{service.name}".lstrip(".") == self.service:
                assert isinstance(service, Record)
                return service
        raise KeyError(self.service)

    def _method(self, number: int, rpc: Record) -> Method:
        flags = (rpc.options and rpc.options.wat) or DESCRIPTOR["Flags"].decode(b"")
        asked, told = self.schema[rpc.input_type], self.schema[rpc.output_type]
        return Method(number, rpc.name, asked, told, **flags)


def schema_of(files: Iterable[Record]) -> Schema:
    """Of FileDescriptorProtos, by full names that begin with a dot. KeyError, WireError."""
    schema = Schema()
    for file in files:
        _declare(schema, file, f".{file.package}" if file.package else "")
    _check_types(schema)
    return schema


def _declare(schema: Schema, scope: Record, name: str) -> None:
    for enum in scope.enum_type:
        values = {value.name: value.number for value in enum.value}
        schema.add_enum(f"{name}.{enum.name}", values)
    for kind in scope.message_type if "message_type" in scope else scope.nested_type:
        full_name = f"{name}.{kind.name}"
        is_map_entry = bool(kind.options and kind.options.map_entry)
        schema.add_message(full_name, map(_field, kind.field), is_map_entry)
        _declare(schema, kind, full_name)


def _check_types(schema: Schema) -> None:
    """That every name is there is known before the first call, not in the middle of one."""
    fields = [(message, field) for message in schema.messages.values() for field in message.fields]
    for message, field in fields:
        if schema.scalar(field.type_name):
            continue
        kind = schema[field.type_name]
        if kind.is_map_entry and set(kind.by_number) != {1, 2}:
            raise WireError(f"{message.name}.{field.name} is no map")


def _field(declared: Record) -> Field:
    if not 0 < declared.type < len(TYPES) or declared.number <= 0:
        raise WireError(f"field {declared.name} of an unknown type")
    type_name = declared.type_name if declared.type in NAMED else TYPES[declared.type]
    oneof = None if declared.proto3_optional else declared.oneof_index
    return Field(
        declared.number,
        declared.name,
        type_name,
        declared.label == REPEATED,
        declared.proto3_optional,
        oneof,
        declared.json_name if declared.json_name != declared.name else "",
    )
