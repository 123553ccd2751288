"""After each kind of loss a client that keeps to PROTOCOL.md goes on, by each door, and says the truth about each call
(rows 22, 48, 54, 65).
"""

import os
import unittest

from daemon import BUILD, DaemonCase, by_doors
from test_conversation import GET, INCREMENT, PROBE, amount, value
from wat import Client, GoneAway, Status, WatError, tokens
from wat.channel import open_channel
from wat.connection import Connection
from wat.frame import LANE_LOST
from wat.lane import Lane
from wat.status import EndOfStream
from wat.user import get_interface


class Losses(DaemonCase):
    def setUp(self):
        super().setUp()
        self.text = self.provision()
        self.token = tokens.from_text(self.text)
        self.client = self.kept(Client(self.address))

    def attach(self, lane=None, resume=False):
        connection = self.kept(Connection(self.address))
        bound, fd = connection.bind(tokens.USER, self.token, lane or os.urandom(16), resume, 30000)
        return connection, self.kept(open_channel(connection, bound, fd))

    def admin(self):
        return self.client.admin(self.daemon.admin_token(self.name))

    def expect_end(self, channel, status, last_read_id):
        """GOAWAY, and then the end."""
        with self.assertRaises(EndOfStream):
            channel.receive()
        self.assertEqual(Status(channel.goaway.status), status)
        self.assertEqual(channel.goaway.last_read_id, last_read_id)
        self.assertTrue(channel.goaway.error.text)

    def assert_fails(self, status, what, *arguments):
        with self.assertRaises(WatError) as caught:
            what(*arguments)
        self.assertEqual(caught.exception.status, status)
        return caught.exception

    def assert_answered(self, user, calls):
        """In order, each with its number; the service does not wait for a client that leaves answers
        lying, so the last of them may be missing, and then those calls may have run."""
        answers = []
        for call in calls:
            try:
                answers.append(value(user.wait(call)))
            except WatError as error:
                self.assertEqual(error.status, Status.STOPPED)
                self.assertIn("may have run", error.text)
        self.assertEqual(answers, list(range(1, len(answers) + 1)))
        self.assertGreater(len(answers), 0)

    def test_stopped(self):
        """Stop answers what was sent before it, tells each channel, and a BIND says STOPPED, not that
        anything died (row 54); once the name is spawned again, STALE (row 65)."""
        user = self.kept(Lane(self.client, self.text))
        _, witness = self.attach()
        witness.send_call(1, GET)
        witness.receive()
        admin = self.admin()
        # Many times what may be open at once; the last of them are under way when Stop is sent.
        n = 20000 if self.door == "unix" else 2000      # a call through the gate wakes three processes
        calls = [user.send(INCREMENT, amount(1)) for _ in range(n)]
        self.assertEqual(admin.stop().state.value, n)
        self.assert_answered(user, calls)
        self.expect_end(witness, Status.STOPPED, 1)
        self.assertEqual(self.assert_fails(Status.STOPPED, user.call, GET).chain, [])
        self.daemon.watctl("spawn", "counter", self.name)
        self.assert_fails(Status.STALE, user.call, GET)

    def test_deprovisioned(self):
        """The channel ends with ACCESS_DENIED, and so does a new BIND; another User goes on (row 22)."""
        _, channel = self.attach()
        other = self.kept(Lane(self.client, self.admin().provision("other")))
        channel.send_call(3, GET)
        channel.receive()
        self.admin().deprovision("u")
        self.expect_end(channel, Status.ACCESS_DENIED, 3)
        self.assert_fails(Status.ACCESS_DENIED, self.attach)
        self.assertEqual(value(other.call(GET)), 0)

    def test_lane_again(self):
        """A lane has one channel: the newer one."""
        lane = os.urandom(16)
        _, older = self.attach(lane)
        _, newer = self.attach(lane)
        self.expect_end(older, Status.ABORTED, 0)
        newer.send_call(1, INCREMENT, amount(1))
        self.assertEqual(value(newer.receive()), 1)

    def test_control_lost(self):
        """A channel does not need its control connection."""
        user = self.kept(Lane(self.client, self.text))
        self.client.close()
        self.assertEqual(value(user.call(INCREMENT, amount(2))), 2)
        self.assertEqual(value(user.call(GET)), 2)

    def test_suspended(self):
        """watd goes down in order and comes back: GOAWAY UNAVAILABLE on both kinds of connections, and
        the client goes on with the state as it was (row 58)."""
        user = self.kept(Lane(self.client, self.text))
        admin = self.admin()
        self.assertEqual(value(user.call(INCREMENT, amount(9))), 9)
        connection, channel = self.attach()
        self.assertEqual(self.daemon.terminate(), 0)
        self.expect_end(channel, Status.UNAVAILABLE, 0)
        with self.assertRaises(GoneAway) as caught:
            connection.pump()
        self.assertEqual(caught.exception.status, Status.UNAVAILABLE)
        self.daemon.start()
        self.assertEqual(value(user.call(INCREMENT, amount(1))), 10)
        admin.provision("after")

    def test_watd_killed(self):
        """SIGKILL of watd: nobody says goodbye, and the client goes on all the same."""
        user = self.kept(Lane(self.client, self.text))
        self.assertEqual(value(user.call(GET)), 0)
        _, channel = self.attach()
        self.daemon.kill()
        with self.assertRaises(EndOfStream):
            channel.receive()
        self.assertIsNone(channel.goaway)
        self.daemon.start()
        self.assertEqual(value(user.call(INCREMENT, amount(4))), 4)

    def test_resume(self):
        """RESUME of a lane that the service does not know is answered LANE_LOST."""
        _, channel = self.attach(resume=True)
        self.assertEqual((channel.attached.lane, channel.attached.last_applied), (LANE_LOST, 0))

    def test_no_watd(self):
        """Nobody listens: the call ends with UNAVAILABLE when its time is over, and was not made."""
        user = self.kept(Lane(self.client, self.text))
        user.timeout_s = 0.05
        self.daemon.terminate()
        self.assert_fails(Status.UNAVAILABLE, user.call, GET)
        self.daemon.start()


