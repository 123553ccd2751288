"""The client in Python by each door of watd: its unix socket, gate.sock, TCP and TCP without encryption. What is promised
by one of them is promised by all (rows 37, 38, 39, 48, 98).
"""

import os
import select
import signal
import time
import unittest

import wat
from daemon import BUILD, DaemonCase, by_doors
from wat import Status, tokens
from wat.connection import Connection
from wat.frame import Frame, FrameType
from wat.status import EndOfStream
from wat.wire import LENGTH, pack

PROVISION = 0


class Door(DaemonCase):
    def client(self, **more):
        return self.kept(wat.connect(self.address, **more))

    def begin(self, service="counter", **state):
        """An Admin of a new instance, by this door."""
        client = self.kept(wat.connect(self.daemon.admin_socket))
        return self.client().admin(client.node().spawn(service, self.name, state))


class Counters(Door):
    def test_reference(self):
        """The reference scenario: spawn, provision, calls by name, a failure, deprovision, stop, and the same name
        again (rows 37, 38, 98; 48: ACCESS_DENIED, STOPPED, STALE)."""
        admin = self.begin(value=2)
        text = admin.provision("u1")
        user, reader = admin.client.user(text), admin.client.user(admin.provision("r", ["Get"]))
        self.assertEqual(user.call("Increment", n=5), {"value": 7})
        self.assertEqual(user.call("Increment", {"n": -10})["value"], -3)
        self.assertEqual(reader.call("Get").value, -3)
        with self.assertRaises(wat.WatError) as caught:
            user.call("Increment", n=-(1 << 63))
        self.assertEqual(caught.exception.status, Status.OUT_OF_RANGE)
        self.assertEqual(caught.exception.text, f"-3 + {-(1 << 63)} does not fit")
        with self.assertRaises(wat.AccessDenied):
            reader.call("Reset")
        self.assertEqual(user.call("Reset").value, 0)
        admin.deprovision("r")
        with self.assertRaises(wat.AccessDenied):
            reader.call("Get")
        user.call("Increment", n=9)
        ended = admin.stop()
        self.assertEqual((ended.state, [left.name for left in ended.users]), ({"value": 9}, ["u1"]))
        with self.assertRaises(wat.Stopped):
            user.call("Get")
        self.daemon.watctl("start", self.name)
        with self.assertRaises(wat.Stale):
            user.call("Get")
        with self.assertRaises(wat.Stale):
            admin.client.user(text)

    def test_pipelined(self):
        """Many times what may be open: in order, each once; what is sent before a Stop is in what it answers
        (row 79)."""
        admin = self.begin()
        user = admin.client.user(admin.provision("u"))
        calls = [user.send("Increment", n=1) for _ in range(3000)]
        self.assertEqual([call.result().value for call in calls], list(range(1, 3001)))
        for _ in range(200):
            user.send("Increment", n=1)
        self.assertEqual(admin.stop().state.value, 3200)

    def test_stopped_behind(self):
        """Requests that don't fit into any buffer are out before a Stop is (row 79)."""
        admin = self.begin()
        user = admin.client.user(admin.provision("u"))
        method = user.interface.method("Increment")
        request = method.input.encode(n=1) + pack(15, LENGTH, bytes(200000))
        for _ in range(100):
            user.lane.send(method.number, request)
        if self.door == "unix":     # others' buffers are the kernel's to choose
            self.assertTrue(user.lane.channel.stream.has_more())
        self.assertEqual(admin.stop().state.value, 100)

    def test_many(self):
        """Users of one client don't get each other's answers."""
        admin = self.begin()
        users = [admin.client.user(admin.provision(f"u{i}")) for i in range(20)]
        calls = [(i, user.send("Increment", n=1 << i)) for i, user in enumerate(users)]
        values = {i: call.result().value for i, call in reversed(calls)}
        self.assertEqual(sorted(values.values())[-1], (1 << 20) - 1)
        for i, value in values.items():
            self.assertTrue(value & 1 << i)
        users[7].close()
        again = admin.client.user(admin.provision("again"))
        self.assertEqual({user.call("Get").value for user in [*users[:7], *users[8:], again]}, {(1 << 20) - 1})

    def test_two_doors(self):
        """Whoever comes by this door and by watd.sock has the same state before it; each sees what the other did
        (row 39)."""
        admin = self.begin()
        here = admin.client.user(admin.provision("here"))
        there = self.kept(wat.connect(self.daemon.socket)).user(admin.provision("there"))
        for i in range(1, 50):
            self.assertEqual(here.call("Increment", n=1).value, 2 * i - 1)
            self.assertEqual(there.call("Increment", n=1).value, 2 * i)

    def test_not_an_admin(self):
        """The door serves an Admin's methods to a connection that bound one, and to no other; and never the node's
        (rows 23, 39)."""
        admin = self.begin()
        connection = self.kept(Connection(self.address))
        token = tokens.from_text(admin.provision("u"))
        request = wat.admin.ADMIN["ProvisionRequest"].encode(request_id=bytes(16), user="x", holder_pk=bytes(32))
        for role, capability in ((tokens.NODE, None), (tokens.ADMIN, token)):
            with self.assertRaises(wat.AccessDenied):
                connection.bind(role, capability)
        for handle in (1, 7):
            with self.assertRaises(wat.AccessDenied):
                connection.call(handle, PROVISION, request)
        bound = connection.bind(tokens.ADMIN, admin.token)[0]
        connection.call(bound.handle, PROVISION, request)

    def test_dies(self):
        """SIGKILL of the host, of watd, and of the gate while calls are under way: each is done once, in order, and the
        count is theirs (rows 38, 46, 48, 58)."""
        admin = self.begin()
        user = admin.client.user(admin.provision("u"))
        calls = []
        for round_ in range(9):
            calls += [user.send("Increment", n=1) for _ in range(250)]
            self.die(("host", "watd", "gate")[round_ % 3])
        self.assertEqual([call.result().value for call in calls], list(range(1, len(calls) + 1)))
        self.assertEqual(user.call("Get").value, len(calls))
        # The Admin is bound anew as well.
        self.assertEqual(admin.stop().state.value, len(calls))

    def die(self, who):
        if who == "host":
            self.daemon.watctl("kill", self.name)
        elif who == "watd":
            self.daemon.kill()
            self.daemon.start()
        elif self.door != "unix":
            Connection(self.address).close()    # it has begun, and serves
            os.kill(self.daemon.gate(), signal.SIGKILL)

    def test_suspended(self):
        """watd goes down in order and comes back, and the client with it (row 58)."""
        admin = self.begin(value=1)
        user = admin.client.user(admin.provision("u"))
        self.assertEqual(user.call("Increment", n=1).value, 2)
        open_calls = [user.send("Increment", n=1) for _ in range(100)]
        self.assertEqual(self.daemon.terminate(), 0)
        self.daemon.start()
        self.assertEqual([call.result().value for call in open_calls], list(range(3, 103)))
        admin.provision("after")

    def test_request_ids(self):
        """An Admin's call whose answer was lost with watd is made once: what the second try gets is the first's answer."""
        admin = self.begin()
        for i in range(3):
            connection = admin.client.get(time.monotonic() + 30)
            handle = admin.handle(connection, time.monotonic() + 30)
            request = wat.admin.ADMIN["ProvisionRequest"].encode(
                request_id=os.urandom(16), user=f"u{i}", holder_pk=os.urandom(32))
            connection.stream.send(Frame(FrameType.CALL, request, PROVISION, connection.new_id(), handle))
            connection.stream.flush()
            self.daemon.kill()
            self.daemon.start()
            attempt = wat.admin.Attempt(admin, PROVISION, request, time.monotonic() + 30, True)
            first = attempt.run()
            self.assertEqual(wat.admin.Attempt(admin, PROVISION, request, time.monotonic() + 30, True).run(), first)
        self.assertEqual([left.name for left in admin.stop().users], ["u0", "u1", "u2"])

    def test_stop_again(self):
        """A Stop that was done, and whose answer was lost with the connection, is answered on the next one."""
        admin = self.begin(value=4)
        node = self.kept(wat.connect(self.daemon.admin_socket)).node()
        self.assertEqual(admin.interface.service, "counter.Counter")
        connection = admin.client.connection

        def lose(*_):
            node.call("Wait", name=self.name, state="stopped")
            connection.close()
            raise EndOfStream

        connection.take = lose
        self.assertEqual(admin.stop().state, {"value": 4})

    def test_no_watd(self):
        """Nobody listens: a client is told so at once."""
        client = self.client()
        self.daemon.terminate()
        with self.assertRaises(wat.Unavailable):
            wat.connect(self.address)
        self.daemon.start()
        client.get(time.monotonic() + 30)


