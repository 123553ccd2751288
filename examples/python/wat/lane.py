"""A lane: one client's numbered calls to one instance, each done once, whatever is lost meanwhile.

Methods are numbers here, and requests bytes; user.py has names and dicts. PROTOCOL.md, "Calls on a
channel" and "After a loss".
"""

from __future__ import annotations

import os
import time
from typing import Callable

from .channel import Channel, open_channel
from .client import Client, milliseconds_until, may_have_run
from .connection import Connection
from .frame import LANE_LOST, LANE_NEW, LANE_RESUMED, Frame, FrameType, error_of
from .messages import Record
from .status import (
    DeadlineExceeded,
    Disconnected,
    EndOfStream,
    ProtocolError,
    Status,
    Unavailable,
    WatError,
)
from .tokens import USER, Token, as_token

IN_FLIGHT_MAX = 256  # ids between the lowest open one and a new one
AGAIN = (Status.UNAVAILABLE, Status.ABORTED)  # a GOAWAY that is not final

OnBound = Callable[[Connection, Record, float], None]


class Call:
    """`done` tells whether reply or error are there."""

    def __init__(
        self,
        method: int,
        request: bytes,
        deadline: float,
        read_only: bool = False,
        later: bool = False,
    ) -> None:
        self.method, self.request, self.deadline = method, request, deadline
        self.read_only, self.later = read_only, later
        self.at: int | None = None  # its position on the present channel; None: it is not on one
        self.may_have_run = False
        self.done = False
        self.reply = b""
        self.error: Exception | None = None

    def end(self, error: Exception | None = None, reply: bytes = b"") -> None:
        self.done, self.error, self.reply = True, error, reply

    def refuse(self, error: WatError) -> None:
        """With somebody else's refusal, which knows nothing of an earlier try of this call."""
        self.end(may_have_run(error) if self.may_have_run else error)


