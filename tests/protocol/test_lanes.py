"""What a client does with a lane, as PROTOCOL.md, "After a loss", has it: each answer of a service that it
must be ready for, also those that no service of today gives. The service is a socket with a script.
"""

import os
import socket
import unittest
from unittest import mock

from wat import ProtocolError, Status, WatError, tokens
from wat.frame import BODY_MAX, ENVELOPE, LANE_LOST, LANE_NEW, LANE_RESUMED, Frame, FrameType
from wat.lane import Lane
from wat.status import EndOfStream
from wat.stream import Stream

TEXT = tokens.Token(
    kid=bytes(8), role=tokens.USER, epoch=0, node_id=bytes(16), instance_id=bytes(16), grant_id=bytes(16),
    method_mask=7, interface_hash=0, not_before=0, not_after=1, holder_pk=bytes(32), seed=bytes(32)).text()


def attached(lane, last_applied=0):
    return Frame(FrameType.ATTACHED, ENVELOPE["Attached"].encode(generation=1, lane=lane, last_applied=last_applied))


def reply(id_, body=b"r"):
    return Frame(FrameType.REPLY, body, id=id_)


def goaway(status, last_read_id):
    return Frame(FrameType.GOAWAY, ENVELOPE["GoAway"].encode(status=status, last_read_id=last_read_id))


class Script:
    """A Client and its connection at once: each BIND takes the next list of frames, which are what the service
    says on that channel; an exception is the answer to the BIND itself."""

    timeout_s = 30.0
    node_id = bytes(16)
    has_handles = False

    def __init__(self, *channels):
        self.lanes = []
        self.channels = list(channels)
        self.connection = self
        self.binds = []     # (lane, resume)
        self.services = []  # the service's ends

    def run(self, deadline, what):
        return what(self)

    def drop(self, handle):
        pass

    def bind(self, role, token, lane, resume, budget_ms, deadline):
        self.binds.append((lane, resume))
        frames = self.channels.pop(0)
        if isinstance(frames, Exception):
            raise frames
        ours, theirs = socket.socketpair()
        service = Stream(theirs, BODY_MAX)
        for frame in frames:
            service.send(frame)
        self.services.append(service)
        return ENVELOPE["Bound"].decode(b""), ours.detach()

    def end(self, *frames):
        """The channel at hand ends after these frames; the calls that came over it."""
        service = self.services[-1]
        for frame in frames:
            service.send(frame)
        service.sock.shutdown(socket.SHUT_WR)
        return self.calls()

    def calls(self):
        """(id, window, request) of each call that was written to the channel at hand."""
        service, calls = self.services[-1], []
        service.read()
        while frame := service.take_frame():
            calls.append((frame.id, frame.window, frame.body))
        return calls

    def close(self):
        for service in self.services:
            service.close()


