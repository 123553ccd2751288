"""The wire of watd: frames, the messages in them, and the two kinds of connections.

Written from PROTOCOL.md alone; no file of watd is needed. wat_client.py builds on this what a
program wants: capabilities that survive the loss of a connection.
"""

import array
import os
import pwd
import select
import socket
import struct
import time
from enum import IntEnum
from typing import NamedTuple

import wat_token
from wat_messages import Schema, WireError

BODY_MAX = 1024 * 1024
CONTROL_BODY_MAX = BODY_MAX + 64 * 1024
READ_SIZE = 64 * 1024
FDS_MAX = 16

FLAG_FD, FLAG_SKIPPABLE = 1, 2

FrameType = IntEnum(
    "FrameType", "HELLO WELCOME BIND BOUND ATTACHED DROP CALL REPLY FAIL CANCEL EVENT PING PONG GOAWAY")


class Status(IntEnum):
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
    def _missing_(cls, value):
        return cls.UNKNOWN


ENVELOPE = Schema("""
enum Role { NODE = 0; ADMIN = 1; USER = 2; }
enum LaneMode { NEW = 0; RESUME = 1; }
enum LaneState { LANE_NEW = 0; LANE_RESUMED = 1; LANE_LOST = 2; }
enum CauseKind { UNKNOWN_CAUSE = 0; FAILURE = 1; PANIC = 2; SIGNAL = 3; EXIT = 4; REFUSED = 5; DIVERGED = 6; }
message Hello { uint32 version = 1; string program = 2; }
message Welcome {
  uint32 version = 1; bytes challenge = 2; bytes node_id = 3; string program = 4; uint32 max_body = 5; bool handles = 6;
}
message Bind { Role role = 1; bytes token = 2; bytes proof = 3; bytes lane = 4; LaneMode lane_mode = 5; }
message Bound {
  uint32 handle = 1; string service = 2; string instance = 3; bytes instance_id = 4; fixed64 method_mask = 5;
}
message Attached { uint64 generation = 1; LaneState lane = 2; uint64 last_applied = 3; }
message GoAway { uint32 status = 1; uint64 last_read_id = 2; Failure failure = 3; }
message Cause {
  CauseKind kind = 1; string service = 2; string instance = 3; uint64 generation = 4; string method = 5;
  uint32 signal = 6; uint64 address = 7; repeated string frames = 8; string text = 9; uint64 time_ms = 10;
}
message Failure { string text = 1; repeated Cause chain = 2; }
""")

LANE_NEW, LANE_RESUMED, LANE_LOST = 0, 1, 2
HEADER = struct.Struct("<IBBHQIIII")


class ProtocolError(Exception):
    """The peer broke the protocol: the connection is of no use any more."""


class EndOfStream(Exception):
    """The peer has gone, and everything that it had sent was read."""


class WatError(Exception):
    """A status other than OK."""

    def __init__(self, status, text="", chain=()):
        super().__init__(f"{Status(status).name}: {text}")
        self.status, self.text, self.chain = Status(status), text, list(chain)

    @classmethod
    def of_fail(cls, frame):
        """Of a FAIL. Status 0 there makes no sense, and is taken for a mistake of the peer."""
        try:
            failure = ENVELOPE["Failure"].decode(frame.body)
        except WireError:
            failure = ENVELOPE["Failure"].decode(b"")
        return cls(frame.budget or Status.INTERNAL, failure.text, failure.chain)


class GoneAway(WatError):
    """A control connection ends by the peer's decision."""


class Frame(NamedTuple):
    type: int
    body: bytes = b""
    method: int = 0
    id: int = 0
    handle: int = 0
    budget: int = 0
    window: int = 0
    flags: int = 0

    def encode(self):
        return HEADER.pack(len(self.body), self.type, self.flags, self.method, self.id, self.handle,
                           self.budget, self.window, 0) + self.body


def decode_header(data, body_max):
    """The frame without its body, and how long that is."""
    length, kind, flags, method, id_, handle, budget, window, reserved = HEADER.unpack(data)
    if reserved != 0 or flags & ~(FLAG_FD | FLAG_SKIPPABLE):
        raise ProtocolError("reserved bytes or unknown flags are set")
    if length > body_max:
        raise ProtocolError(f"a body of {length} bytes")
    if kind not in FrameType.__members__.values() and not flags & FLAG_SKIPPABLE:
        raise ProtocolError(f"unknown frame type {kind}")
    return Frame(kind, b"", method, id_, handle, budget, window, flags), length


