"""A User: a service's methods by name, requests and replies as dicts, by the schema that watd has
of it."""

from __future__ import annotations

from typing import Any, Mapping

from .client import Client
from .connection import Connection
from .interface import Interface, Method
from .lane import Call, Lane
from .messages import Message, Record, Schema
from .status import ProtocolError
from .tokens import Token
from .wire import WireError

SESSION = Schema(
    """
message GetInterfaceRequest { uint32 handle = 1; }
message Description { string service = 1; bytes schema = 2; }
service Session {
  rpc GetInterface(GetInterfaceRequest) returns (Description) {
    option (wat.method) = { read_only: true };
  }
}
"""
)


def get_interface(connection: Connection, handle: int, deadline: float | None = None) -> Interface:
    """Of the service behind a bound Admin or User."""
    reply = connection.call(0, 0, SESSION["GetInterfaceRequest"].encode(handle=handle), deadline)
    try:
        description = SESSION["Description"].decode(reply)
    except WireError as error:
        raise ProtocolError(f"GetInterface: {error}") from error
    return Interface(description.service, description.schema)


class Pending:
    """A call that was sent."""

    def __init__(self, lane: Lane, call: Call, method: Method) -> None:
        self._lane, self._call, self._method = lane, call, method

    @property
    def done(self) -> bool:
        """Whether result() returns at once."""
        return self._call.done

    def result(self) -> Record:
        """Waits for it. WatError: how it failed."""
        return decode_reply(self._method.name, self._method.output, self._lane.wait(self._call))


def decode_reply(what: str, message: Message, reply: bytes) -> Record:
    try:
        return message.decode(reply)
    except WireError as error:
        raise ProtocolError(f"the reply to {what}: {error}") from error


class User:
    """Calls by name: user.call("Increment", n=5), or with a dict; send() does not wait.

    A call is done once, whatever dies in between, and raises the WatError that says how it failed;
    a Disconnected may have run. Up to 256 can be open; send() waits for a place.
    """

    def __init__(self, client: Client, token: Token, service: str = "") -> None:
        self._interface: Interface | None = None
        self.lane = Lane(client, token, None, service, self._on_bound)

    def _on_bound(self, connection: Connection, bound: Record, deadline: float) -> None:
        """Asked for once, while the handle is good for it."""
        if not self._interface:
            self._interface = get_interface(connection, bound.handle, deadline)

    @property
    def interface(self) -> Interface:
        assert self._interface
        return self._interface

    def __enter__(self) -> User:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The lane, not the grant: the token is good for another User."""
        self.lane.close()

    def call(self, method: str, values: Mapping[str, Any] | None = None, /, **more: Any) -> Record:
        return self.send(method, values, **more).result()

    def send(
        self, method: str, values: Mapping[str, Any] | None = None, /, **more: Any
    ) -> Pending:
        """MessageError: a value does not fit its field; nothing was sent."""
        declared = self.interface.method(method)
        request = declared.input.encode(values, **more)
        call = self.lane.send(declared.number, request, declared.read_only, declared.later)
        return Pending(self.lane, call, declared)
