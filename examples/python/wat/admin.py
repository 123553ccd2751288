"""An Admin manages an instance, the Node all of them: calls on the control connection."""

from __future__ import annotations

import os
import time
from typing import Any, Iterable, Iterator

from nacl.signing import SigningKey

from . import tokens
from .client import Client, may_have_run, milliseconds_until
from .connection import Connection
from .interface import Interface
from .messages import Message, Record, Schema
from .node_messages import NODE
from .status import EndOfStream, GoneAway, WatError
from .user import decode_reply, get_interface

ADMIN = Schema(
    """
message ProvisionRequest {
  bytes request_id = 1; string user = 2; bytes holder_pk = 3; fixed64 method_mask = 4;
  uint64 not_after = 5;
  bool session = 6; uint32 rate = 7; uint32 in_flight = 8; uint32 pid = 9; uint64 pid_start = 10;
}
message ProvisionReply { bytes token = 1; bytes grant_id = 2; }
message DeprovisionRequest { bytes request_id = 1; string user = 2; }
message StopRequest { bytes request_id = 1; }
message ReleaseRequest { bytes request_id = 1; }
message ReleaseReply { uint64 generation = 1; }
message RenewRequest { bytes request_id = 1; string user = 2; uint64 not_after = 3; }
message WatchRequest {
  uint64 after_seq = 1; uint32 limit = 2; bool wait = 3; uint64 since_ms = 4; uint32 newest = 5;
}
message UserLeft { string name = 1; bytes grant_id = 2; uint32 channels = 3; }
message StopReply {
  bytes state = 1; uint64 generation = 2; repeated UserLeft users = 3; uint32 n_left = 4;
}
message Empty { }
service Admin {
  rpc Provision(ProvisionRequest) returns (ProvisionReply) {
    option (wat.method) = { later: true };
  }
  rpc Deprovision(DeprovisionRequest) returns (wat.Empty) {
    option (wat.method) = { later: true };
  }
  rpc Stop(StopRequest) returns (StopReply) { option (wat.method) = { later: true }; }
  rpc Release(ReleaseRequest) returns (ReleaseReply) {
    option (wat.method) = { later: true };
  }
  rpc Renew(RenewRequest) returns (ProvisionReply) {
    option (wat.method) = { later: true };
  }
  rpc Watch(WatchRequest) returns (wat.envelope.EventList) {
    option (wat.method) = { later: true read_only: true };
  }
}
"""
)


class Attempt:
    """One call of a Manager, however often it is sent. Its bytes stay the same, request id
    included."""

    def __init__(
        self, manager: Manager, number: int, request: bytes, deadline: float, may_repeat: bool
    ) -> None:
        self.manager, self.number, self.request = manager, number, request
        self.deadline, self.may_repeat = deadline, may_repeat
        self.may_have_run = False

    def once(self, connection: Connection) -> bytes:
        handle = self.manager.handle(connection, self.deadline)
        at = connection.stream.end()
        try:
            return connection.call(
                handle, self.number, self.request, self.deadline, milliseconds_until(self.deadline)
            )
        except (EndOfStream, GoneAway, TimeoutError):
            self.may_have_run |= connection.stream.n_written > at
            raise

    def run(self) -> bytes:
        """Disconnected: it may have run. What may not be repeated is not sent again after a
        loss."""
        client = self.manager.client
        try:
            return client.run(
                self.deadline, self.once, lambda: self.may_have_run and not self.may_repeat
            )
        except WatError as error:
            raise (may_have_run(error) if self.may_have_run else error) from None


class Manager:
    """What an Admin and the Node share: a handle that is bound on each connection anew, and
    methods by name, whose numbers are their order."""

    role = tokens.ADMIN
    schema: Schema

    def __init__(self, client: Client, token: tokens.Token | None) -> None:
        self.client, self.token = client, token
        self.bound: Record | None = None
        self.bound_on: Connection | None = None
        client.run(self._deadline(), lambda connection: self.handle(connection, self._deadline()))

    def _deadline(self) -> float:
        return time.monotonic() + self.client.timeout_s

    def handle(self, connection: Connection, deadline: float) -> int:
        """RESUME after the first time: whoever held an Admin may still fetch what a Stop
        answered."""
        if self.bound_on is not connection:
            if self.token:
                self.token.check(self.role, connection.node_id)
            resume = self.role == tokens.ADMIN and self.bound_on is not None
            self.bound = connection.bind(
                self.role, self.token, b"", resume, milliseconds_until(deadline), deadline
            )[0]
            self.bound_on = connection
        assert self.bound
        return int(self.bound.handle)

    def close(self) -> None:
        """The handle, not the capability."""
        if self.bound and self.bound_on is self.client.connection and self.bound_on:
            self.bound_on.drop(self.bound.handle)
        self.bound = self.bound_on = None

    def call(self, method: str, /, **values: Any) -> Record:
        """With a request id of its own, where there is one: done once, however often it is
        sent."""
        number, asked, told, flags = next(
            (i, *found[1:]) for i, found in enumerate(self.schema.methods) if found[0] == method
        )
        request, reply = self._message(asked), self._message(told)
        has_request_id = "request_id" in request.by_key
        if has_request_id:
            values.setdefault("request_id", os.urandom(16))
        may_repeat = has_request_id or "read_only" in flags
        attempt = Attempt(self, number, request.encode(values), self._deadline(), may_repeat)
        return decode_reply(method, reply, attempt.run())

    def _message(self, name: str) -> Message:
        return self.schema[name.split(".")[-1]]

    def _call_with_key(self, method: str, **values: Any) -> tuple[Record, str]:
        """The reply and its token, complete: the key is made here, and no seed crosses the
        wire."""
        seed = os.urandom(32)
        reply = self.call(method, holder_pk=bytes(SigningKey(seed).verify_key), **values)
        return reply, tokens.decode(reply.token).with_seed(seed).text() if reply.token else ""