class Lanes(unittest.TestCase):
    def user(self, *channels):
        self.script = Script([attached(LANE_NEW)], *channels)
        self.addCleanup(self.script.close)
        user = Lane(self.script, TEXT)
        self.addCleanup(user.close)
        return user

    def send(self, user, n=3):
        return [user.send(1, b"%d" % i) for i in range(1, n + 1)]

    def outcomes(self, user, calls):
        """The reply, or the status, of each."""
        result = []
        for call in calls:
            try:
                result.append(user.wait(call))
            except WatError as error:
                result.append(error.status)
        return result

    def test_numbers(self):
        """Ids from 1; the window tells how many before are not answered yet."""
        user = self.user()
        calls = self.send(user)
        self.script.services[0].send(reply(1))
        self.script.services[0].send(reply(2))
        self.assertEqual(self.outcomes(user, calls[:2]), [b"r", b"r"])
        calls += self.send(user, 2)
        self.assertEqual(self.script.calls(), [(1, 0, b"1"), (2, 1, b"2"), (3, 2, b"3"), (4, 1, b"1"), (5, 2, b"2")])

    def test_resumed(self):
        """Unanswered calls are written again under their ids, in order; what had come before the end
        counts."""
        user = self.user([attached(LANE_RESUMED, 2), reply(2), reply(3)])
        calls = self.send(user)
        self.script.end(reply(1, b"first"))
        self.assertEqual(self.outcomes(user, calls), [b"first", b"r", b"r"])
        self.assertEqual(self.script.calls(), [(2, 0, b"2"), (3, 1, b"3")])
        (lane, first), (again, second) = self.script.binds
        self.assertEqual((first, second, again), (False, True, lane))

    def test_lost(self):
        """What may have run is not run again, what only reads is; a new lane, numbered from 1."""
        user = self.user([attached(LANE_LOST)], [attached(LANE_NEW), reply(1, b"read")])
        writing, reading = self.send(user, 1)[0], user.send(0, b"get", read_only=True)
        self.script.end()
        self.assertEqual(self.outcomes(user, [writing, reading]), [Status.DISCONNECTED, b"read"])
        self.assertEqual(self.script.calls(), [(1, 0, b"get")])
        lanes = [lane for lane, _ in self.script.binds]
        self.assertEqual(lanes[0], lanes[1])
        self.assertNotEqual(lanes[1], lanes[2])
        self.assertEqual([resume for _, resume in self.script.binds], [False, True, False])

    def test_goaway(self):
        """Calls above last_read_id were not run, so they are made again even when the lane is lost."""
        user = self.user([attached(LANE_LOST)], [attached(LANE_NEW), reply(1), reply(2)])
        calls = self.send(user)
        self.script.end(goaway(Status.UNAVAILABLE, 1))
        self.assertEqual(self.outcomes(user, calls), [Status.DISCONNECTED, b"r", b"r"])
        self.assertEqual(self.script.calls(), [(1, 0, b"2"), (2, 1, b"3")])

    def test_final(self):
        """A final GOAWAY is the answer of what was not read; of what was read a BIND's refusal says it
        too, but not that it was not run."""
        user = self.user(WatError(Status.STOPPED, "stopped"))
        calls = self.send(user, 2)
        self.script.end(goaway(Status.STOPPED, 1))
        self.assertEqual(self.outcomes(user, calls), [Status.STOPPED, Status.STOPPED])
        self.assertIn("may have run", calls[0].error.text)
        self.assertNotIn("may have run", calls[1].error.text)

    def test_refused(self):
        """OVERLOADED would say "not run" of a call that may have run."""
        user = self.user(WatError(Status.OVERLOADED, "too much"))
        calls = self.send(user, 1)
        self.script.end()
        self.assertEqual(self.outcomes(user, calls), [Status.DISCONNECTED])

    def test_nonsense(self):
        """LANE_NEW is no answer to RESUME; an answer to a call that was never made is none."""
        user = self.user([attached(LANE_NEW)])
        calls = self.send(user, 1)
        self.script.end()
        with self.assertRaises(ProtocolError):
            user.wait(calls[0])
        user = self.user()
        calls = self.send(user, 1)
        self.script.services[0].send(reply(2))
        with self.assertRaises(ProtocolError):
            user.wait(calls[0])

    def test_given_up(self):
        """A `later` call that was given up is taken back on the next channel of the lane, too, as long as nothing says
        that it was."""
        user = self.user([attached(LANE_RESUMED), reply(2), reply(3)], [attached(LANE_RESUMED)])
        waiting, call = user.send(8, b"later", later=True), user.send(1, b"1")
        waiting.deadline = 0
        self.assertEqual(self.outcomes(user, [waiting]), [Status.DEADLINE_EXCEEDED])
        self.script.end()
        user.wait(call)
        self.assertEqual(self.frames(), [(FrameType.CANCEL, 1), (FrameType.CALL, 2)])
        user.wait(user.send(1, b"2"))
        call = user.send(1, b"3")
        self.script.end()
        user.channel.receive = mock.Mock(side_effect=EndOfStream)
        self.script.channels[0].append(reply(4))
        user.wait(call)
        self.assertEqual(self.frames(), [(FrameType.CALL, 4)])

    def frames(self):
        """What was written to the channel at hand, in order."""
        service, frames = self.script.services[-1], []
        service.read()
        while frame := service.take_frame():
            frames.append((frame.type, frame.id))
        return frames

    def test_drop(self):
        """An orderly close ends the lane."""
        user = self.user()
        user.close()
        service = self.script.services[0]
        self.assertEqual(service.receive()[0], Frame(FrameType.DROP))
        with self.assertRaises(EndOfStream):
            service.receive()

    def test_descriptors(self):
        """Bytes that were sent before a frame with a descriptor may come with it; one that is missing or
        left over is a breach."""
        ours, theirs = socket.socketpair()
        stream, fd = Stream(ours, BODY_MAX), os.open("/dev/null", os.O_RDONLY)
        self.addCleanup(stream.close)
        self.addCleanup(theirs.close)
        with_fd = Frame(FrameType.BOUND, b"", id=2, flags=1)
        theirs.send(reply(1).encode())
        socket.send_fds(theirs, [with_fd.encode()], [fd])
        os.close(fd)
        self.assertEqual(stream.receive(), (reply(1), None))
        frame, taken = stream.receive()
        self.assertEqual(frame, with_fd)
        os.close(taken)
        theirs.send(with_fd.encode())
        with self.assertRaises(ProtocolError):
            stream.receive()


if __name__ == "__main__":
    unittest.main()
