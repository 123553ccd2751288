"""Calls of the node that only wait: answered when there is something to say or time is short, and ended
without an answer by CANCEL or the end of the connection (rows 108, 113).
"""

import unittest

from daemon import DaemonCase
from wat import Status, WatError, tokens
from wat.connection import Connection
from wat.frame import Frame, FrameType
from wat.node_messages import NODE

STATUS, REMOVE, WAIT, EVENTS = 0, 11, 12, 15
CALLS_MAX = 256  # of one connection


class Node:
    """The node capability on a connection of its own."""

    def __init__(self, path):
        self.connection = Connection(path)
        self.handle = self.connection.bind(tokens.NODE)[0].handle

    def close(self):
        self.connection.close()

    def send(self, method, kind, budget_ms=0, **values):
        id_ = self.connection.new_id()
        self.connection.stream.send(
            Frame(FrameType.CALL, NODE[kind].encode(**values), method, id_, self.handle, budget=budget_ms))
        return id_

    def cancel(self, id_):
        self.connection.stream.send(Frame(FrameType.CANCEL, id=id_, handle=self.handle))

    def answer(self, id_, kind):
        return NODE[kind].decode(self.connection.take(id_).frame.body)

    def call(self, method, kind, reply, **values):
        return self.answer(self.send(method, kind, **values), reply)

    def is_silent(self):
        """What watd has to say by now is read; there was nothing but the answer to this."""
        self.connection.ping()
        return not self.connection.answers


