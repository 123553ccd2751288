"""A client that was written from PROTOCOL.md alone speaks with a real watd: the way of a call, and what
may be said on each connection (rows 12, 37).
"""

import fcntl
import os
import socket
import stat
import subprocess
import sys
import unittest
from unittest import mock

from daemon import BUILD, DaemonCase
from wat import Client, Status, WatError, tokens
from wat.admin import ADMIN, Node
from wat.channel import FdChannel as Channel
from wat.connection import Connection
from wat.frame import LANE_NEW, Frame, FrameType, error_of
from wat.lane import Lane
from wat.messages import Schema
from wat.user import get_interface

COUNTER = Schema("message Amount { sint64 n = 1; } message Value { sint64 value = 1; }")
PROBE = Schema("message Change { sint64 n = 1; string note = 2; } message Size { uint64 n = 1; }"
               "message Value { sint64 value = 1; string note = 2; uint32 n_items = 3; }")
GET, INCREMENT = 0, 1
PROVISION, STOP = 0, 2


def amount(n):
    return COUNTER["Amount"].encode(n=n)


def value(reply):
    return COUNTER["Value"].decode(reply.body if isinstance(reply, Frame) else reply).value


class Conversation(DaemonCase):
    def bind(self, token):
        connection = self.kept(Connection(self.daemon.socket))
        bound, fd = connection.bind(tokens.USER, token, os.urandom(16), budget_ms=30000)
        return connection, bound, self.kept(Channel(fd))

    def assert_refused(self, status, what, *arguments, **more):
        with self.assertRaises(WatError) as caught:
            what(*arguments, **more)
        self.assertEqual(caught.exception.status, status)
        self.assertTrue(caught.exception.text)
        return caught.exception

    def test_way(self):
        """HELLO, BIND with a token from watctl, a descriptor, calls, a failure, DROP."""
        token = tokens.from_text(self.provision())
        connection = self.kept(Connection(self.daemon.socket))
        self.assertEqual(connection.node_id, token.node_id)
        self.assertEqual(connection.max_body, 1 << 20)
        bound, fd = connection.bind(tokens.USER, token, os.urandom(16))
        self.assertTrue(stat.S_ISSOCK(os.fstat(fd).st_mode))
        self.assertTrue(fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC)
        self.assertEqual((bound.handle, bound.service, bound.instance), (1, "counter.Counter", self.name))
        self.assertEqual((bound.instance_id, bound.method_mask), (token.instance_id, token.method_mask))
        channel = self.kept(Channel(fd))
        attached = channel.attached
        self.assertEqual((attached.generation, attached.lane, attached.last_applied), (1, LANE_NEW, 0))
        channel.send_call(1, INCREMENT, amount(5))
        self.assertEqual(channel.receive(), Frame(FrameType.REPLY, amount(5), id=1))
        channel.send_call(2, INCREMENT, amount((1 << 63) - 1))
        frame = channel.receive()
        self.assertEqual((frame.type, frame.id, frame.budget), (FrameType.FAIL, 2, Status.OUT_OF_RANGE))
        self.assertEqual(error_of(frame).text, "5 + 9223372036854775807 does not fit")
        channel.send_call(3, GET)
        self.assertEqual(value(channel.receive()), 5)
        channel.stream.send(Frame(FrameType.DROP))
        channel.close()
        connection.drop(bound.handle)
        self.assert_refused(Status.NOT_FOUND, get_interface, connection, bound.handle)

    def test_order(self):
        """Calls that are sent at once are run and answered in their order (row 12)."""
        channel = self.bind(tokens.from_text(self.provision()))[2]
        for first in range(1, 2049, 256):
            for id_ in range(first, first + 256):
                channel.send_call(id_, INCREMENT, amount(1), window=id_ - first)
            for id_ in range(first, first + 256):
                frame = channel.receive()
                self.assertEqual((frame.id, value(frame)), (id_, id_))

    def test_gaps(self):
        """Ids rise; they need not be without gaps."""
        channel = self.bind(tokens.from_text(self.provision()))[2]
        for id_ in (7, 8, 1 << 63, (1 << 64) - 1):
            channel.send_call(id_, GET)
            self.assertEqual(channel.receive().id, id_)

    def test_pipelined_binds(self):
        """BINDs are sent without waiting; each gets the answer to its slot, and a channel of its own."""
        token = tokens.from_text(self.provision())
        connection = self.kept(Connection(self.daemon.socket))
        slots = [connection.send_bind(tokens.USER, token, os.urandom(16)) for _ in range(16)]
        channels = {}
        for slot in reversed(slots):
            bound, fd = connection.bound(slot)
            channels[bound.handle] = self.kept(Channel(fd))
        self.assertEqual(set(channels), set(range(1, 17)))
        for n, channel in enumerate(channels.values(), 1):
            channel.send_call(1, INCREMENT, amount(1))
            self.assertEqual(value(channel.receive()), n)
        # One lane more than a grant may have; it is bound, and its channel is not taken.
        _, fd = connection.bind(tokens.USER, token, os.urandom(16))
        self.assert_refused(Status.OVERLOADED, Channel, fd)

    def test_handles(self):
        """A handle that was given back is given away again; DROP of an unknown one does nothing, and
        that of a User's leaves its channel alone."""
        token = tokens.from_text(self.provision())
        connection, bound, channel = self.bind(token)
        connection.drop(99)
        connection.drop(bound.handle)
        connection.drop(bound.handle)
        again, fd = connection.bind(tokens.USER, token, os.urandom(16))
        self.kept(Channel(fd))
        self.assertEqual(again.handle, bound.handle)
        channel.send_call(1, GET)
        self.assertEqual(value(channel.receive()), 0)

    def test_other_frames(self):
        """PING is answered in its turn, CANCEL and PONG are taken, an unknown frame is skipped if it
        may be."""
        connection, _, channel = self.bind(tokens.from_text(self.provision()))
        channel.send_call(1, INCREMENT, amount(2))
        for stream in (connection.stream, channel.stream):
            stream.send(Frame(99, b"of a later version", flags=2))
            stream.send(Frame(FrameType.CANCEL, id=1))
            stream.send(Frame(FrameType.PONG, id=3))
            stream.send(Frame(FrameType.PING, id=42))
        self.assertEqual(connection.stream.receive()[0], Frame(FrameType.PONG, id=42))
        self.assertEqual(value(channel.receive()), 2)
        self.assertEqual(channel.receive(), Frame(FrameType.PONG, id=42))

    def test_interface(self):
        """The schema of a bound capability has its methods in the order of their numbers."""
        token = self.provision()
        connection, bound, _ = self.bind(tokens.from_text(token))
        admin = connection.bind(tokens.ADMIN, tokens.from_text(self.daemon.admin_token(self.name)))[0]
        for handle in (bound.handle, admin.handle):
            methods = get_interface(connection, handle).methods
            self.assertEqual([(m.name, m.number, m.read_only) for m in methods.values()],
                             [("Get", 0, True), ("Increment", 1, False), ("Reset", 2, False)])
            increment = methods["Increment"]
            self.assertEqual((increment.input.name, increment.output.name), (".counter.Amount", ".counter.Value"))
        self.assert_refused(Status.NOT_FOUND, get_interface, connection, 99)

    def test_unread(self):
        """A client that only writes stops itself and nobody else (row 43), and gets every answer once
        it reads."""
        text = self.provision()
        lazy, busy = self.bind(tokens.from_text(text))[2], self.bind(tokens.from_text(text))[2]
        sent = 0
        while not lazy.stream.out or sent < 100000:
            sent += 1
            lazy.send_call(sent, INCREMENT, amount(1))
        busy.send_call(1, GET)
        self.assertEqual(busy.receive().id, 1)
        for id_ in range(1, sent + 1):
            self.assertEqual(lazy.receive().id, id_)

    def test_half_close(self):
        """Whoever shuts down its writing side still gets what was answered."""
        channel = self.bind(tokens.from_text(self.provision()))[2]
        channel.send_call(1, INCREMENT, amount(3))
        channel.stream.sock.shutdown(socket.SHUT_WR)
        self.assertEqual(value(channel.receive()), 3)

    def test_impostor(self):
        """Nothing is said, and so nothing signed, to a process that runs as somebody else."""
        path = os.path.join(self.daemon.dir, "impostor")
        listener = self.kept(socket.socket(socket.AF_UNIX))
        listener.bind(path)
        if os.geteuid() == 0:
            # Credentials are those of whoever calls listen(2).
            code = "import socket, sys; socket.socket(fileno=int(sys.argv[1])).listen(8)"
            subprocess.run([sys.executable, "-c", code, str(listener.fileno())], check=True, user=65534,
                           pass_fds=[listener.fileno()])
            pretended = os.geteuid()
        else:
            listener.listen(8)
            pretended = os.geteuid() + 1
        with mock.patch("os.geteuid", return_value=pretended), self.assertRaises(PermissionError):
            Connection(path)
        with mock.patch("os.geteuid", return_value=pretended), self.assertRaises(PermissionError):
            Client(path)
        for _ in range(2):
            with listener.accept()[0] as peer:
                self.assertEqual(peer.recv(1), b"")


