"""Statuses, and the exceptions that carry them (PROTOCOL.md, "Statuses")."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar, Iterable


class Status(IntEnum):
    """0 to 16 are gRPC's, those from 32 on watd's own. A number that is none of them is
    UNKNOWN."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16
    ACCESS_DENIED = 32
    STALE = 33
    STOPPED = 34
    SERVER_DIED = 35
    PEER_DIED = 36
    DISCONNECTED = 37
    OVERLOADED = 38
    START_FAILED = 39
    TOO_LARGE = 40
    TOO_OLD = 41
    DEADLOCK = 42

    @classmethod
    def _missing_(cls, value: object) -> Status:
        return cls.UNKNOWN


# What says of a call that it was not run, whoever sends it.
NOT_EXECUTED = (Status.UNAVAILABLE, Status.OVERLOADED)


class WatError(Exception):
    """A status other than OK: the sentence for people, and the causes, nearest first.

    `chain` has the fields of wat.envelope.Cause: an Admin is told all that is known, a User the
    kind and the service. Some statuses have a class of their own, to be caught by name.
    """

    classes: ClassVar[dict[Status, type[WatError]]] = {}
    of_status: ClassVar[Status | None] = None

    def __init__(self, status: int, text: str = "", chain: Iterable[Any] = ()) -> None:
        self.status = Status(status)
        self.text = text
        self.chain = list(chain)
        super().__init__(f"{self.status.name}: {text}")

    def __init_subclass__(cls) -> None:
        if cls.of_status is not None:
            WatError.classes.setdefault(cls.of_status, cls)

    @staticmethod
    def of(status: int, text: str = "", chain: Iterable[Any] = ()) -> WatError:
        """In the class of its status."""
        return WatError.classes.get(Status(status), WatError)(status, text, chain)

    def causes(self) -> list[str]:
        """A line for each cause, with as much as this capability is told."""
        return [_line_of(cause) for cause in self.chain]


def _line_of(cause: Any) -> str:
    of = f"{cause.instance} ({cause.service})" if cause.instance else cause.service
    details = [
        f"generation {cause.generation}" if cause.generation else "",
        f"in {cause.method}" if cause.method else "",
        f"signal {cause.signal}" if cause.signal else "",
        cause.text,
        *cause.frames,
    ]
    return ": ".join(
        [f"{cause.kind} of {of}", *(", ".join(filter(None, details)),) * any(details)]
    )


class DeadlineExceeded(WatError):
    """Not run in time, or no answer in time: the text says which."""

    of_status = Status.DEADLINE_EXCEEDED


class NotFound(WatError):
    of_status = Status.NOT_FOUND


class AlreadyExists(WatError):
    of_status = Status.ALREADY_EXISTS


class Unavailable(WatError):
    """Not now; it was not run."""

    of_status = Status.UNAVAILABLE


class AccessDenied(WatError):
    of_status = Status.ACCESS_DENIED


class Stale(WatError):
    """The capability is of an earlier incarnation of the name."""

    of_status = Status.STALE


class Stopped(WatError):
    """Somebody stopped the instance; it did not die."""

    of_status = Status.STOPPED


class ServerDied(WatError):
    """The service died of this call, or made it panic; it is not run again."""

    of_status = Status.SERVER_DIED


class PeerDied(WatError):
    """A service that this one called died."""

    of_status = Status.PEER_DIED


class Disconnected(WatError):
    """The connection was lost and nobody is left to ask: the call may have run."""

    of_status = Status.DISCONNECTED


class Overloaded(WatError):
    """Too busy; it was not run."""

    of_status = Status.OVERLOADED


class ProtocolError(Exception):
    """The peer broke the protocol: the connection is of no use any more."""


class EndOfStream(Exception):
    """The peer has gone, and everything that it had sent was read."""


class GoneAway(WatError):
    """A control connection ends by the peer's decision."""
