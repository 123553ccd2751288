"""A control connection: greeted, then BIND, CALL, DROP; and the channels that it carries where
there are no descriptors (PROTOCOL.md, "Greeting", "BIND", "Handles")."""

from __future__ import annotations

import os
from collections import deque
from typing import NamedTuple

from . import tokens
from .address import Address, parse
from .dial import dial
from .frame import ENVELOPE, Ending, Frame, FrameType, error_of
from .messages import Record
from .status import EndOfStream, ProtocolError
from .stream import Deadline
from .wire import WireError

PROGRAM = "wat.py"
CHANNEL_FRAMES = (
    FrameType.ATTACHED,
    FrameType.REPLY,
    FrameType.FAIL,
    FrameType.GOAWAY,
    FrameType.DROP,
)
ANSWERS = (FrameType.BOUND, FrameType.REPLY, FrameType.FAIL, FrameType.PONG)


def decode_envelope(kind: str, body: bytes) -> Record:
    try:
        return ENVELOPE[kind].decode(body)
    except WireError as error:
        raise ProtocolError(f"{kind}: {error}") from error


class Inbox:
    """What came for a User's handle, in order, and whether its channel has ended."""

    def __init__(self) -> None:
        self.frames: deque[Frame] = deque()
        self.ended = False

    def take(self, frame: Frame) -> None:
        if frame.type not in CHANNEL_FRAMES:
            raise ProtocolError(f"frame type {frame.type} on a channel")
        if frame.type == FrameType.DROP:
            self.ended = True
        else:
            self.frames.append(frame)


class Answer(NamedTuple):
    frame: Frame
    fd: int | None
    bound: Record | None