class Managing(DaemonCase):
    """Admin and node calls over the control connection."""

    def test_admin(self):
        """A key that is made here, whose seed stays here; a mask; an end (rows 16, 22, 26)."""
        self.provision()
        client = self.kept(Client(self.daemon.socket))
        admin = client.admin(self.daemon.admin_token(self.name))
        user = self.kept(Lane(client, admin.provision("reader", ["Get"])))
        self.assertEqual(value(user.call(GET)), 0)
        with self.assertRaises(WatError) as caught:
            user.call(INCREMENT, amount(1))
        self.assertEqual(caught.exception.status, Status.ACCESS_DENIED)
        with self.assertRaises(WatError) as caught:
            admin.provision("reader")
        self.assertEqual(caught.exception.status, Status.ALREADY_EXISTS)
        admin.deprovision("reader")
        with self.assertRaises(WatError) as caught:
            user.call(GET)
        self.assertEqual(caught.exception.status, Status.ACCESS_DENIED)

    def test_request_id(self):
        """The same call with the same id is done once and answered alike, on another connection and
        after a restart of watd too; a FAIL is not kept."""
        self.provision()
        token = tokens.from_text(self.daemon.admin_token(self.name))
        request = ADMIN["ProvisionRequest"].encode(request_id=os.urandom(16), user="once", holder_pk=bytes(32))
        taken = ADMIN["ProvisionRequest"].encode(request_id=os.urandom(16), user="u", holder_pk=bytes(32))
        replies = []
        for restart in (False, False, True):
            if restart:
                self.assertEqual(self.daemon.terminate(), 0)
                self.daemon.start()
            connection = self.kept(Connection(self.daemon.socket))
            handle = connection.bind(tokens.ADMIN, token)[0].handle
            replies.append(connection.call(handle, PROVISION, request))
            if not restart:
                with self.assertRaises(WatError) as caught:
                    connection.call(handle, PROVISION, taken)
                self.assertEqual(caught.exception.status, Status.ALREADY_EXISTS)
        self.assertEqual(replies, [replies[0]] * 3)
        self.daemon.watctl("deprovision", self.name, "u")
        self.assertNotEqual(connection.call(handle, PROVISION, taken), replies[0])

    def test_name_again(self):
        """A User's name is free as soon as its Deprovision is answered."""
        self.provision()
        client = self.kept(Client(self.daemon.socket))
        admin = client.admin(self.daemon.admin_token(self.name))
        for _ in range(50):
            admin.deprovision("u")
            admin.provision("u")

    def test_stop_again(self):
        """The answer of a Stop is there for whoever held the Admin when its connection was lost, until
        the name is spawned again (row 48: STOPPED, STALE)."""
        self.daemon.watctl("spawn", "counter", self.name, "--state", '{"value": 7}')
        token = tokens.from_text(self.daemon.admin_token(self.name))
        request = ADMIN["StopRequest"].encode(request_id=os.urandom(16))
        first = self.kept(Connection(self.daemon.socket))
        reply = first.call(first.bind(tokens.ADMIN, token)[0].handle, STOP, request)
        self.assertEqual(value(ADMIN["StopReply"].decode(reply).state), 7)
        second = self.kept(Connection(self.daemon.socket))
        with self.assertRaises(WatError) as caught:
            second.bind(tokens.ADMIN, token)
        self.assertEqual(caught.exception.status, Status.STOPPED)
        handle = second.bind(tokens.ADMIN, token, resume=True)[0].handle
        self.assertEqual(second.call(handle, STOP, request), reply)
        with self.assertRaises(WatError) as caught:
            second.call(handle, STOP, ADMIN["StopRequest"].encode(request_id=os.urandom(16)))
        self.assertEqual(caught.exception.status, Status.STOPPED)
        self.daemon.watctl("spawn", "counter", self.name)
        with self.assertRaises(WatError) as caught:
            second.bind(tokens.ADMIN, token, resume=True)
        self.assertEqual(caught.exception.status, Status.STALE)
        with self.assertRaises(WatError) as caught:
            second.call(handle, STOP, request)
        self.assertEqual(caught.exception.status, Status.STALE)

    def test_node(self):
        """admin.sock gives the node capability without a token; its User handles are as elsewhere."""
        token = tokens.from_text(self.provision())
        connection = self.kept(Connection(self.daemon.admin_socket))
        bound, fd = connection.bind(tokens.NODE)
        self.assertEqual((bound.service, bound.instance, fd), ("wat.node.Node", "", None))
        node = Schema("message NodeStatus { string version = 1; uint32 pid = 2; bytes node_id = 3; }")
        status = node["NodeStatus"].decode(connection.call(bound.handle, 0))
        self.assertEqual((status.pid, status.node_id), (self.daemon.process.pid, connection.node_id))
        with self.assertRaises(WatError) as caught:
            get_interface(connection, bound.handle)
        self.assertEqual(caught.exception.status, Status.NOT_FOUND)
        _, fd = connection.bind(tokens.USER, token, os.urandom(16))
        channel = self.kept(Channel(fd))
        channel.send_call(1, GET)
        self.assertEqual(value(channel.receive()), 0)


    def test_itself_a_service(self):
        """Spawn, List and Stop are methods, of the Node's capability and of the Admin that Spawn answers with, and
        nobody's who has neither (row 114)."""
        node = Node(self.kept(Client(self.daemon.admin_socket)))
        token = node.spawn("counter", self.name, {"value": 7})
        listed = {entry.name: entry.state for entry in node.call("List").instances}
        self.assertEqual(listed[self.name], "ready")
        client = self.kept(Client(self.daemon.socket))
        with self.assertRaises(WatError) as caught:
            Node(client)
        self.assertEqual(caught.exception.status, Status.ACCESS_DENIED)
        admin = client.admin(token)
        user = tokens.from_text(admin.provision("u"))
        connection = self.kept(Connection(self.daemon.socket))
        bound, fd = connection.bind(tokens.USER, user, os.urandom(16))
        self.kept(Channel(fd))
        for denied in (lambda: connection.call(bound.handle, STOP), lambda: connection.bind(tokens.ADMIN, user)):
            with self.assertRaises(WatError) as caught:
                denied()
            self.assertEqual(caught.exception.status, Status.ACCESS_DENIED)
        self.assertEqual([entry.name for entry in node.users(self.name, limit=1)], ["u"])
        admin.provision("v")
        self.assertEqual([entry.name for entry in node.users(self.name, limit=1)], ["u", "v"])
        self.assertEqual(admin.stop().state.value, 7)
        listed = {entry.name: entry.state for entry in node.instances(limit=1)}
        self.assertEqual(listed[self.name], "stopped")