class Probes(Door):
    """With a service on which everything can go wrong."""

    plugin_dir = os.path.join(BUILD, "tests", "plugins")

    def begin(self):
        """A User, and its Admin."""
        admin = super().begin("probe.Probe")
        return admin.client.user(admin.provision("u")), admin

    def test_messages(self):
        """Strings, numbers and messages inside messages go there and back."""
        user, admin = self.begin()
        note = "f\u00fcr \U0001f41f"
        answer = user.call("Add", n=-4, note=note)
        self.assertEqual(answer, {"value": -3, "note": note, "n_items": 1, "last": {"name": note, "n": -4}})
        with self.assertRaises(wat.MessageError) as caught:
            user.call("Add", n="4")
        self.assertEqual(caught.exception.path, "n")
        with self.assertRaises(AttributeError):
            user.call("Substract")
        self.assertEqual(admin.stop().state["items"], [{"name": note, "n": -4}])

    def test_died(self):
        """A call that kills or panics is answered SERVER_DIED with the chain; those behind it are made (rows 46, 47, 48,
        49)."""
        user, _ = self.begin()
        for method, kind in (("Crash", "SIGNAL"), ("AddThenPanic", "PANIC")):
            dying, behind = user.send(method), user.send("Add", n=1)
            with self.assertRaises(wat.ServerDied) as caught:
                dying.result()
            cause = caught.exception.chain[0]
            self.assertEqual((cause.kind, cause.service, cause.text), (kind, "probe.Probe", ""))
            self.assertEqual(caught.exception.causes(), [f"{kind} of probe.Probe"])
            behind.result()
        self.assertEqual(user.call("Get").n_items, 2)

    def test_later(self):
        """Answers of `later` methods come when they come; one that was given up comes to nobody."""
        user, _ = self.begin()
        waiting = [user.send("Wait") for _ in range(3)]
        self.assertEqual(user.call("Add", n=1).n_items, 1)
        waiting[0]._call.deadline = 0
        with self.assertRaises(wat.DeadlineExceeded):
            waiting[0].result()
        self.assertEqual(user.call("Release", n=1).n, 3)
        self.assertEqual([call.result().value for call in waiting[1:]], [3, 3])
        # Their answers were dropped, and nothing else: the lane goes on, and has room for as many again.
        lane = user.lane.lane
        for _ in range(3):
            waiting = [user.send("Wait") for _ in range(15)]
            user.call("Release", n=1)
            for call in waiting:
                call.result()
        self.assertEqual((user.call("Get").n_items, user.lane.lane), (5, lane))

    def lose(self, user):
        """watd is killed and stays away; the client has yet to notice."""
        self.daemon.kill()
        poll = select.poll()
        poll.register(user.lane.channel.stream.sock, select.POLLIN)
        poll.poll()

    def test_disconnected(self):
        """Nobody is left to ask: what was written may have run and is DISCONNECTED, what was never written was not run
        and is UNAVAILABLE (row 48: DISCONNECTED)."""
        user, _ = self.begin()
        running = user.send("Hang")
        self.lose(user)
        running._call.deadline = time.monotonic() + 0.05
        with self.assertRaises(wat.Disconnected) as caught:
            running.result()
        self.assertIn("may have run", caught.exception.text)
        user.lane.timeout_s = 0.05
        with self.assertRaises(wat.Unavailable):
            user.call("Get")
        self.daemon.start()
        user.lane.timeout_s = 30.0
        self.assertEqual(user.call("Get").n_items, 0)

    def test_kill_once(self):
        """A node's Kill has no request id: lost with its connection, it is not sent again, and may have run."""
        self.begin()
        node = self.kept(wat.connect(self.daemon.admin_socket)).node()
        self.assertGreater(node.call("Kill", name=self.name).pid, 0)
        connection = node.client.get(time.monotonic() + 30)
        take = connection.take

        def lose_and_take(*arguments):
            """The call is in the socket of a watd that reads nothing any more."""
            self.daemon.kill()
            self.daemon.start()
            return take(*arguments)

        connection.take = lose_and_take
        os.kill(self.daemon.process.pid, signal.SIGSTOP)
        with self.assertRaises(wat.Disconnected) as caught:
            node.call("Kill", name=self.name)
        self.assertIn("may have run", caught.exception.text)
        self.assertEqual(node.call("Wait", name=self.name).state, "ready")


by_doors(globals(), Counters, Probes, doors=("gate", "tcp", "plain"))

if __name__ == "__main__":
    unittest.main()
