"""A lane over the loss of what carried it: a real watd is resumed, and says of each call that is written
again what the table "On a resumed lane" of PROTOCOL.md promises (rows 50, 57, 58).
"""

import os
import unittest

from daemon import BUILD, DaemonCase
from test_conversation import COUNTER, GET, INCREMENT, PROBE, amount, value
from wat import Client, Status, tokens
from wat.channel import FdChannel as Channel
from wat.connection import Connection
from wat.frame import LANE_LOST, LANE_NEW, LANE_RESUMED, Frame, FrameType
from wat.lane import Lane
from wat.status import EndOfStream
from wat.user import get_interface

NONE = 1

KEPT = 256
ATTEMPTS = 1000
DEATHS = ("nobody", "host", "watd", "both")


class Frames:
    """One lane of a User, frame by frame. What was lost with a channel was never read here."""

    def __init__(self, case, token):
        self.case, self.token, self.lane = case, token, os.urandom(16)
        self.channel, self.connection = None, None

    def attach(self, resume=True):
        """What ATTACHED says: (lane, last_applied). A channel that ends without it was of a process whose
        death watd had not noticed yet."""
        self.connection = self.case.kept(Connection(self.case.daemon.socket))
        for _ in range(ATTEMPTS):
            self.bound, fd = self.connection.bind(tokens.USER, self.token, self.lane, resume, 30000)
            try:
                self.channel = self.case.kept(Channel(fd))
                return self.channel.attached.lane, self.channel.attached.last_applied
            except EndOfStream:
                self.connection.drop(self.bound.handle)
        raise RuntimeError("the service ends again and again")

    def send(self, id_, method=INCREMENT, request=b"\x08\x02", window=0):
        self.channel.send_call(id_, method, request, window=window)

    def answer(self, id_):
        frame = self.channel.receive()
        self.case.assertEqual(frame.id, id_)
        return Status(frame.budget) if frame.type == FrameType.FAIL else frame

    def call(self, id_, *arguments, **more):
        self.send(id_, *arguments, **more)
        return self.answer(id_)

    def drop(self, id_):
        self.channel.stream.send(Frame(FrameType.DROP, id=id_))

    def cancel(self, id_):
        self.channel.stream.send(Frame(FrameType.CANCEL, id=id_))

    def sync(self):
        """Everything that was sent has been read; what was answered meanwhile is thrown away."""
        self.channel.stream.send(Frame(FrameType.PING, id=99))
        while self.channel.receive().type != FrameType.PONG:
            pass

    def lose(self):
        self.channel.close()
        self.connection.close()


class ResumeCase(DaemonCase):
    def lane_of(self, service="counter"):
        return self.begun(self.provision(service))

    def begun(self, token):
        lane = Frames(self, tokens.from_text(token))
        self.assertEqual(lane.attach(False), (LANE_NEW, 0))
        return lane

    def spawn(self, durability):
        """A User's token for an instance with that durability."""
        node = self.kept(Client(self.daemon.admin_socket)).node()
        token = node.spawn("counter", self.name, durability=durability)
        return self.kept(Client(self.daemon.socket)).admin(token).provision("u")

    def die(self, who):
        if who == "both":
            self.daemon.watctl("kill", self.name)
        if who in ("watd", "both"):
            self.daemon.kill()
            self.daemon.start()
        if who == "host":
            self.daemon.watctl("kill", self.name)

    def expect_resumed(self, lane, last_applied):
        self.assertEqual(lane.attach(), (LANE_RESUMED, last_applied))