class Lane:
    """A User's token, bound. `on_bound` is called with each connection that it is bound on."""

    def __init__(
        self,
        client: Client,
        token: Token | str,
        timeout_s: float | None = None,
        service: str = "",
        on_bound: OnBound | None = None,
    ) -> None:
        self.client, self.token, self.service = client, as_token(token), service
        self.timeout_s = client.timeout_s if timeout_s is None else timeout_s
        self.on_bound = on_bound
        self.calls: dict[int, Call] = {}  # unanswered, by id: in order
        self.channel: Channel | None = None
        self.bound: Record | None = None
        self.bound_on: Connection | None = None
        self._new_lane()
        try:
            self._bind(False, self._deadline())
        except BaseException:
            self.close()
            raise
        client.lanes.append(self)

    def _new_lane(self) -> None:
        self.lane, self.next_id = os.urandom(16), 1
        # `later` calls that were given up, by id: next_id then. An answer from there on says that
        # the service has read the CANCEL.
        self.unwanted: dict[int, int] = {}

    def _deadline(self) -> float:
        return time.monotonic() + self.timeout_s

    def close(self) -> None:
        """In order: the lane and the handle are not needed any more. Calls that are open end with
        CANCELLED."""
        if self.channel:
            self.channel.end()
            self.channel = None
        self._drop_handle()
        self._end_all(lambda call: call.refuse(WatError(Status.CANCELLED, "the User was closed")))
        if self in self.client.lanes:
            self.client.lanes.remove(self)

    def _drop_handle(self) -> None:
        """A handle that is the channel itself goes with the channel."""
        connection, bound, self.bound, self.bound_on = self.bound_on, self.bound, None, None
        if (
            connection
            and bound
            and connection is self.client.connection
            and not connection.has_handles
        ):
            connection.drop(bound.handle)

    def call(
        self, method: int, request: bytes = b"", read_only: bool = False, later: bool = False
    ) -> bytes:
        return self.wait(self.send(method, request, read_only, later))

    def send(
        self, method: int, request: bytes = b"", read_only: bool = False, later: bool = False
    ) -> Call:
        """Does not wait for the answer. The flags are what the method's options say."""
        call = Call(method, request, self._deadline(), read_only, later)
        self._wait_for_place(call)
        if not call.done:
            self._number(call)
            if self.channel:
                self._write(self.next_id - 1, call)
        return call

    def lowest_id(self) -> int:
        """Whose answer is not taken yet. Answers of `later` calls hold nobody back."""
        return next((id_ for id_, call in self.calls.items() if not call.later), self.next_id)

    def _wait_for_place(self, call: Call) -> None:
        """The service keeps so many answers, and refuses calls beyond."""
        while not call.done and self.next_id - self.lowest_id() >= IN_FLIGHT_MAX:
            self._step(call)

    def _number(self, call: Call) -> None:
        self.calls[self.next_id] = call
        self.next_id += 1

    def _write(self, id_: int, call: Call) -> None:
        assert self.channel
        window = max(0, id_ - self.lowest_id())
        call.at = self.channel.send_call(
            id_, call.method, call.request, milliseconds_until(call.deadline), window
        )

    def wait(self, call: Call) -> bytes:
        while not call.done:
            self._step(call)
        if call.error:
            raise call.error
        return call.reply

    def _step(self, call: Call) -> None:
        """One answer, whoever's it is; or what is lost is made again."""
        try:
            if not self.channel:
                raise EndOfStream
            self._take(self.channel, self.channel.receive(call.deadline))
        except TimeoutError:
            self._give_up(call)
        except ProtocolError as error:
            self._break_off(error)
        except EndOfStream:
            self._recover(call.deadline)

    def _take(self, channel: Channel, frame: Frame) -> None:
        if not 0 < frame.id < self.next_id:
            raise ProtocolError("an answer to a call that was never made")
        self.unwanted = {id_: then for id_, then in self.unwanted.items() if frame.id < then}
        answered = self.calls.pop(frame.id, None)
        if not answered:
            return
        if answered.later:
            channel.send(Frame(FrameType.DROP, id=frame.id))
        if frame.type == FrameType.FAIL:
            answered.end(error=error_of(frame))
        else:
            answered.end(reply=frame.body)

    def flush(self, deadline: float) -> None:
        """Every call that was sent is in the service's socket. DeadlineExceeded."""
        while self.calls:
            try:
                if not self.channel:
                    raise EndOfStream
                self.channel.stream.flush(deadline)
                if not self.channel.stream.broken:
                    return
                self._step(next(iter(self.calls.values())))
            except TimeoutError:
                raise DeadlineExceeded(
                    Status.DEADLINE_EXCEEDED, "the service does not take its calls"
                ) from None
            except EndOfStream:
                self._recover(deadline)

    def _give_up(self, call: Call) -> None:
        """One that waits for its place was not made."""
        id_ = next((i for i, c in self.calls.items() if c is call), None)
        if id_ is None:
            call.end(
                DeadlineExceeded(
                    Status.DEADLINE_EXCEEDED, "no place came free in time; the call was not made"
                )
            )
            return
        del self.calls[id_]
        if self.channel:
            self.channel.send(Frame(FrameType.CANCEL, id=id_))
        if call.later:
            self.unwanted[id_] = self.next_id
        call.end(
            DeadlineExceeded(
                Status.DEADLINE_EXCEEDED, "no answer came in time; the call may have run"
            )
        )

    def _break_off(self, error: ProtocolError) -> None:
        """What a service says that breaks the protocol is the end of all that it was asked."""
        if self.channel:
            self.channel.close()
            self.channel = None
        self._end_all(lambda call: call.end(error))
        self._new_lane()

    def _end_all(self, how: Callable[[Call], None]) -> None:
        calls, self.calls = self.calls, {}
        for call in calls.values():
            how(call)

    def _recover(self, deadline: float) -> None:
        """The channel has been read to its end."""
        self._leave_channel()
        if not self.calls:
            return
        try:
            self._bind(True, deadline)
        except WatError as refusal:
            self._refuse_all(refusal)
        except ProtocolError as error:
            self._break_off(error)

    def _refuse_all(self, refusal: WatError) -> None:
        for id_, call in self.calls.items():
            if call.later and call.may_have_run:
                self.unwanted[id_] = self.next_id
        self._end_all(lambda call: call.refuse(refusal))

    def _leave_channel(self) -> None:
        """Which calls may have run; those that the peer says it will never run have ended."""
        if not self.channel:
            return
        goaway = self.channel.goaway
        for id_, call in list(self.calls.items()):
            is_unread = goaway is not None and id_ > goaway.last_read_id
            if call.at is not None and is_unread and goaway and goaway.status not in AGAIN:
                call.refuse(goaway.error)
                del self.calls[id_]
            elif call.at is not None and not is_unread:
                call.may_have_run |= self.channel.was_written(call.at)
            call.at = None
        self.channel.close()
        self.channel = None

    def _bind(self, resume: bool, deadline: float) -> None:
        """A channel, with the lane that it was if that is known, else with a new one."""
        lane = self.client.run(
            deadline, lambda connection: self._try_bind(connection, resume, deadline)
        )
        if resume and lane == LANE_LOST:
            self._lose_lane()
            self._new_lane()
            lane = self.client.run(
                deadline, lambda connection: self._try_bind(connection, False, deadline)
            )
            waiting, self.calls = self.calls, {}
            for call in waiting.values():
                self._number(call)
        elif lane != (LANE_RESUMED if resume else LANE_NEW):
            raise ProtocolError("a lane that makes no sense")
        self._write_again()

    def _write_again(self) -> None:
        assert self.channel
        if self.channel.attached.last_applied >= self.next_id:
            raise ProtocolError("a call was done that was never made")
        for id_ in self.unwanted:
            self.channel.send(Frame(FrameType.CANCEL, id=id_))
        for id_, call in self.calls.items():
            self._write(id_, call)

    def _try_bind(self, connection: Connection, resume: bool, deadline: float) -> str:
        self._leave_channel()
        self._drop_handle()
        self.token.check(USER, connection.node_id, self.service)
        budget = milliseconds_until(deadline)
        bound, fd = connection.bind(USER, self.token, self.lane, resume, budget, deadline)
        self.bound, self.bound_on = bound, connection
        try:
            self.channel = open_channel(connection, bound, fd, deadline)
        except EndOfStream:
            raise Unavailable(
                Status.UNAVAILABLE, "the service died before it took the channel"
            ) from None
        if self.on_bound:
            self.on_bound(connection, bound, deadline)
        return str(self.channel.attached.lane)

    def _lose_lane(self) -> None:
        assert self.channel
        self.channel.close()
        self.channel = None
        for id_, call in list(self.calls.items()):
            if call.may_have_run and not call.read_only:
                call.end(
                    Disconnected(
                        Status.DISCONNECTED, "the service died during the call, which may have run"
                    )
                )
                del self.calls[id_]