class Deaths(DaemonCase):
    """The service's process dies."""

    plugin_dir = os.path.join(BUILD, "tests", "plugins")

    def setUp(self):
        super().setUp()
        text = self.provision("probe.Probe")
        self.client = self.kept(Client(self.address))
        self.user = self.kept(Lane(self.client, text))
        self.methods = get_interface(self.user.bound_on, self.user.bound.handle).methods

    def send(self, name, **values):
        method = self.methods[name]
        request = PROBE["Change"].encode(**values)
        return self.user.send(method.number, request, read_only=method.read_only, later=method.later)

    def test_killed(self):
        """The call that was running is answered SERVER_DIED and not run again; those that wait behind it
        are made once, and the client goes on (rows 46, 48)."""
        self.assertEqual(PROBE["Value"].decode(self.user.wait(self.send("Add", n=1, note="before"))).n_items, 1)
        running = self.send("Hang")
        behind = self.send("Add", n=1, note="behind")
        reading = self.send("Get")
        self.daemon.watctl("kill", self.name)
        with self.assertRaises(WatError) as caught:
            self.user.wait(running)
        self.assertEqual(caught.exception.status, Status.SERVER_DIED)
        self.assertEqual(caught.exception.chain[0].service, "probe.Probe")
        for call in (behind, reading):
            self.assertEqual(PROBE["Value"].decode(self.user.wait(call)).n_items, 2)
        self.assertEqual(self.user.channel.attached.generation, 2)

    def test_crashed(self):
        """A crash is the end of that call, and of none that was made after it."""
        crashing, behind = self.send("Crash"), self.send("Add", n=1, note="after")
        with self.assertRaises(WatError) as caught:
            self.user.wait(crashing)
        self.assertEqual(caught.exception.status, Status.SERVER_DIED)
        self.assertEqual(PROBE["Value"].decode(self.user.wait(behind)).n_items, 1)

    def test_panicked(self):
        """A panic is answered SERVER_DIED with the chain, nearest first, of which a User is told kind and
        service; the channel lives, and the state is as before (rows 8, 46, 49)."""
        with self.assertRaises(WatError) as caught:
            self.user.wait(self.send("AddThenPanic", n=1, note="x"))
        self.assertEqual(caught.exception.status, Status.SERVER_DIED)
        cause = caught.exception.chain[0]
        self.assertEqual((cause.service, cause.instance), ("probe.Probe", ""))
        self.assertEqual((cause.method, cause.text), ("", ""))
        self.assertEqual(PROBE["Value"].decode(self.user.wait(self.send("Get"))).n_items, 0)
        self.assertEqual(self.user.channel.attached.generation, 1)

    def test_suspended(self):
        """A call that was taken and not answered when watd goes down is told so, and is not run again."""
        waiting = self.send("Wait")
        answered = self.send("Add", n=1, note="after it")
        self.user.wait(answered)
        self.assertEqual(self.daemon.terminate(), 0)
        self.daemon.start()
        with self.assertRaises(WatError) as caught:
            self.user.wait(waiting)
        self.assertEqual(caught.exception.status, Status.UNAVAILABLE)
        self.assertIn("not run again", str(caught.exception))
        self.assertEqual(PROBE["Size"].decode(self.user.wait(self.send("Release", n=1))).n, 0)

    def test_taken(self):
        """The same when its process dies: SERVER_DIED, and nobody waits in the next one."""
        waiting = self.send("Wait")
        self.user.wait(self.send("Add", n=1, note="after it"))
        self.daemon.watctl("kill", self.name)
        with self.assertRaises(WatError) as caught:
            self.user.wait(waiting)
        self.assertEqual(caught.exception.status, Status.SERVER_DIED)
        self.assertEqual(PROBE["Size"].decode(self.user.wait(self.send("Release", n=1))).n, 0)

    def test_given_up(self):
        """No answer in time: the client gives up, and may go on."""
        self.user.timeout_s = 0.05
        waiting = self.send("Wait")
        with self.assertRaises(WatError) as caught:
            self.user.wait(waiting)
        self.assertEqual(caught.exception.status, Status.DEADLINE_EXCEEDED)
        self.user.timeout_s = 30.0
        # Release answers the call that was given up: nobody waits for that answer.
        self.assertEqual(PROBE["Size"].decode(self.user.wait(self.send("Release", n=1))).n, 1)
        self.assertEqual(self.user.calls, {})


by_doors(globals(), Losses, Deaths)

if __name__ == "__main__":
    unittest.main()
