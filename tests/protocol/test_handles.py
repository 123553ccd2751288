"""What a client does on a connection without descriptors, as PROTOCOL.md, "Handles", has it: which channel a frame belongs
to, and what is left of those that have ended. The gate is a socket with a script.
"""

import os
import socket
import time
import unittest
from unittest import mock

import wat
from test_lanes import TEXT, attached, goaway, reply
from wat import Status, tokens
from wat.channel import HandleChannel, open_channel
from wat.connection import Connection
from wat.frame import CONTROL_BODY_MAX, ENVELOPE, Frame, FrameType
from wat.lane import Lane
from wat.status import EndOfStream, ProtocolError
from wat.stream import Stream

TOKEN = tokens.from_text(TEXT)


class Gate:
    """The server's end of each connection that a client makes, and the client's part of dial()."""

    def __init__(self):
        self.streams = []
        self.greetings = []
        self.node_ids = []

    def dial(self, address, deadline):
        ours, theirs = socket.socketpair()
        self.streams.append(Stream(theirs, CONTROL_BODY_MAX))
        self.say(Frame(FrameType.WELCOME, ENVELOPE["Welcome"].encode(
            version=1, challenge=bytes(32), node_id=self.node_ids.pop(0) if self.node_ids else bytes(16), max_body=1 << 20, handles=True)))
        for frame in self.greetings.pop(0) if self.greetings else ():
            self.say(frame)
        return Stream(ours, CONTROL_BODY_MAX), tokens.UNIX_BINDING

    def say(self, *frames):
        for frame in frames:
            self.streams[-1].send(frame)

    def heard(self):
        """What came since, without the HELLO."""
        frames, stream = [], self.streams[-1]
        stream.read()
        while frame := stream.take_frame():
            if frame.type != FrameType.HELLO:
                frames.append((FrameType(frame.type).name, frame.id, frame.handle))
        return frames

    def close(self):
        for stream in self.streams:
            stream.close()


def bound(slot, handle):
    return Frame(FrameType.BOUND, ENVELOPE["Bound"].encode(handle=handle, service="s", instance="i"), id=slot)


def on(handle, frame):
    return frame._replace(handle=handle)


def dropped(handle):
    return Frame(FrameType.DROP, handle=handle)


