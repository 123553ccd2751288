"""Frames and the messages of the protocol itself (PROTOCOL.md, "Frames", "Messages"). Pure."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

from .messages import Schema
from .status import GoneAway, ProtocolError, Status, WatError
from .wire import WireError

BODY_MAX = 1024 * 1024
CONTROL_BODY_MAX = BODY_MAX + 64 * 1024

FLAG_FD, FLAG_SKIPPABLE = 1, 2
LANE_NEW, LANE_RESUMED, LANE_LOST = "LANE_NEW", "LANE_RESUMED", "LANE_LOST"

HEADER = struct.Struct("<IBBHQIIII")

FrameType = IntEnum(
    "FrameType",
    "HELLO WELCOME BIND BOUND ATTACHED DROP CALL REPLY FAIL CANCEL EVENT PING PONG GOAWAY DIED",
)

ENVELOPE = Schema(
    """
enum Role { NODE = 0; ADMIN = 1; USER = 2; }
enum LaneMode { NEW = 0; RESUME = 1; }
enum LaneState { LANE_NEW = 0; LANE_RESUMED = 1; LANE_LOST = 2; }
enum CauseKind {
  UNKNOWN_CAUSE = 0; FAILURE = 1; PANIC = 2; SIGNAL = 3; EXIT = 4; REFUSED = 5; DIVERGED = 6; GROUP = 7;
}
message Hello { uint32 version = 1; string program = 2; }
message Welcome {
  uint32 version = 1; bytes challenge = 2; bytes node_id = 3; string program = 4;
  uint32 max_body = 5;
  bool handles = 6;
}
message Bind {
  Role role = 1; bytes token = 2; bytes proof = 3; bytes lane = 4; LaneMode lane_mode = 5;
}
message Bound {
  uint32 handle = 1; string service = 2; string instance = 3; bytes instance_id = 4;
  fixed64 method_mask = 5;
}
message Attached { uint64 generation = 1; LaneState lane = 2; uint64 last_applied = 3; }
message Died { uint64 call = 1; Failure failure = 2; }
message GoAway { uint32 status = 1; uint64 last_read_id = 2; Failure failure = 3; }
message Cause {
  CauseKind kind = 1; string service = 2; string instance = 3; uint64 generation = 4;
  string method = 5;
  uint32 signal = 6; uint64 address = 7; repeated string frames = 8; string text = 9;
  uint64 time_ms = 10;
}
message Failure { string text = 1; repeated Cause chain = 2; }
message Event {
  uint64 seq = 1; uint64 time_ms = 2; string kind = 3;
  string instance = 4;
  bytes incarnation = 5; uint64 generation = 6;
  fixed64 invocation = 7;
  bool has_peer = 8; uint32 uid = 9; uint32 pid = 10; string user = 11; bytes grant_id = 12;
  uint32 status = 13; uint32 count = 14; string detail = 15;
  string address = 16;
}
message EventList { repeated Event events = 1; uint64 next_seq = 2; uint64 oldest_seq = 3; }
"""
)


class Frame(NamedTuple):
    type: int
    body: bytes = b""
    method: int = 0
    id: int = 0
    handle: int = 0
    budget: int = 0
    window: int = 0
    flags: int = 0

    def encode(self) -> bytes:
        return (
            HEADER.pack(
                len(self.body),
                self.type,
                self.flags,
                self.method,
                self.id,
                self.handle,
                self.budget,
                self.window,
                0,
            )
            + self.body
        )


def decode_header(data: bytes, body_max: int) -> tuple[Frame, int]:
    """The frame without its body, and how long that is. ProtocolError."""
    length, kind, flags, method, id_, handle, budget, window, reserved = HEADER.unpack(data)
    if reserved != 0 or flags & ~(FLAG_FD | FLAG_SKIPPABLE):
        raise ProtocolError("reserved bytes or unknown flags are set")
    if length > body_max:
        raise ProtocolError(f"a body of {length} bytes is over the limit")
    if kind not in FrameType.__members__.values() and not flags & FLAG_SKIPPABLE:
        raise ProtocolError(f"frame type {kind} is not known")
    return Frame(kind, b"", method, id_, handle, budget, window, flags), length


def error_of(frame: Frame) -> WatError:
    """What a FAIL says. Status 0 there makes no sense, and is taken for a mistake of the peer."""
    try:
        failure = ENVELOPE["Failure"].decode(frame.body)
    except WireError:
        failure = ENVELOPE["Failure"].decode(b"")
    return WatError.of(frame.budget or Status.INTERNAL, failure.text, failure.chain)


class Ending(NamedTuple):
    """What a GOAWAY says."""

    status: Status
    last_read_id: int
    error: WatError

    @classmethod
    def of(cls, frame: Frame) -> Ending:
        try:
            goaway = ENVELOPE["GoAway"].decode(frame.body)
        except WireError as wrong:
            raise ProtocolError(f"a GOAWAY that makes no sense: {wrong}") from wrong
        failure = goaway.failure or ENVELOPE["Failure"].decode(b"")
        error = WatError.of(goaway.status or Status.INTERNAL, failure.text, failure.chain)
        return cls(error.status, goaway.last_read_id, error)

    def of_connection(self) -> GoneAway:
        return GoneAway(self.status, self.error.text, self.error.chain)