class Admin(Manager):
    """Its Users may do what their methods name; nobody but it can stop the instance."""

    schema = ADMIN

    def __init__(self, client: Client, token: tokens.Token, service: str = "") -> None:
        self._interface: Interface | None = None
        if service:
            token.check(tokens.ADMIN, token.node_id, service)
        super().__init__(client, token)

    @property
    def interface(self) -> Interface:
        """Of the service; watd is asked once."""
        if not self._interface:
            deadline = self._deadline()
            self._interface = self.client.run(
                deadline,
                lambda connection: get_interface(
                    connection, self.handle(connection, deadline), deadline
                ),
            )
        return self._interface

    def provision(
        self,
        user: str,
        methods: Iterable[str] = (),
        not_after: int = 0,
        session: bool = False,
        rate: int = 0,
        in_flight: int = 0,
    ) -> str:
        """The new User's token, as a line: whoever has it is that User. Without methods: all of
        them. `not_after` in Unix seconds, 0 is watd's default; `session`: it ends with its last
        channel; `rate`: calls a second, `in_flight`: calls that are open, 0: no limit.
        """
        mask = sum(1 << self.interface.method(name).number for name in set(methods))
        return self._call_with_key(
            "Provision",
            user=user,
            method_mask=mask,
            not_after=not_after,
            session=session,
            rate=rate,
            in_flight=in_flight,
        )[1]

    def deprovision(self, user: str) -> None:
        """When it returns, none of that User's calls runs any more."""
        self.call("Deprovision", user=user)

    def stop(self) -> Record:
        """Ends the incarnation: its state, in the service's own message, and the Users that were
        left. What this client's Users have sent is served before."""
        interface, deadline = self.interface, self._deadline()
        for lane in self.client.lanes:
            if self.token and lane.token.instance_id == self.token.instance_id:
                lane.flush(deadline)
        reply = self.call("Stop")
        reply["state"] = decode_reply("Stop", interface.state(), reply.state)
        return reply


class Node(Manager):
    """The instances of a watd; by admin.sock, which needs no token."""

    role = tokens.NODE
    schema = NODE

    def __init__(self, client: Client) -> None:
        super().__init__(client, None)

    def spawn(
        self, service: str, name: str, state: dict[str, Any] | None = None, **more: Any
    ) -> str:
        """The Admin's token, as a line. `more`: tier, durability."""
        described = self.call("Describe", service=service)
        interface = Interface(described.service, described.schema)
        packed = interface.state().encode(state)
        return self._call_with_key(
            "Spawn", service=described.service, name=name, state=packed, **more
        )[1]

    def instances(self, limit: int = 100_000) -> Iterator[Record]:
        """All of them, in the order in which they began; page by page, of at most so many."""
        return self._pages("List", "instances", limit=limit)

    def users(self, name: str, limit: int = 100_000) -> Iterator[Record]:
        """Those of the instance, in the same way."""
        return self._pages("Users", "users", name=name, limit=limit)

    def _pages(self, method: str, entries: str, **request: Any) -> Iterator[Record]:
        after = 0
        while True:
            page = self.call(method, after=after, **request)
            yield from page[entries]
            after = page.next
            if after == 0:
                return

    def start(self, name: str, **more: Any) -> str:
        """The new Admin's token; "" if a failed incarnation goes on, whose Admin is still good."""
        return self._call_with_key("Start", name=name, **more)[1]

    def open_admin(self, name: str, only: bool = False) -> str:
        """One more Admin's token; `only`: all others end."""
        return self._call_with_key("OpenAdmin", name=name, only=only)[1]
