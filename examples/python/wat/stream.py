"""Frames over a socket that never blocks for longer than it is told: in the clear, with the
descriptors that come with them, or in the records of a Noise session."""

from __future__ import annotations

import array
import os
import select
import socket
import struct
import time

from . import noise
from .frame import FLAG_FD, HEADER, Frame, FrameType, decode_header
from .status import EndOfStream, ProtocolError

READ_SIZE = 64 * 1024
FDS_MAX = 16

Deadline = float | None  # on time.monotonic()'s clock; None: no limit


def poll_milliseconds(deadline: Deadline) -> float | None:
    """What is left, for poll(2)."""
    return None if deadline is None else max(0.0, (deadline - time.monotonic()) * 1000)


class Stream:
    """A stream of frames. Owns its socket, and the descriptors that nobody has taken yet."""

    def __init__(self, sock: socket.socket, body_max: int) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.body_max = body_max
        self.data = b""
        self.fds: list[int] = []
        self.ended = False  # nothing more comes
        self.broken = False  # nothing more can be written
        self.out = bytearray()
        self.n_written = 0  # position in the stream of the first byte of self.out

    def close(self) -> None:
        for fd in self.fds:
            os.close(fd)
        self.fds = []
        self.sock.close()

    def send(self, frame: Frame) -> int:
        """The position of its first byte: some of it was written once self.n_written is greater.
        What the peer does not take now goes out while something is waited for."""
        at = self.end()
        self.out += frame.encode()
        self.write()
        return at

    def end(self) -> int:
        """Position of the next byte."""
        return self.n_written + len(self.out)

    def has_more(self) -> bool:
        return bool(self.out) and not self.broken

    def write(self) -> None:
        """What the peer wrote before it went can still be read: its end is for read() to find."""
        try:
            while self.has_more():
                self.write_some()
        except BlockingIOError:
            pass
        except (OSError, noise.NoiseError):
            self.broken = True

    def write_some(self) -> None:
        n = self.sock.send(self.out, socket.MSG_NOSIGNAL)
        self.n_written += n
        del self.out[:n]

    def flush(self, deadline: Deadline = None) -> None:
        """Everything that was sent is in the socket, or can't get there any more. TimeoutError."""
        while self.has_more():
            self.wait(deadline)

    def receive(self, deadline: Deadline = None) -> tuple[Frame, int | None]:
        """The next frame, and its descriptor or None; PINGs are answered, and what may be skipped
        is. EndOfStream, ProtocolError, TimeoutError."""
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

    def take_frame(self) -> Frame | None:
        if len(self.data) < HEADER.size:
            return None
        frame, length = decode_header(self.data[: HEADER.size], self.body_max)
        end = HEADER.size + length
        if len(self.data) < end:
            return None
        frame = frame._replace(body=self.data[HEADER.size : end])
        self.data = self.data[end:]
        return frame

    def take_fd(self, frame: Frame) -> int | None:
        if not frame.flags & FLAG_FD:
            return None
        if not self.fds:
            raise ProtocolError("the descriptor that a frame announces did not come")
        return self.fds.pop(0)

    def wait(self, deadline: Deadline) -> None:
        """Until something was read or written."""
        if self.ended:
            raise EndOfStream
        if not self.data and self.fds:
            raise ProtocolError("a descriptor came without a frame")
        poll = select.poll()
        poll.register(self.sock, select.POLLIN | (select.POLLOUT if self.has_more() else 0))
        events = poll.poll(poll_milliseconds(deadline))
        if not events:
            raise TimeoutError
        if events[0][1] & select.POLLOUT:
            self.write()
        if events[0][1] & ~select.POLLOUT:
            self.read()

    def read(self) -> None:
        try:
            data, ancillary, flags, _ = self.sock.recvmsg(
                READ_SIZE, socket.CMSG_SPACE(FDS_MAX * 4), socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return
        except OSError:  # reset, timed out: however a way ends, it is over
            data, ancillary, flags = b"", [], 0
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                self.fds += array.array("i", payload[: len(payload) - len(payload) % 4])
        if flags & socket.MSG_CTRUNC or len(self.fds) > FDS_MAX:
            raise ProtocolError("too many descriptors came")
        self.ended = not data
        self.took(data)

    def took(self, data: bytes) -> None:
        """Bytes came from the socket."""
        self.data += data


class SecureStream(Stream):
    """The same in records. One that can't be opened is the end of the stream: who changed it could
    have cut the connection as well, and what was opened before stands."""

    def __init__(
        self, sock: socket.socket, body_max: int, sending: noise.Cipher, receiving: noise.Cipher
    ) -> None:
        super().__init__(sock, body_max)
        self.sending, self.receiving = sending, receiving
        self.sealed_in = b""
        self.sealed_out = b""
        self.n_sealed = 0  # bytes in sealed_out of which nothing was written yet
        self.tampered = False

    def end(self) -> int:
        return super().end() + self.n_sealed

    def has_more(self) -> bool:
        return bool(self.out or self.sealed_out) and not self.broken

    def write_some(self) -> None:
        """One record at a time. All that is in it counts as written with its first byte."""
        if not self.sealed_out:
            plain = bytes(self.out[: noise.PLAIN_MAX])
            self.sealed_out = noise.seal(self.sending, plain)
            del self.out[: len(plain)]
            self.n_sealed = len(plain)
        n = self.sock.send(self.sealed_out, socket.MSG_NOSIGNAL)
        self.sealed_out = self.sealed_out[n:]
        self.n_written += self.n_sealed
        self.n_sealed = 0

    def took(self, data: bytes) -> None:
        self.sealed_in += data
        try:
            while (record := self._take_record()) is not None:
                self.data += self.receiving.decrypt(record)
        except noise.NoiseError:
            self.tampered = self.ended = self.broken = True

    def _take_record(self) -> bytes | None:
        if len(self.sealed_in) < 2:
            return None
        (n,) = struct.unpack("<H", self.sealed_in[:2])
        if n <= noise.TAG_SIZE:
            raise noise.NoiseError("a record without anything in it")
        if len(self.sealed_in) < 2 + n:
            return None
        record, self.sealed_in = self.sealed_in[2 : 2 + n], self.sealed_in[2 + n :]
        return record