class Connection:
    """Owns its socket, and the answers that nobody has taken yet. One thread."""

    def __init__(
        self,
        address: Address | str | None = None,
        deadline: Deadline = None,
        program: str = PROGRAM,
    ) -> None:
        """OSError, EndOfStream, TimeoutError: nobody is there now. GoneAway: watd says why not.
        AddressError, ProtocolError: it is of no use to try again."""
        address = address if isinstance(address, Address) else parse(address)
        self.stream, self.chan_bind = dial(address, deadline)
        self.last_id = 0
        self.ended = False
        self.inboxes: dict[int, Inbox] = {}
        self.answers: dict[int, Answer] = {}
        self._open: set[int] = set()  # ids that were not answered yet
        self._binds: dict[int, int] = {}  # the role, by slot, until it is answered
        self._unwanted: set[int] = set()  # ids whose answers nobody waits for any more
        self._given_back: set[int] = set()  # handles of Users, of which frames may still come
        try:
            self._greet(program, deadline)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.ended = True
        for answer in self.answers.values():
            if answer.fd is not None:
                os.close(answer.fd)
        self.answers = {}
        self.stream.close()

    def _greet(self, program: str, deadline: Deadline) -> None:
        self.stream.send(
            Frame(FrameType.HELLO, ENVELOPE["Hello"].encode(version=1, program=program))
        )
        frame = self._receive(deadline)[0]
        if frame.type != FrameType.WELCOME:
            raise ProtocolError("the answer to HELLO is no WELCOME")
        welcome = decode_envelope("Welcome", frame.body)
        if welcome.version != 1 or len(welcome.challenge) != 32 or len(welcome.node_id) != 16:
            raise ProtocolError("a WELCOME that makes no sense")
        self.challenge, self.node_id = welcome.challenge, welcome.node_id
        self.max_body, self.has_handles = welcome.max_body, welcome.handles

    def _receive(self, deadline: Deadline) -> tuple[Frame, int | None]:
        """After GOAWAY comes the end; its status says why."""
        frame, fd = self.stream.receive(deadline)
        if fd is not None and (frame.type != FrameType.BOUND or self.has_handles):
            os.close(fd)
            raise ProtocolError("a descriptor where none belongs")
        if frame.type == FrameType.GOAWAY and frame.handle == 0:
            raise Ending.of(frame).of_connection()
        return frame, fd

    def pump(self, deadline: Deadline = None) -> None:
        """Takes one frame to whom it is for. EndOfStream, GoneAway, ProtocolError: the connection
        has ended; what came before can still be taken. TimeoutError."""
        if self.ended:
            raise EndOfStream
        try:
            self._deliver(*self._receive(deadline))
        except TimeoutError:
            raise
        except BaseException:
            self.ended = self.stream.broken = True
            raise

    def _deliver(self, frame: Frame, fd: int | None) -> None:
        if frame.handle in self.inboxes:
            self.inboxes[frame.handle].take(frame)
        elif frame.handle not in self._given_back:
            self._take_answer(frame, fd)

    def _take_answer(self, frame: Frame, fd: int | None) -> None:
        if frame.type == FrameType.DIED and frame.id in self._binds:
            return  # the same is said when the call is written again
        if frame.type not in ANSWERS or frame.id not in self._open:
            if fd is not None:
                os.close(fd)
            raise ProtocolError("an answer to nothing that was sent")
        self._open.discard(frame.id)
        role = self._binds.pop(frame.id, None)
        bound = self._bound(frame, fd, role) if frame.type == FrameType.BOUND else None
        if frame.id not in self._unwanted:
            self.answers[frame.id] = Answer(frame, fd, bound)
            return
        self._unwanted.discard(frame.id)
        if fd is not None:
            os.close(fd)
        if bound:
            self.drop(bound.handle)

    def _bound(self, frame: Frame, fd: int | None, role: int | None) -> Record:
        has_channel = role == tokens.USER
        if role is None or (fd is not None) != (has_channel and not self.has_handles):
            if fd is not None:
                os.close(fd)
            raise ProtocolError("an answer to a BIND that makes no sense")
        bound = decode_envelope("Bound", frame.body)
        self._given_back.discard(bound.handle)
        if has_channel and self.has_handles:
            self.inboxes[bound.handle] = Inbox()
        return bound

    def new_id(self) -> int:
        """One sequence for BINDs and CALLs, so that an answer belongs to one of them."""
        self.last_id += 1
        self._open.add(self.last_id)
        return self.last_id

    def take(self, id_: int, deadline: Deadline = None) -> Answer:
        """The answer to one BIND or CALL; those to others are kept for whoever asks for them."""
        try:
            while id_ not in self.answers:
                self.pump(deadline)
        except TimeoutError:
            self._unwanted.add(id_)
            raise
        answer = self.answers.pop(id_)
        if answer.frame.type == FrameType.FAIL:
            raise error_of(answer.frame)
        return answer

    def send_bind(
        self,
        role: int,
        token: tokens.Token | None = None,
        lane: bytes = b"",
        resume: bool = False,
        budget_ms: int = 0,
    ) -> int:
        """Returns the slot, which is the id that the answer will have."""
        slot = self.new_id()
        values = {"role": role, "lane": lane, "lane_mode": int(resume)}
        if token:
            values["token"] = token.encode()
            values["proof"] = token.prove(self.chan_bind, self.challenge, self.node_id, slot)
        self._binds[slot] = role
        self.stream.send(
            Frame(FrameType.BIND, ENVELOPE["Bind"].encode(values), id=slot, budget=budget_ms)
        )
        return slot

    def bound(self, slot: int, deadline: Deadline = None) -> tuple[Record, int | None]:
        """What the BIND gave: a Bound, and for a User the channel's descriptor where there are
        such."""
        answer = self.take(slot, deadline)
        if not answer.bound:
            raise ProtocolError("the answer to a BIND is no BOUND")
        return answer.bound, answer.fd

    def bind(
        self,
        role: int,
        token: tokens.Token | None = None,
        lane: bytes = b"",
        resume: bool = False,
        budget_ms: int = 0,
        deadline: Deadline = None,
    ) -> tuple[Record, int | None]:
        return self.bound(self.send_bind(role, token, lane, resume, budget_ms), deadline)

    def call(
        self,
        handle: int,
        method: int,
        request: bytes = b"",
        deadline: Deadline = None,
        budget_ms: int = 0,
    ) -> bytes:
        """The reply. WatError: FAIL. A call that is not answered in time is taken back as far as
        it can be: TimeoutError."""
        id_ = self.new_id()
        self.stream.send(Frame(FrameType.CALL, request, method, id_, handle, budget_ms))
        try:
            return self.take(id_, deadline).frame.body
        except TimeoutError:
            self.stream.send(Frame(FrameType.CANCEL, id=id_, handle=handle))
            raise

    def drop(self, handle: int) -> None:
        """Gives a handle back. That of a User that is its channel ends the channel, and its
        lane."""
        if self.inboxes.pop(handle, None):
            self._given_back.add(handle)
        if not self.ended:
            self.stream.send(Frame(FrameType.DROP, handle=handle))

    def ping(self, deadline: Deadline = None) -> Frame:
        id_ = self.new_id()
        self.stream.send(Frame(FrameType.PING, id=id_))
        return self.take(id_, deadline).frame