class Resume(ResumeCase):
    def test_given_again(self):
        """Answers that were lost with their channel, whoever died, are given again: the same, in order,
        and nothing is done twice."""
        lane = self.lane_of()
        for who in DEATHS:
            with self.subTest(dies=who):
                for id_ in range(1, KEPT + 1):
                    lane.send(id_, window=id_ - 1)
                lane.sync()
                lane.lose()
                self.die(who)
                self.expect_resumed(lane, KEPT)
                for id_ in range(1, KEPT + 1):
                    lane.send(id_, window=id_ - 1)
                self.assertEqual([value(lane.answer(id_)) for id_ in range(1, KEPT + 1)], list(range(1, KEPT + 1)))
                self.assertEqual(value(lane.call(KEPT + 1, GET, b"", window=KEPT)), KEPT)
                lane.lose()
                self.expect_resumed(lane, KEPT)

    def test_failed(self):
        """A failure is an answer like any other."""
        lane = self.lane_of()
        too_much = amount((1 << 63) - 1)
        value(lane.call(1))
        self.assertEqual(lane.call(2, INCREMENT, too_much, window=1), Status.OUT_OF_RANGE)
        for who in DEATHS:
            lane.lose()
            self.die(who)
            self.expect_resumed(lane, 2)
            self.assertEqual(lane.call(2, INCREMENT, too_much, window=1), Status.OUT_OF_RANGE)

    def test_other(self):
        """Another request, or method, under an id that was used."""
        lane = self.lane_of()
        value(lane.call(1))
        for who in DEATHS:
            lane.lose()
            self.die(who)
            self.expect_resumed(lane, 1)
            self.assertEqual(lane.call(1, INCREMENT, amount(2)), Status.INVALID_ARGUMENT)
            self.assertEqual(value(lane.call(2, GET, b"", window=1)), 1)
            lane.lose()
            self.expect_resumed(lane, 1)
            self.assertEqual(lane.call(1, 2, b""), Status.INVALID_ARGUMENT)

    def test_confirmed(self):
        """What the window confirmed, and what was passed over, is TOO_OLD; reads are read anew."""
        lane = self.lane_of()
        for id_ in (1, 2, 4, 7):
            lane.call(id_, window=0)
        lane.call(8, GET, b"", window=1)
        for who in DEATHS:
            lane.lose()
            self.die(who)
            self.expect_resumed(lane, 7)
            for id_ in (1, 2, 3, 4, 5, 6):
                self.assertEqual(lane.call(id_), Status.TOO_OLD, id_)
            self.assertEqual(value(lane.call(7)), 4)
            self.assertEqual(value(lane.call(8, GET, b"", window=1)), 4)

    def test_read(self):
        """An id of a read is one like any other: it is read anew, below what was done, too."""
        lane = self.lane_of()
        self.assertEqual(value(lane.call(1, GET, b"")), 0)
        value(lane.call(2, window=1))
        lane.lose()
        self.expect_resumed(lane, 2)
        self.assertEqual(value(lane.call(1, GET, b"")), 1)

    def test_kept(self):
        """256 answers that are not confirmed; then calls are refused, and not run, but for reads; a
        refusal is not kept."""
        lane = self.lane_of()
        for id_ in range(1, KEPT + 1):
            lane.call(id_, window=id_ - 1)
        self.assertEqual(lane.call(KEPT + 1, window=KEPT), Status.OVERLOADED)
        self.assertEqual(value(lane.call(KEPT + 2, GET, b"", window=KEPT + 1)), KEPT)
        lane.lose()
        self.expect_resumed(lane, KEPT)
        self.assertEqual(value(lane.call(KEPT + 1, window=KEPT - 1)), KEPT + 1)

    def test_begun_anew(self):
        """A BIND with NEW begins a lane that is known anew."""
        lane = self.lane_of()
        for id_ in (1, 2, 3):
            lane.call(id_)
        lane.lose()
        self.assertEqual(lane.attach(False), (LANE_NEW, 0))
        self.assertEqual(value(lane.call(1)), 4)
        for who in DEATHS:
            lane.lose()
            self.die(who)
            self.expect_resumed(lane, 1)
            self.assertEqual(value(lane.call(1)), 4)

    def test_dropped(self):
        """A lane that was given back is lost, and so is one of a grant that ended."""
        lane = self.lane_of()
        value(lane.call(1))
        lane.drop(0)
        lane.sync()
        for who in DEATHS:
            lane.lose()
            self.die(who)
            self.assertEqual(lane.attach(), (LANE_LOST, 0))

    def test_deprovisioned(self):
        """The name given to another User: not one answer of the first is left."""
        lane = self.lane_of()
        value(lane.call(1))
        self.daemon.watctl("deprovision", self.name, "u")
        other = Frames(self, tokens.from_text(self.daemon.watctl("provision", self.name, "u")))
        other.lane = lane.lane
        self.assertEqual(other.attach(), (LANE_LOST, 0))

    def test_none(self):
        """Without a journal a crash goes back to a checkpoint, lanes and state together: what the lane
        says was done is in the state, and if it is lost nothing of it is."""
        lane = self.begun(self.spawn(NONE))
        value(lane.call(1))
        lane.lose()
        self.expect_resumed(lane, 1)
        self.assertEqual(value(lane.call(1)), 1)
        lane.lose()
        self.die("host")
        kept, last_applied = lane.attach()
        self.assertEqual((kept, last_applied), (LANE_RESUMED, 1) if last_applied else (LANE_LOST, 0))
        if kept == LANE_LOST:
            lane.lane = os.urandom(16)
            lane.lose()
            lane.attach(False)
        self.assertEqual(value(lane.call(2, GET, b"")), last_applied)

    def test_client(self):
        """The client in Python makes 2,000 calls while its service and watd die again and again: each is
        done once."""
        lane = self.lane_of()
        client = self.kept(Client(self.daemon.socket))
        user = self.kept(Lane(client, lane.token, timeout_s=100.0))
        calls = []
        for round_ in range(8):
            calls += [user.send(INCREMENT, amount(1)) for _ in range(250)]
            self.die(DEATHS[1 + round_ % 3])
        self.assertEqual([COUNTER["Value"].decode(user.wait(call)).value for call in calls],
                         list(range(1, len(calls) + 1)))
        self.assertLessEqual(user.next_id, len(calls) + 1)


