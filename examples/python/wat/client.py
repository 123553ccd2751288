"""A program's connection to one watd: made again when it is lost, shared by its capabilities.

One thread, blocking, with a deadline on everything. The rules for losses are those of PROTOCOL.md,
"After a loss".
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Callable, Iterator, TypeVar

from .address import parse
from .connection import Connection
from .status import (
    NOT_EXECUTED,
    DeadlineExceeded,
    EndOfStream,
    GoneAway,
    ProtocolError,
    Status,
    Unavailable,
    WatError,
)
from .tokens import Token, as_token

if TYPE_CHECKING:
    from .admin import Admin, Node
    from .lane import Lane
    from .user import User

Result = TypeVar("Result")

PAUSE_MIN_S, PAUSE_MAX_S = 0.005, 0.5
# A connection that ends so can be made again.
AGAIN = (Status.UNAVAILABLE, Status.OVERLOADED, Status.DEADLINE_EXCEEDED)


def pauses(deadline: float) -> Iterator[None]:
    """Once at once, then with growing pauses, until the time is over."""
    pause = PAUSE_MIN_S
    yield
    while time.monotonic() + pause < deadline:
        time.sleep(pause)
        pause = min(2 * pause, PAUSE_MAX_S)
        yield


def milliseconds_until(deadline: float) -> int:
    """A budget: at least 1, for 0 would be no limit."""
    return min(max(1, int((deadline - time.monotonic()) * 1000)), (1 << 32) - 1)


def may_have_run(error: WatError) -> WatError:
    """Somebody else's refusal, of a call of which nobody can say that it was not run."""
    knows_nothing = error.status in (*NOT_EXECUTED, Status.DEADLINE_EXCEEDED)
    status = Status.DISCONNECTED if knows_nothing else error.status
    return WatError.of(status, f"{error.text}; this call may have run", error.chain)


class Client:
    """Owns the connection. Its Users, Admins and Node must be used on the thread that uses it.

    `timeout_s` is how long each call may take, with all that is lost and made again in between.
    """

    def __init__(self, address: str | None = None, timeout_s: float = 30.0) -> None:
        """Without an address: $WAT_SOCKET, else the default socket. Unavailable if nobody is
        there, at once; AddressError, PermissionError if it is not whom it should be."""
        self.address, self.timeout_s = parse(address), timeout_s
        self.connection: Connection | None = None
        self.node_id: bytes | None = None
        self.lanes: list[Lane] = []
        try:
            self.get(time.monotonic() + timeout_s)
        except PermissionError:
            raise
        except (EndOfStream, OSError) as loss:
            raise Unavailable(
                Status.UNAVAILABLE, f"no watd can be reached at {self.address}: {loss}"
            ) from loss

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Its Users' lanes end as well."""
        for lane in list(self.lanes):
            lane.close()
        if self.connection:
            with suppress(TimeoutError, EndOfStream, ProtocolError):
                self.connection.stream.flush(time.monotonic() + 1.0)
        self.lose()

    def lose(self) -> None:
        if self.connection:
            self.connection.close()
        self.connection = None

    def get(self, deadline: float) -> Connection:
        if self.connection and self.connection.ended:
            self.lose()
        if not self.connection:
            self.connection = Connection(self.address, deadline)
            if self.node_id not in (None, self.connection.node_id):
                self.lose()
                raise ProtocolError(f"another node answers at {self.address}")
            self.node_id = self.connection.node_id
        return self.connection

    def run(
        self,
        deadline: float,
        what: Callable[[Connection], Result],
        once: Callable[[], bool] = bool,
    ) -> Result:
        """what(connection), again while the connection is lost or the answer is "not now", unless
        once() says after a loss that it may not be done again."""
        error: WatError = DeadlineExceeded(Status.DEADLINE_EXCEEDED, "no time was left")
        for _ in pauses(deadline):
            try:
                return what(self.get(deadline))
            except (WatError, TimeoutError, EndOfStream, OSError, ProtocolError) as loss:
                error = self._judge(loss)
            if once():
                break
        raise error

    def _judge(self, loss: Exception) -> WatError:
        """What is left to say if it is not tried again; raised, if trying again is of no use."""
        if isinstance(loss, GoneAway):
            self.lose()
            if loss.status in AGAIN:
                return loss
        elif isinstance(loss, WatError):
            if loss.status == Status.UNAVAILABLE:
                return loss
        elif isinstance(loss, TimeoutError):
            raise DeadlineExceeded(Status.DEADLINE_EXCEEDED, "no answer came in time") from None
        elif isinstance(loss, (ProtocolError, PermissionError)):
            self.lose()
        else:
            self.lose()
            return Unavailable(
                Status.UNAVAILABLE,
                f"watd is not reachable at {self.address}: {loss or 'it has gone'}",
            )
        raise loss

    def user(self, token: Token | str, service: str = "") -> User:
        """Binds a User. `service`, by its full name, is checked before anything is sent."""
        from .user import User

        return User(self, as_token(token), service)

    def admin(self, token: Token | str, service: str = "") -> Admin:
        from .admin import Admin

        return Admin(self, as_token(token), service)

    def node(self) -> Node:
        """On admin.sock only."""
        from .admin import Node

        return Node(self)
