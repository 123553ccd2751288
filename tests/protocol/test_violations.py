"""Each rule of PROTOCOL.md is broken once, and watd answers what the table "Breaches" there promises.

A breach ends its connection or fails its call, and nobody else notices (rows 41, 42).
"""

import os
import socket
import time
import unittest

import page
from daemon import DaemonCase
from wat import Client, Status, tokens
from wat.admin import ADMIN
from wat.channel import FdChannel as Channel
from wat.connection import Connection
from wat.frame import BODY_MAX, CONTROL_BODY_MAX, ENVELOPE, FLAG_FD, HEADER, Frame, FrameType, error_of
from wat.status import EndOfStream, WatError
from wat.stream import Stream
from wat.wire import LENGTH, VARINT, pack

UNBOUND_BODY_MAX = 4096
GET, INCREMENT = 0, 1
PROVISION, DEPROVISION = 0, 1
CUT = b"\x08\x80"       # a varint without its end


def breaches():
    """(name, control or channel, answer) of each row; a row for both counts twice."""
    for what, where, answer in page.table(page.read(page.PATH), "breach"):
        name = what.split(":")[0].split(",")[0]
        for on in ("control", "channel") if where == "both" else (where,):
            yield name, on, answer


def send_bytes(stream, data):
    while data:
        data = data[stream.sock.send(data) :]


def send_header(stream, length, **fields):
    """A header that announces a body of that length, and nothing of it."""
    frame = Frame(**fields).encode()
    send_bytes(stream, length.to_bytes(4, "little") + frame[4 : HEADER.size])