class Probing(DaemonCase):
    """What needs a service that is slow, or answers later."""

    plugin_dir = os.path.join(BUILD, "tests", "plugins")

    def probe(self):
        token = tokens.from_text(self.provision("probe.Probe"))
        connection = self.kept(Connection(self.daemon.socket))
        bound, fd = connection.bind(tokens.USER, token, os.urandom(16))
        return self.kept(Channel(fd)), get_interface(connection, bound.handle).methods

    def test_later(self):
        """The answer of a method declared `later` comes after those of calls that were sent after it;
        at most 16 of a lane are open, or answered and not dropped."""
        channel, methods = self.probe()
        self.assertTrue(methods["Wait"].later)
        self.assertFalse(methods["Release"].later)
        for id_ in range(1, 18):
            channel.send_call(id_, methods["Wait"].number)
        frame = channel.receive()
        self.assertEqual((frame.type, frame.id, frame.budget), (FrameType.FAIL, 17, Status.OVERLOADED))
        channel.send_call(18, methods["Release"].number, PROBE["Change"].encode(n=4, note="now"))
        frames = [channel.receive() for _ in range(17)]
        self.assertEqual([(f.type, f.id) for f in frames if f.id < 17], [(FrameType.REPLY, i) for i in range(1, 17)])
        self.assertIn((FrameType.REPLY, 18), [(f.type, f.id) for f in frames])
        channel.send_call(19, methods["Wait"].number)
        self.assertEqual(Status(channel.receive().budget), Status.OVERLOADED)
        channel.stream.send(Frame(FrameType.DROP, id=16))
        channel.send_call(20, methods["Wait"].number)
        channel.send_call(21, methods["Wait"].number)
        self.assertEqual((channel.receive().id, Status(frame.budget)), (21, Status.OVERLOADED))

    def test_deadline(self):
        """A call whose budget is over before its handler runs is not run; 0 is no limit. The call before
        it computes longer and longer until that is so."""
        channel, methods = self.probe()
        add, get, spin = methods["Add"].number, methods["Get"].number, methods["Spin"].number
        change = PROBE["Change"].encode(n=1)
        id_, rounds = 0, 1 << 10
        while rounds <= 1 << 40:
            id_, rounds = id_ + 4, rounds * 4
            calls = ((spin, PROBE["Size"].encode(n=rounds), 0), (add, change, 1), (get, b"", 0))
            # In one piece, so that they are read at once.
            for i, (method, request, budget) in enumerate(calls):
                channel.stream.out += Frame(FrameType.CALL, request, method, id_ + i, 0, budget).encode()
            channel.stream.write()
            _, added, got = (channel.receive() for _ in calls)
            if added.type == FrameType.FAIL:
                break
            applied = PROBE["Value"].decode(added.body)
        self.assertEqual(Status(added.budget), Status.DEADLINE_EXCEEDED)
        self.assertIn("it was not run", error_of(added).text)
        self.assertEqual(PROBE["Value"].decode(got.body).n_items, applied.n_items if id_ > 4 else 0)


if __name__ == "__main__":
    unittest.main()