class Waiting(DaemonCase):
    def node(self):
        return self.kept(Node(self.daemon.admin_socket))

    def spawn(self):
        self.daemon.watctl("spawn", "counter", self.name)

    def assert_fails(self, node, id_, *statuses):
        with self.assertRaises(WatError) as caught:
            node.connection.take(id_)
        self.assertIn(caught.exception.status, statuses)
        return caught.exception

    def test_wait(self):
        """The answer comes when the state does, and not before."""
        self.spawn()
        node = self.node()
        id_ = node.send(WAIT, "WaitRequest", name=self.name, state="stopped")
        self.assertTrue(node.is_silent())
        self.daemon.watctl("stop", self.name)
        instance = node.answer(id_, "Instance")
        self.assertEqual((instance.name, instance.state), (self.name, "stopped"))

    def test_wait_ends(self):
        """Removal ends a wait, and so does an end that is not the one waited for."""
        self.spawn()
        node = self.node()
        stopped = node.send(WAIT, "WaitRequest", name=self.name, state="failed")
        self.assertTrue(node.is_silent())
        self.daemon.watctl("stop", self.name)
        self.assert_fails(node, stopped, Status.STOPPED)
        self.daemon.watctl("start", self.name)
        gone = [node.send(WAIT, "WaitRequest", name=self.name, state="failed") for _ in range(3)]
        self.assertTrue(node.is_silent())
        self.daemon.watctl("rm", "-f", self.name)
        for id_ in gone:
            self.assert_fails(node, id_, Status.STOPPED, Status.NOT_FOUND)

    def test_budget(self):
        """watd answers before the caller's time is over: what it is instead, or no events."""
        self.spawn()
        node = self.node()
        id_ = node.send(WAIT, "WaitRequest", 400, name=self.name, state="stopped")
        error = self.assert_fails(node, id_, Status.DEADLINE_EXCEEDED)
        self.assertIn(f'"{self.name}" is ready, and was not stopped', error.text)
        cursor = node.call(EVENTS, "EventsRequest", "EventList", instance=self.name).next_seq
        id_ = node.send(EVENTS, "EventsRequest", 400, after_seq=cursor, instance=self.name, wait=True)
        page = node.answer(id_, "EventList")
        self.assertEqual(page.events, [])
        self.assertGreaterEqual(page.next_seq, cursor)

    def test_cancel(self):
        """More than a connection may have open, one after another: each is gone when it was taken back, and none
        is answered."""
        self.spawn()
        node = self.node()
        for i in range(CALLS_MAX + 10):
            kind = ("WaitRequest", {"name": self.name, "state": "failed"}) if i % 2 else (
                "EventsRequest", {"after_seq": 1 << 62, "instance": "nobody", "wait": True})
            id_ = node.send(WAIT if i % 2 else EVENTS, kind[0], **kind[1])
            if i % 3 == 0:
                self.assertTrue(node.is_silent())
            node.cancel(id_)
        self.assertTrue(node.is_silent())
        # Without it they are too many.
        ids = [node.send(WAIT, "WaitRequest", name=self.name, state="failed") for _ in range(CALLS_MAX + 1)]
        self.assert_fails(node, ids[-1], Status.OVERLOADED)
        self.assertTrue(node.is_silent())

    def test_end(self):
        """A connection that ends takes its waits along; watd goes on with the others."""
        self.spawn()
        stays = self.node()
        id_ = stays.send(EVENTS, "EventsRequest", instance=self.name, wait=True, newest=1)
        stays.answer(id_, "EventList")
        for i in range(20):
            node = Node(self.daemon.admin_socket)
            node.send(WAIT, "WaitRequest", name=self.name, state="stopped")
            node.send(EVENTS, "EventsRequest", after_seq=1 << 62, instance="nobody", wait=True)
            if i % 2:
                self.assertTrue(node.is_silent())
            node.close()
        self.daemon.watctl("stop", self.name)
        self.assertEqual(stays.call(WAIT, "WaitRequest", "Instance", name=self.name, state="stopped").state, "stopped")
        # Nothing of them is left at its end, which a build that looks for leaks sees.
        self.assertEqual(self.daemon.terminate(), 0)
        self.daemon.start()

    def test_events(self):
        """A cursor goes through pages of any size, over another connection and a restart, to what is not there
        yet; nothing comes twice."""
        self.spawn()
        seen, cursor, node = [], 0, self.node()
        while True:
            page = node.call(EVENTS, "EventsRequest", "EventList", after_seq=cursor, instance=self.name, limit=1)
            cursor = page.next_seq
            if not page.events:
                break
            seen += page.events
        self.assertEqual([event.kind for event in seen], ["spawn", "grant"])
        self.assertEqual(self.daemon.terminate(), 0)
        self.daemon.start()
        node = self.node()
        page = node.call(EVENTS, "EventsRequest", "EventList", after_seq=cursor, instance=self.name)
        self.assertEqual([event.kind for event in page.events], ["suspend", "resume"])
        self.daemon.watctl("log-level", "info")  # at debug each BIND is an event
        id_ = node.send(EVENTS, "EventsRequest", after_seq=page.next_seq, instance=self.name, wait=True)
        self.assertTrue(node.is_silent())
        self.daemon.watctl("provision", self.name, "me")
        page = node.answer(id_, "EventList")
        self.assertEqual([(event.kind, event.user) for event in page.events], [("grant", "me")])
        self.assertTrue(page.events[0].has_peer)
        seqs = [event.seq for event in seen + page.events]
        self.assertEqual(seqs, sorted(set(seqs)))

    def test_events_refused(self):
        """A name that is none is refused; numbers beyond all are no error."""
        node = self.node()
        self.assert_fails(node, node.send(EVENTS, "EventsRequest", instance="Not a name"), Status.INVALID_ARGUMENT)
        self.assert_fails(node, node.send(WAIT, "WaitRequest", name="x", state="gone"), Status.INVALID_ARGUMENT)
        beyond = (1 << 64) - 1
        for values in ({"after_seq": beyond}, {"since_ms": beyond}):
            self.assertEqual(node.call(EVENTS, "EventsRequest", "EventList", **values).events, [])
        page = node.call(EVENTS, "EventsRequest", "EventList", newest=(1 << 32) - 1, limit=(1 << 32) - 1)
        self.assertEqual(page.events[0].kind, "watd-start")

    def test_remove_once(self):
        """Sent again with its request id, a Remove gets the same answer, and spares the name's next incarnation."""
        self.spawn()
        self.daemon.watctl("stop", self.name)
        node = self.node()
        request = {"request_id": b"0123456789abcdef", "name": self.name}
        first = node.call(REMOVE, "RemoveRequest", "RemoveReply", **request)
        self.spawn()
        self.assertEqual(node.call(REMOVE, "RemoveRequest", "RemoveReply", **request), first)
        self.assertEqual(node.call(WAIT, "WaitRequest", "Instance", name=self.name).state, "ready")
        self.assert_fails(node, node.send(REMOVE, "RemoveRequest", name=self.name), Status.INVALID_ARGUMENT)


if __name__ == "__main__":
    unittest.main()