class Breaches:
    """Each method breaks the rule that it is named after, on a connection of its own: the stream, and
    the id of the answer (None: a GOAWAY, which has none)."""

    def __init__(self, case):
        self.case = case

    def greeted(self):
        return self.case.kept(Connection(self.case.daemon.socket))

    def ungreeted(self):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect(self.case.daemon.socket)
        return self.case.kept(Stream(sock, CONTROL_BODY_MAX))

    def channel(self, token=None):
        connection = self.greeted()
        bound, fd = connection.bind(tokens.USER, token or self.case.token, os.urandom(16))
        return connection, bound, self.case.kept(Channel(fd))

    def stream(self, on):
        return self.greeted().stream if on == "control" else self.channel()[2].stream

    def admin(self):
        connection = self.greeted()
        return connection, connection.bind(tokens.ADMIN, self.case.admin_token)[0].handle

    # Control connection: greeting.

    def no_hello(self, _):
        stream = self.ungreeted()
        stream.send(Frame(FrameType.PING, id=1))
        return stream, None

    def malformed_hello(self, _):
        stream = self.ungreeted()
        stream.send(Frame(FrameType.HELLO, CUT))
        return stream, None

    def version(self, _):
        stream = self.ungreeted()
        stream.send(Frame(FrameType.HELLO, ENVELOPE["Hello"].encode(version=2)))
        return stream, None

    def hello_again(self, on):
        stream = self.stream(on)
        stream.send(Frame(FrameType.HELLO, ENVELOPE["Hello"].encode(version=1)))
        return stream, None

    # BIND.

    def bind(self, slot=1, **values):
        """A BIND that is right but for the values that are given."""
        connection = self.greeted()
        token = self.case.token
        right = {"role": tokens.USER, "token": token.encode(), "lane": os.urandom(16),
                 "proof": token.prove(tokens.UNIX_BINDING, connection.challenge, connection.node_id, slot)}
        body = ENVELOPE["Bind"].encode(**{**right, **values})
        connection.stream.send(Frame(FrameType.BIND, body, id=slot))
        return connection.stream, slot

    def slot_backward(self, _):
        connection = self.greeted()
        connection.last_id = 4
        _, fd = connection.bind(tokens.USER, self.case.token, os.urandom(16))
        os.close(fd)
        connection.last_id = 4
        connection.send_bind(tokens.USER, self.case.token, os.urandom(16))
        return connection.stream, None

    def malformed_bind(self, _):
        connection = self.greeted()
        connection.stream.send(Frame(FrameType.BIND, CUT, id=1))
        return connection.stream, 1

    def lane_length(self, _):
        return self.bind(lane=os.urandom(15))

    def wrong_proof(self, _):
        token = self.case.token
        return self.bind(proof=token.prove(tokens.UNIX_BINDING, os.urandom(32), token.node_id, 1))

    def seed_sent(self, _):
        return self.bind(token=self.case.token.encode_with_seed())

    def other_role(self, _):
        return self.bind(role=tokens.ADMIN)

    def node_by_client_socket(self, _):
        return self.bind(role=tokens.NODE, token=b"", proof=b"", lane=b"")

    # Calls.

    def call(self, connection, handle, method, request=b""):
        id_ = connection.new_id()
        connection.stream.send(Frame(FrameType.CALL, request, method, id_, handle))
        return connection.stream, id_

    def unbound_handle(self, _):
        return self.call(self.greeted(), 7, 0)

    def user_handle(self, _):
        connection, bound, _ = self.channel()
        return self.call(connection, bound.handle, 0)

    def request_id_length(self, _):
        request = ADMIN["ProvisionRequest"].encode(request_id=bytes(15), user="x", holder_pk=bytes(32))
        return self.call(*self.admin(), PROVISION, request)

    def request_id_reused(self, _):
        request_id = os.urandom(16)
        connection, handle = self.admin()
        connection.call(handle, PROVISION, ADMIN["ProvisionRequest"].encode(
            request_id=request_id, user="reused", holder_pk=bytes(32)))
        return self.call(connection, handle, DEPROVISION,
                         ADMIN["DeprovisionRequest"].encode(request_id=request_id, user="reused"))

    def unknown_method(self, on):
        if on == "control":
            return self.call(self.greeted(), 0, 99)
        channel = self.channel()[2]
        channel.send_call(1, 99)
        return channel.stream, 1

    def outside_mask(self, _):
        channel = self.channel(self.case.narrow)[2]
        channel.send_call(1, INCREMENT, b"\x08\x02")
        return channel.stream, 1

    def malformed_request(self, on):
        if on == "control":
            return self.call(self.greeted(), 0, 0, CUT)
        channel = self.channel()[2]
        channel.send_call(1, INCREMENT, CUT)
        return channel.stream, 1

    def id_backward(self, on):
        if on == "control":
            connection = self.greeted()
            connection.last_id = 4
            connection.bind(tokens.ADMIN, self.case.admin_token)
            connection.last_id = 4
            self.call(connection, 0, 0)
            return connection.stream, None
        channel = self.channel()[2]
        channel.send_call(5, GET)
        channel.receive()
        channel.send_call(5, GET)
        return channel.stream, None

    def handle(self, _):
        channel = self.channel()[2]
        channel.stream.send(Frame(FrameType.CALL, method=GET, id=1, handle=1))
        return channel.stream, None

    def window(self, _):
        channel = self.channel()[2]
        channel.send_call(5, GET, window=5)
        return channel.stream, None

    def lost_lane(self, _):
        connection = self.greeted()
        _, fd = connection.bind(tokens.USER, self.case.token, os.urandom(16), resume=True)
        channel = self.case.kept(Channel(fd))
        channel.send_call(1, GET)
        return channel.stream, None

    # Frames.

    def reserved_bytes(self, on):
        stream = self.stream(on)
        data = bytearray(Frame(FrameType.PING, id=9).encode())
        data[31] = 1
        send_bytes(stream, bytes(data))
        return stream, None

    def unknown_flag(self, on):
        stream = self.stream(on)
        stream.send(Frame(FrameType.PING, id=9, flags=4))
        return stream, None

    def unknown_type(self, on):
        stream = self.stream(on)
        stream.send(Frame(99, b"x"))
        return stream, None

    def direction(self, on):
        stream = self.stream(on)
        stream.send(Frame(FrameType.REPLY, id=1))
        return stream, None

    def long_body(self, on):
        stream = self.stream(on)
        send_header(stream, (UNBOUND_BODY_MAX if on == "control" else BODY_MAX) + 1, type=FrameType.CALL, id=1)
        return stream, None

    def descriptor(self, on):
        stream = self.stream(on)
        socket.send_fds(stream.sock, [Frame(FrameType.PING, id=9, flags=FLAG_FD).encode()], [0])
        return stream, None

    def no_descriptor(self, on):
        stream = self.stream(on)
        stream.send(Frame(FrameType.PING, id=9, flags=FLAG_FD))
        return stream, None