class Handles(unittest.TestCase):
    def setUp(self):
        self.gate = Gate()
        self.addCleanup(self.gate.close)
        patch = mock.patch("wat.connection.dial", self.gate.dial)
        patch.start()
        self.addCleanup(patch.stop)

    def connection(self):
        connection = Connection("/nowhere")
        self.addCleanup(connection.close)
        return connection

    def channel(self, connection, handle):
        slot = connection.send_bind(tokens.USER, TOKEN, os.urandom(16))
        self.gate.say(bound(slot, handle), on(handle, attached("LANE_NEW")))
        return open_channel(connection, *connection.bound(slot))

    def test_whose(self):
        """Ids of a channel are its own: a frame belongs to the handle that is in it."""
        connection = self.connection()
        one, two = self.channel(connection, 1), self.channel(connection, 2)
        id_ = connection.new_id()
        self.gate.say(on(2, reply(id_, b"two")), reply(id_, b"watd"), on(1, reply(id_, b"one")))
        self.assertEqual(one.receive().body, b"one")
        self.assertEqual(connection.take(id_).frame.body, b"watd")
        self.assertEqual(two.receive().body, b"two")

    def test_left(self):
        """Frames that come after the client's DROP are skipped, until the number is given away again."""
        connection = self.connection()
        channel = self.channel(connection, 1)
        channel.send_call(1, 0)
        channel.close()
        channel.close()
        self.assertEqual(self.gate.heard(), [("BIND", 1, 0), ("CALL", 1, 1), ("DROP", 0, 1)])
        id_ = connection.new_id()
        self.gate.say(on(1, reply(1, b"late")), dropped(1), on(1, reply(id_, b"late")), reply(id_, b"watd"))
        self.assertEqual(connection.take(id_).frame.body, b"watd")
        again = self.channel(connection, 1)
        self.gate.say(on(1, reply(1, b"new")))
        self.assertEqual(again.receive().body, b"new")
        again.close()
        # And as an Admin's, whose answers have the control connection's ids.
        self.gate.say(bound(connection.send_bind(tokens.ADMIN, TOKEN), 1))
        connection.bound(connection.last_id)
        self.gate.say(on(1, reply(connection.new_id(), b"managed")))
        self.assertEqual(connection.take(connection.last_id).frame.body, b"managed")

    def test_ended(self):
        """The server's DROP is the end of a channel, after what came before it; the client gives the handle back."""
        connection = self.connection()
        ending, other = self.channel(connection, 1), self.channel(connection, 2)
        self.gate.say(on(1, reply(1)), on(1, goaway(Status.UNAVAILABLE, 1)), dropped(1), on(2, reply(7)))
        self.assertEqual(ending.receive().id, 1)
        with self.assertRaises(EndOfStream):
            ending.receive()
        self.assertEqual(ending.goaway.status, Status.UNAVAILABLE)
        self.gate.heard()
        ending.close()
        self.assertEqual(self.gate.heard(), [("DROP", 0, 1)])
        self.assertEqual(other.receive().id, 7)

    def test_unwanted(self):
        """A BOUND that nobody waits for any more: its handle is given back; a call's late answer is skipped."""
        connection = self.connection()
        slot = connection.send_bind(tokens.USER, TOKEN, os.urandom(16))
        with self.assertRaises(TimeoutError):
            connection.bound(slot, 0)
        with self.assertRaises(TimeoutError):
            connection.call(0, 0, b"", 0)
        self.gate.say(bound(slot, 3), on(3, attached("LANE_NEW")), reply(2, b"late"))
        connection.new_id()
        self.gate.say(reply(3, b"for somebody"))
        self.assertEqual(connection.take(3).frame.body, b"for somebody")
        self.assertEqual(connection.answers, {})
        self.assertEqual(self.gate.heard(), [("BIND", 1, 0), ("CALL", 2, 0), ("CANCEL", 2, 0), ("DROP", 0, 3)])

    def test_connection_lost(self):
        """Channels end with their connection; what had come can still be taken, and nothing counts as written after."""
        connection = self.connection()
        one, two = self.channel(connection, 1), self.channel(connection, 2)
        self.gate.say(on(2, reply(5)), goaway(Status.UNAVAILABLE, 0))
        with self.assertRaises(EndOfStream):
            one.receive()
        self.assertFalse(one.was_written(one.send_call(1, 0)))
        self.assertEqual(two.receive().id, 5)
        with self.assertRaises(EndOfStream):
            two.receive()

    def test_breaches(self):
        """What a gate may not say ends the connection."""
        for frame in (reply(99), on(5, reply(1)), Frame(FrameType.BOUND, b"", id=1), on(1, Frame(FrameType.WELCOME)),
                      Frame(FrameType.DROP), Frame(FrameType.REPLY, b"", id=1, flags=1)):
            connection = self.connection()
            self.channel(connection, 1)
            self.gate.say(frame)
            with self.assertRaises(ProtocolError, msg=frame):
                connection.take(connection.new_id())
            self.assertTrue(connection.ended)

    def test_resumed(self):
        """A lane whose connection was lost is bound on the next one, with RESUME, and its calls are written again."""
        self.gate.greetings = [[bound(1, 1), on(1, attached("LANE_NEW"))],
                               [bound(1, 1), on(1, attached("LANE_RESUMED", 1)), on(1, reply(1)), on(1, reply(2, b"two"))]]
        with mock.patch.dict(os.environ, WAT_SOCKET="/nowhere"), wat.connect() as client:
            lane = Lane(client, TOKEN)
            calls = [lane.send(1, b"x"), lane.send(1, b"y")]
            self.assertIsInstance(lane.channel, HandleChannel)
            self.gate.say(on(1, goaway(Status.UNAVAILABLE, 1)))
            self.gate.streams[-1].sock.shutdown(socket.SHUT_RDWR)
            self.assertEqual([lane.wait(call) for call in calls], [b"r", b"two"])
            self.assertEqual(self.gate.heard(), [("BIND", 1, 0), ("CALL", 1, 1), ("CALL", 2, 1)])

    def test_other_node(self):
        """Another node that answers at the same address is not gone on with."""
        self.gate.node_ids = [bytes(16), b"another node 16."]
        client = wat.connect("/nowhere")
        self.addCleanup(client.close)
        client.lose()
        with self.assertRaises(ProtocolError):
            client.run(time.monotonic() + 30, lambda connection: connection)


if __name__ == "__main__":
    unittest.main()
