"""A channel to one instance: on a descriptor of its own, or as a handle of a connection."""

from __future__ import annotations

import os
import socket

from .connection import Connection, decode_envelope
from .frame import BODY_MAX, Ending, Frame, FrameType
from .messages import Record
from .status import EndOfStream, ProtocolError
from .stream import Deadline, Stream


class Channel:
    """After its ATTACHED was read. WatError from the constructor: the service did not take it."""

    stream: Stream

    def __init__(self, deadline: Deadline = None) -> None:
        self.goaway: Ending | None = None
        try:
            self.attached = self._attach(deadline)
        except BaseException:
            self.close()
            raise

    def _attach(self, deadline: Deadline) -> Record:
        frame = self._next(deadline)
        if frame.type == FrameType.GOAWAY:
            raise Ending.of(frame).error
        if frame.type != FrameType.ATTACHED:
            raise ProtocolError("the first frame of a channel is no ATTACHED")
        return decode_envelope("Attached", frame.body)

    def _next(self, deadline: Deadline) -> Frame:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def end(self) -> None:
        """In order: the lane is not needed any more."""
        raise NotImplementedError

    def send(self, frame: Frame) -> int:
        """The position of its first byte in the stream."""
        return self.stream.send(frame)

    def send_call(
        self, id_: int, method: int, request: bytes = b"", budget_ms: int = 0, window: int = 0
    ) -> int:
        return self.send(Frame(FrameType.CALL, request, method, id_, 0, budget_ms, window))

    def was_written(self, at: int) -> bool:
        """Whether a byte of what was sent there may have left."""
        return self.stream.n_written > at

    def receive(self, deadline: Deadline = None) -> Frame:
        """The next REPLY, FAIL or PONG. A GOAWAY is kept in self.goaway; the end comes after it,
        and what was read before is still answered in between."""
        while True:
            frame = self._next(deadline)
            if frame.type == FrameType.GOAWAY:
                self.goaway = Ending.of(frame)
            elif frame.type in (FrameType.REPLY, FrameType.FAIL, FrameType.PONG):
                return frame
            else:
                raise ProtocolError(f"frame type {frame.type} on a channel")


class FdChannel(Channel):
    """Owns the socket: the descriptor that came with BOUND."""

    def __init__(self, fd: int, deadline: Deadline = None) -> None:
        self.stream = Stream(socket.socket(fileno=fd), BODY_MAX)
        super().__init__(deadline)

    def _next(self, deadline: Deadline) -> Frame:
        frame, fd = self.stream.receive(deadline)
        if fd is not None:
            os.close(fd)
            raise ProtocolError("a descriptor on a channel")
        return frame

    def close(self) -> None:
        self.stream.close()

    def end(self) -> None:
        self.send(Frame(FrameType.DROP))
        self.close()


class HandleChannel(Channel):
    """Frames with its handle on a connection that has others, too."""

    def __init__(self, connection: Connection, handle: int, deadline: Deadline = None) -> None:
        self.connection, self.handle = connection, handle
        self.stream = connection.stream
        self.inbox = connection.inboxes[handle]
        super().__init__(deadline)

    def send(self, frame: Frame) -> int:
        return self.stream.send(frame._replace(handle=self.handle))

    def _next(self, deadline: Deadline) -> Frame:
        while not self.inbox.frames:
            if self.inbox.ended or self.connection.ended:
                raise EndOfStream
            self._pump(deadline)
        return self.inbox.frames.popleft()

    def _pump(self, deadline: Deadline) -> None:
        """How the connection ends is for those to see who ask it something."""
        try:
            self.connection.pump(deadline)
        except TimeoutError:
            raise
        except Exception:
            if not self.connection.ended:
                raise

    def close(self) -> None:
        """Gives the handle back; which ends the lane, too, unless the channel has ended
        already."""
        if self.connection.inboxes.get(self.handle) is self.inbox:
            self.connection.drop(self.handle)

    def end(self) -> None:
        self.close()


def open_channel(
    connection: Connection, bound: Record, fd: int | None, deadline: Deadline = None
) -> Channel:
    """Of a User that was bound."""
    if fd is not None:
        return FdChannel(fd, deadline)
    return HandleChannel(connection, bound.handle, deadline)