class Stream:
    """Frames over a unix stream socket, with the descriptors that come with them. Owns the socket.

    Sending never blocks: what the peer does not take yet is written while a frame is waited for, so
    two ends that both write first can't stop one another."""

    def __init__(self, sock, body_max):
        sock.setblocking(False)
        self.sock = sock
        self.body_max = body_max
        self.data = b""
        self.fds = []
        self.ended = False      # nothing more comes
        self.broken = False     # nothing more can be written
        self.out = bytearray()
        self.n_written = 0      # position in the stream of the first byte of self.out

    def close(self):
        for fd in self.fds:
            os.close(fd)
        self.fds = []
        self.sock.close()

    def send(self, frame):
        """The position of its first byte: written once self.n_written is greater."""
        at = self.n_written + len(self.out)
        self.out += frame.encode()
        self.write()
        return at

    def write(self):
        """What the peer wrote before it went can still be read: its end is for read() to find."""
        try:
            while self.out and not self.broken:
                n = self.sock.send(self.out, socket.MSG_NOSIGNAL)
                self.n_written += n
                del self.out[:n]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            self.broken = True

    def flush(self, deadline=None):
        while self.out and not self.broken:
            self.wait(deadline)

    def receive(self, deadline=None):
        """The next frame, and its descriptor or None. EndOfStream; TimeoutError at the deadline, on
        time.monotonic()'s clock."""
        while True:
            frame = self.take_frame()
            if not frame:
                self.wait(deadline)
                continue
            fd = self.take_fd(frame)
            if frame.type == FrameType.PING:
                self.send(Frame(FrameType.PONG, id=frame.id))
            elif frame.type in FrameType.__members__.values():
                return frame, fd
            if fd is not None:
                os.close(fd)

    def take_frame(self):
        if len(self.data) < HEADER.size:
            return None
        frame, length = decode_header(self.data[: HEADER.size], self.body_max)
        end = HEADER.size + length
        if len(self.data) < end:
            return None
        frame = frame._replace(body=self.data[HEADER.size : end])
        self.data = self.data[end:]
        return frame

    def take_fd(self, frame):
        if not frame.flags & FLAG_FD:
            return None
        if not self.fds:
            raise ProtocolError("the descriptor that a frame announces did not come")
        return self.fds.pop(0)

    def wait(self, deadline):
        if self.ended:
            raise EndOfStream
        if not self.data and self.fds:
            raise ProtocolError("a descriptor came without a frame")
        poll = select.poll()
        poll.register(self.sock, select.POLLIN | (select.POLLOUT if self.out and not self.broken else 0))
        left_ms = None if deadline is None else max(0, (deadline - time.monotonic()) * 1000)
        events = poll.poll(left_ms)
        if not events:
            raise TimeoutError
        if events[0][1] & select.POLLOUT:
            self.write()
        if events[0][1] & ~select.POLLOUT:
            self.read()

    def read(self):
        try:
            data, ancillary, flags, _ = self.sock.recvmsg(
                READ_SIZE, socket.CMSG_SPACE(FDS_MAX * 4), socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data, ancillary, flags = b"", [], 0
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                self.fds += array.array("i", payload[: len(payload) - len(payload) % 4])
        if flags & socket.MSG_CTRUNC or len(self.fds) > FDS_MAX:
            raise ProtocolError("too many descriptors came")
        self.ended = not data
        self.data += data


def server_uids():
    """Whom a client signs for."""
    uids = {0, os.geteuid()}
    try:
        uids.add(pwd.getpwnam("watd").pw_uid)
    except KeyError:
        pass
    named = os.environ.get("WAT_SERVER_UID", "")
    return uids | ({int(named)} if named.isdigit() else set())


def check_peer(sock):
    _, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if uid not in server_uids():
        raise PermissionError(f"the process at this socket runs as uid {uid}, which is not watd's")


class Connection:
    """A control connection: greeted, then BIND, CALL, DROP. Owns its socket."""

    def __init__(self, path, program="wat_protocol.py"):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(path)
            check_peer(sock)
        except BaseException:
            sock.close()
            raise
        self.stream = Stream(sock, CONTROL_BODY_MAX)
        self.last_id = 0
        self.answers = {}
        try:
            self.greet(program)
        except BaseException:
            self.close()
            raise

    def close(self):
        for _, fd in self.answers.values():
            if fd is not None:
                os.close(fd)
        self.answers = {}
        self.stream.close()

    def greet(self, program):
        self.stream.send(Frame(FrameType.HELLO, ENVELOPE["Hello"].encode(version=1, program=program)))
        frame = self.receive()[0]
        if frame.type != FrameType.WELCOME:
            raise ProtocolError("the answer to HELLO is no WELCOME")
        welcome = ENVELOPE["Welcome"].decode(frame.body)
        if welcome.version != 1 or len(welcome.challenge) != 32 or len(welcome.node_id) != 16:
            raise ProtocolError("a WELCOME that makes no sense")
        self.challenge, self.node_id, self.max_body = welcome.challenge, welcome.node_id, welcome.max_body

    def receive(self, deadline=None):
        """After GOAWAY comes the end; its status says why."""
        frame, fd = self.stream.receive(deadline)
        if frame.type == FrameType.GOAWAY:
            goaway = ENVELOPE["GoAway"].decode(frame.body)
            raise GoneAway(goaway.status, goaway.failure.text if goaway.failure else "")
        return frame, fd

    def new_id(self):
        """One sequence for BINDs and CALLs, so that an answer belongs to one of them."""
        self.last_id += 1
        return self.last_id

    def answer(self, id_, deadline=None):
        """The answer to one BIND or CALL; those to others are kept for whoever asks for them."""
        while id_ not in self.answers:
            frame, fd = self.receive(deadline)
            if frame.id == 0 or frame.id > self.last_id:
                raise ProtocolError("an answer to nothing that was sent")
            self.answers[frame.id] = frame, fd
        frame, fd = self.answers.pop(id_)
        if frame.type == FrameType.FAIL:
            raise WatError.of_fail(frame)
        return frame, fd

    def send_bind(self, role, token=None, lane=b"", resume=False, budget_ms=0):
        """Returns the slot, which is the id that the answer will have."""
        slot = self.new_id()
        values = {"role": role, "lane": lane, "lane_mode": int(resume)}
        if token:
            values["token"] = token.encode()
            values["proof"] = wat_token.prove(token, self.challenge, self.node_id, slot)
        self.stream.send(Frame(FrameType.BIND, ENVELOPE["Bind"].encode(**values), id=slot, budget=budget_ms))
        return slot

    def bound(self, slot, role, deadline=None):
        """What the BIND gave: a Bound, and for a User the channel's descriptor."""
        frame, fd = self.answer(slot, deadline)
        if frame.type != FrameType.BOUND or (fd is not None) != (role == wat_token.USER):
            raise ProtocolError("an answer to a BIND that makes no sense")
        return ENVELOPE["Bound"].decode(frame.body), fd

    def bind(self, role, *arguments, deadline=None, **more):
        return self.bound(self.send_bind(role, *arguments, **more), role, deadline)

    def call(self, handle, method, request=b"", deadline=None):
        id_ = self.new_id()
        self.stream.send(Frame(FrameType.CALL, request, method, id_, handle))
        return self.answer(id_, deadline)[0].body

    def drop(self, handle):
        self.stream.send(Frame(FrameType.DROP, handle=handle))

    def ping(self):
        id_ = self.new_id()
        self.stream.send(Frame(FrameType.PING, id=id_))
        return self.answer(id_)[0]


class Channel:
    """A connected stream to one instance, after its ATTACHED was read. Owns its socket. WatError: the
    service did not take it."""

    def __init__(self, fd, deadline=None):
        self.stream = Stream(socket.socket(fileno=fd), BODY_MAX)
        self.goaway = None
        try:
            frame = self.stream.receive(deadline)[0]
            if frame.type == FrameType.GOAWAY:
                goaway = ENVELOPE["GoAway"].decode(frame.body)
                raise WatError(goaway.status, goaway.failure.text if goaway.failure else "")
            if frame.type != FrameType.ATTACHED:
                raise ProtocolError("the first frame of a channel is no ATTACHED")
            self.attached = ENVELOPE["Attached"].decode(frame.body)
        except BaseException:
            self.close()
            raise

    def close(self):
        self.stream.close()

    def send_call(self, id_, method, request=b"", budget_ms=0, window=0):
        """The call's position in the stream."""
        return self.stream.send(Frame(FrameType.CALL, request, method, id_, 0, budget_ms, window))

    def receive(self, deadline=None):
        """The next REPLY, FAIL or PONG. A GOAWAY is kept in self.goaway; the end comes after it, and
        what was read before is still answered in between."""
        while True:
            frame, fd = self.stream.receive(deadline)
            if fd is not None:
                os.close(fd)
                raise ProtocolError("a descriptor on a channel")
            if frame.type == FrameType.GOAWAY:
                self.goaway = ENVELOPE["GoAway"].decode(frame.body)
            elif frame.type in (FrameType.REPLY, FrameType.FAIL, FrameType.PONG):
                return frame
            else:
                raise ProtocolError(f"frame type {frame.type} on a channel")