class Violations(DaemonCase):
    def setUp(self):
        super().setUp()
        self.token = tokens.from_text(self.provision())
        self.admin_token = tokens.from_text(self.daemon.admin_token(self.name))
        self.breaches = Breaches(self)
        admin = self.kept(Client(self.daemon.socket)).admin(self.admin_token)
        self.narrow = tokens.from_text(admin.provision("narrow", ["Get"]))
        self.witness = self.breaches.channel()
        self.witness_id = 0

    def expect_goaway(self, stream, status):
        frame, _ = stream.receive()
        self.assertEqual(frame.type, FrameType.GOAWAY)
        goaway = ENVELOPE["GoAway"].decode(frame.body)
        self.assertEqual(Status(goaway.status), status)
        self.assertGreater(len(goaway.failure.text), 10)
        with self.assertRaises(EndOfStream):
            stream.receive()
        return goaway

    def expect_fail(self, stream, status, id_):
        frame, _ = stream.receive()
        self.assertEqual((frame.type, frame.id, Status(frame.budget)), (FrameType.FAIL, id_, status))
        self.assertGreater(len(error_of(frame).text), 10)
        self.assert_lives(stream)
        return error_of(frame)

    def assert_lives(self, stream):
        stream.send(Frame(FrameType.PING, id=77))
        self.assertEqual(stream.receive()[0], Frame(FrameType.PONG, id=77))

    def expect(self, answer, stream, id_):
        kind, status = answer.split()
        if kind == "GOAWAY":
            self.expect_goaway(stream, Status[status])
        else:
            self.expect_fail(stream, Status[status], id_)

    def assert_unharmed(self):
        connection, _, channel = self.witness
        self.assert_lives(connection.stream)
        self.witness_id += 1
        channel.send_call(self.witness_id, GET)
        self.assertEqual(channel.receive(), Frame(FrameType.REPLY, id=self.witness_id))

    def test_table(self):
        """What the page says of each breach is what happens, and the page says it of all that are
        tried here."""
        tried = {name for name in vars(Breaches) if not name.startswith("_")}
        helpers = {"greeted", "ungreeted", "channel", "stream", "admin", "bind", "call"}
        self.assertEqual({name.replace("-", "_") for name, *_ in breaches()}, tried - helpers)
        for name, on, answer in breaches():
            with self.subTest(breach=name, on=on):
                stream, id_ = getattr(self.breaches, name.replace("-", "_"))(on)
                self.expect(answer, stream, id_)
                self.assert_unharmed()

    def test_slots(self):
        """A slot that was used works once, 0 never; a BIND that was seen on another connection is
        worth nothing on this one."""
        connection = self.breaches.greeted()
        proof = self.token.prove(tokens.UNIX_BINDING, connection.challenge, connection.node_id, 1)
        for slot, answer in ((1, "FAIL ACCESS_DENIED"), (0, "GOAWAY INVALID_ARGUMENT")):
            self.expect(answer, *self.breaches.bind(slot=slot, proof=proof))

    def test_forged(self):
        """One bit anywhere in the token, or in the proof, and it is another one (rows 17, 19)."""
        token = self.token.encode()
        for at in range(0, len(token), 7):
            bent = bytearray(token)
            bent[at] ^= 1 << at % 8
            self.expect("FAIL ACCESS_DENIED", *self.breaches.bind(token=bytes(bent)))
        self.expect("FAIL ACCESS_DENIED", *self.breaches.bind(token=token[:-1]))
        self.expect("FAIL ACCESS_DENIED", *self.breaches.bind(token=token + b"\0"))
        self.expect("FAIL ACCESS_DENIED", *self.breaches.bind(proof=bytes(64)))
        self.expect("FAIL ACCESS_DENIED", *self.breaches.bind(proof=b""))
        self.assert_unharmed()

    def test_limits(self):
        """A body of exactly the limit is taken, one byte more is not, at each of the three limits."""
        def padded(n):
            """A message of n bytes that has nothing but a field that nobody knows."""
            head = len(pack(15, LENGTH, bytes(n))) - n
            return pack(15, LENGTH, bytes(n - head))

        connection = self.breaches.greeted()
        connection.stream.send(Frame(FrameType.CALL, padded(UNBOUND_BODY_MAX), id=1))
        self.expect_fail(connection.stream, Status.NOT_FOUND, 1)
        connection, _, channel = self.breaches.channel()
        connection.stream.send(Frame(FrameType.CALL, padded(CONTROL_BODY_MAX), id=9))
        self.expect_fail(connection.stream, Status.NOT_FOUND, 9)
        send_header(connection.stream, CONTROL_BODY_MAX + 1, type=FrameType.CALL, id=10)
        self.expect_goaway(connection.stream, Status.TOO_LARGE)
        channel.send_call(1, GET, padded(BODY_MAX))
        self.assertEqual(channel.receive(), Frame(FrameType.REPLY, id=1))
        send_header(channel.stream, BODY_MAX + 1, type=FrameType.CALL, id=2)
        self.assertEqual(self.expect_goaway(channel.stream, Status.TOO_LARGE).last_read_id, 1)

    def test_many_descriptors(self):
        """More of them than anybody could want are closed, and answered like one."""
        for on in ("control", "channel"):
            ours, theirs = socket.socketpair()
            stream = self.breaches.stream(on)
            socket.send_fds(stream.sock, [b"\0"], [theirs.fileno()] * 40)
            theirs.close()
            self.expect_goaway(stream, Status.INVALID_ARGUMENT)
            # Nobody has the other end any more.
            self.assertEqual(ours.recv(1), b"")
            ours.close()

    def test_where(self):
        """A request that is malformed is told where (row 42)."""
        stream, id_ = self.breaches.malformed_request("channel")
        error = self.expect_fail(stream, Status.INVALID_ARGUMENT, id_)
        self.assertIn("Increment of counter.Counter: n: expected", error.text)
        stream, id_ = self.breaches.malformed_request("control")
        self.assertIn("handle: expected", self.expect_fail(stream, Status.INVALID_ARGUMENT, id_).text)