class Later(ResumeCase):
    """Methods that may answer later."""

    plugin_dir = os.path.join(BUILD, "tests", "plugins")

    def setUp(self):
        super().setUp()
        self.lane = self.lane_of("probe.Probe")
        methods = get_interface(self.lane.connection, self.lane.bound.handle).methods
        self.numbers = {name: method.number for name, method in methods.items()}

    def send(self, id_, name, window=0, kind="Change", **values):
        self.lane.send(id_, self.numbers[name], PROBE[kind].encode(**values), window)

    def call(self, id_, *arguments, **more):
        self.send(id_, *arguments, **more)
        return self.lane.answer(id_)

    def test_until_dropped(self):
        """The answer is kept until it is dropped, whatever is confirmed, also if it was given at once."""
        self.assertEqual(PROBE["Value"].decode(self.call(1, "Prompt", n=2, note="two").body).value, 3)
        for id_ in range(2, 6):
            self.call(id_, "Add", n=1, note="more")
        for who in DEATHS:
            self.lane.lose()
            self.die(who)
            self.expect_resumed(self.lane, 5)
            self.assertEqual(PROBE["Value"].decode(self.call(1, "Prompt", n=2, note="two").body).value, 3)
        self.lane.drop(1)
        self.lane.sync()
        for who in DEATHS:
            self.lane.lose()
            self.die(who)
            self.expect_resumed(self.lane, 5)
            self.assertEqual(self.call(1, "Prompt", n=2, note="two"), Status.TOO_OLD)

    def test_open(self):
        """One that is open is waited for again."""
        self.send(1, "Wait")
        self.lane.sync()
        self.lane.lose()
        self.expect_resumed(self.lane, 1)
        self.send(1, "Wait")
        self.send(2, "Release", n=4, note="now")
        self.assertEqual(PROBE["Value"].decode(self.lane.answer(1).body).note, "now")
        self.assertEqual(PROBE["Size"].decode(self.lane.answer(2).body).n, 1)

    def test_died(self):
        """One that was open when its process died is SERVER_DIED, each time that it is asked for."""
        for id_, who in enumerate(("host", "watd", "both"), 1):
            self.send(id_, "Wait")
            self.lane.sync()
            for _ in range(2):
                self.lane.lose()
                self.die(who)
                self.expect_resumed(self.lane, id_)
                self.assertEqual(self.call(id_, "Wait"), Status.SERVER_DIED)
            self.lane.drop(id_)
            self.lane.sync()
        self.assertEqual(PROBE["Size"].decode(self.call(9, "Release").body).n, 0)

    def test_cancelled(self):
        """One that was taken back is answered to nobody, makes room for another, and is not run again."""
        for id_ in range(1, 17):
            self.send(id_, "Wait")
        self.assertEqual(self.call(17, "Wait"), Status.OVERLOADED)
        self.lane.cancel(3)
        self.send(18, "Wait")
        self.lane.sync()
        self.lane.lose()
        self.expect_resumed(self.lane, 18)
        self.assertEqual(self.call(3, "Wait"), Status.TOO_OLD)

    def test_poison(self):
        """A call that kills its process is never run again, whoever asks, and takes none along that was
        made beside it."""
        self.send(1, "Add", n=1, note="before")
        self.send(2, "Crash", window=1)
        self.send(3, "Add", window=2, n=1, note="behind")
        with self.assertRaises(EndOfStream):
            while True:
                self.lane.channel.receive()
        for _ in range(2):
            self.assertEqual(self.lane.attach()[0], LANE_RESUMED)
            self.send(1, "Add", n=1, note="before")
            self.send(2, "Crash", window=1)
            self.send(3, "Add", window=2, n=1, note="behind")
            items = [PROBE["Value"].decode(self.lane.answer(1).body).n_items, self.lane.answer(2),
                     PROBE["Value"].decode(self.lane.answer(3).body).n_items]
            self.assertEqual(items, [1, Status.SERVER_DIED, 2])
            self.lane.lose()

    def test_bytes(self):
        """1 MiB of answers, of which the last may go over it."""
        big = {"kind": "Size", "n": 600000}
        for id_ in (1, 2):
            self.assertEqual(self.call(id_, "Big", window=id_ - 1, **big).type, FrameType.REPLY)
        self.assertEqual(self.call(3, "Big", window=2, **big), Status.OVERLOADED)
        self.assertEqual(self.call(4, "Big", window=2, **big).type, FrameType.REPLY)


if __name__ == "__main__":
    unittest.main()