class Expiry(DaemonCase):
    arguments = ("--grant-life", "4s")

    def test_expired(self):
        """An Admin that was bound in its time is refused from the end of its token on (row 26)."""
        self.daemon.watctl("spawn", "counter", self.name)
        token = tokens.from_text(self.daemon.admin_token(self.name))
        connection = self.kept(Connection(self.daemon.socket))
        handle = connection.bind(tokens.ADMIN, token)[0].handle
        error = self.refused(connection, handle)
        while error.status == Status.NOT_FOUND:
            error = self.refused(connection, handle)
        self.assertEqual(error.status, Status.ACCESS_DENIED)
        self.assertIn("expired", str(error))
        self.assertGreaterEqual(time.clock_gettime(time.CLOCK_REALTIME), token.not_after)
        with self.assertRaises(WatError) as caught:
            connection.call(0, 0, pack(1, VARINT, handle))
        self.assertEqual(caught.exception.status, Status.NOT_FOUND)

    def refused(self, connection, handle):
        """Deprovision of nobody: why not."""
        request = ADMIN["DeprovisionRequest"].encode(request_id=os.urandom(16), user="nobody")
        with self.assertRaises(WatError) as caught:
            connection.call(handle, DEPROVISION, request)
        return caught.exception


if __name__ == "__main__":
    unittest.main()
