"""Capabilities for a program: a User that survives the loss of its channel, an Admin, the node.

One thread, blocking. The rules for losses are those of PROTOCOL.md, "After a loss".
"""

import os
import time

import wat_token
from wat_messages import Schema
from wat_protocol import (
    LANE_LOST, LANE_NEW, LANE_RESUMED, Channel, Connection, EndOfStream, Frame, FrameType, GoneAway, ProtocolError,
    Status, WatError)

PAUSE_MIN_S, PAUSE_MAX_S = 0.005, 0.5
IN_FLIGHT_MAX = 256     # ids between the lowest open one and a new one

SESSION = Schema("""
message GetInterfaceRequest { uint32 handle = 1; }
message Description { string service = 1; bytes schema = 2; }
service Session {
  rpc GetInterface(GetInterfaceRequest) returns (Description) { option (wat.method) = { read_only: true }; }
}
""")

ADMIN = Schema("""
message ProvisionRequest {
  bytes request_id = 1; string user = 2; bytes holder_pk = 3; fixed64 method_mask = 4; uint64 not_after = 5;
  bool session = 6;
}
message ProvisionReply { bytes token = 1; bytes grant_id = 2; }
message DeprovisionRequest { bytes request_id = 1; string user = 2; }
message StopRequest { bytes request_id = 1; }
message UserLeft { string name = 1; bytes grant_id = 2; uint32 channels = 3; }
message StopReply { bytes state = 1; uint64 generation = 2; repeated UserLeft users = 3; uint32 n_left = 4; }
""")

# As much of google/protobuf/descriptor.proto as is needed to number methods and to see their flags.
DESCRIPTOR = Schema("""
message Flags { bool read_only = 1; bool later = 2; }
message MethodOptions { Flags wat = 50817; }
message Method { string name = 1; string input_type = 2; string output_type = 3; MethodOptions options = 4; }
message Service { string name = 1; repeated Method method = 2; }
message File { string name = 1; string package = 2; repeated Service service = 6; }
message FileSet { repeated File file = 1; }
""")

PROVISION, DEPROVISION, STOP = 0, 1, 2
NOT_EXECUTED = (Status.UNAVAILABLE, Status.OVERLOADED)


class Method:
    def __init__(self, number, declared):
        flags = declared.options and declared.options.wat
        self.number, self.name = number, declared.name
        self.input, self.output = declared.input_type[1:], declared.output_type[1:]
        self.read_only = bool(flags and flags.read_only)
        self.later = bool(flags and flags.later)


def get_interface(connection, handle):
    """Methods by name of the service behind a bound Admin or User."""
    request = SESSION["GetInterfaceRequest"].encode(handle=handle)
    description = SESSION["Description"].decode(connection.call(0, 0, request))
    for file in DESCRIPTOR["FileSet"].decode(description.schema).file:
        for service in file.service:
            if f"{file.package}.{service.name}".lstrip(".") == description.service:
                return {m.name: Method(i, m) for i, m in enumerate(service.method)}
    raise ProtocolError(f"the schema does not hold {description.service}")


def pauses(deadline):
    """Once at once, then with growing pauses, until the time is over."""
    pause = PAUSE_MIN_S
    yield
    while time.monotonic() + pause < deadline:
        time.sleep(pause)
        pause = min(2 * pause, PAUSE_MAX_S)
        yield


def milliseconds_until(deadline):
    """A budget: at least 1, for 0 would be no limit."""
    return max(1, int((deadline - time.monotonic()) * 1000))


class Desk:
    """The control connection that a program's capabilities share; connected again when it is lost."""

    def __init__(self, path):
        self.path = path
        self.connection = None
        self.node_id = None

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def get(self):
        if not self.connection:
            self.connection = Connection(self.path)
            if self.node_id not in (None, self.connection.node_id):
                raise ProtocolError("another node answers at this address")
            self.node_id = self.connection.node_id
        return self.connection

    def run(self, deadline, what):
        """what(connection), again while the connection is lost or the answer is "not now"."""
        error = WatError(Status.DEADLINE_EXCEEDED, "no time was left")
        for _ in pauses(deadline):
            try:
                return what(self.get())
            except (GoneAway, ProtocolError) as end:
                self.close()
                if getattr(end, "status", None) != Status.UNAVAILABLE:
                    raise
                error = end
            except WatError as refusal:
                if refusal.status != Status.UNAVAILABLE:
                    raise
                error = refusal
            except TimeoutError:
                raise WatError(Status.DEADLINE_EXCEEDED, "no answer came in time; the call may have run") from None
            except (EndOfStream, OSError) as loss:
                self.close()
                error = WatError(Status.UNAVAILABLE, f"watd is not reachable: {loss}")
        raise error


class Call:
    def __init__(self, method, request, deadline, read_only=False, later=False):
        self.method, self.request, self.deadline = method, request, deadline
        self.read_only, self.later = read_only, later
        self.at = None          # its position on the present channel; None: it is not on one
        self.may_have_run = False
        self.done = False
        self.reply, self.error = None, None

    def end(self, error=None, reply=None):
        self.done, self.error, self.reply = True, error, reply

    def refuse(self, error):
        """With somebody else's refusal, which knows nothing of an earlier try of this call."""
        if self.may_have_run:
            status = Status.DISCONNECTED if error.status in NOT_EXECUTED else error.status
            error = WatError(status, f"{error.text}; this call may have run", error.chain)
        self.end(error)


class User:
    def __init__(self, desk, token_text, timeout_s=30.0):
        self.desk, self.timeout_s = desk, timeout_s
        self.token = wat_token.from_text(token_text)
        self.calls = {}         # unanswered, by id: in order
        self.channel, self.bound, self.bound_on = None, None, None
        self.new_lane()
        self.bind(False, time.monotonic() + timeout_s)

    def new_lane(self):
        self.lane, self.next_id = os.urandom(16), 1
        # `later` calls that were given up, by id: next_id then. An answer from there on says that the service
        # has read the CANCEL.
        self.unwanted = {}

    def close(self):
        """In order: the lane and the handle are not needed any more."""
        if self.channel:
            self.channel.stream.send(Frame(FrameType.DROP))
            self.channel.close()
            self.channel = None
        self.drop_handle()

    def drop_handle(self):
        if self.bound and self.bound_on is self.desk.connection:
            self.bound_on.drop(self.bound.handle)
        self.bound = self.bound_on = None

    def call(self, method, request=b"", **flags):
        return self.wait(self.send(method, request, **flags))

    def send(self, method, request=b"", **flags):
        """flags: read_only and later, as the method's options say."""
        call = Call(method, request, time.monotonic() + self.timeout_s, **flags)
        self.wait_for_place(call)
        if call.done:
            return call
        self.number(call)
        if self.channel:
            self.write(self.next_id - 1, call)
        return call

    def lowest_id(self):
        """Whose answer is not taken yet. Answers of `later` calls hold nobody back."""
        return next((id_ for id_, call in self.calls.items() if not call.later), self.next_id)

    def wait_for_place(self, call):
        """The service keeps so many answers, and refuses calls beyond."""
        while self.next_id - self.lowest_id() >= IN_FLIGHT_MAX:
            try:
                self.step(call)
            except (EndOfStream, OSError):
                self.recover(call.deadline)

    def number(self, call):
        self.calls[self.next_id] = call
        self.next_id += 1

    def write(self, id_, call):
        window = max(0, id_ - self.lowest_id())
        call.at = self.channel.send_call(id_, call.method, call.request, milliseconds_until(call.deadline), window)

    def wait(self, call):
        while not call.done:
            try:
                self.step(call)
            except (EndOfStream, OSError):
                self.recover(call.deadline)
        if call.error:
            raise call.error
        return call.reply

    def step(self, call):
        """One answer, whoever's it is."""
        if not self.channel:
            raise EndOfStream
        try:
            frame = self.channel.receive(call.deadline)
        except TimeoutError:
            self.give_up(call)
            return
        if not 0 < frame.id < self.next_id:
            raise ProtocolError("an answer to a call that was never made")
        self.unwanted = {id_: then for id_, then in self.unwanted.items() if frame.id < then}
        answered = self.calls.pop(frame.id, None)
        if answered and answered.later:
            self.channel.stream.send(Frame(FrameType.DROP, id=frame.id))
        if answered and frame.type == FrameType.FAIL:
            answered.end(error=WatError.of_fail(frame))
        elif answered:
            answered.end(reply=frame.body)

    def flush(self):
        """Every call that was sent is in the service's socket."""
        if self.channel:
            self.channel.stream.flush(time.monotonic() + self.timeout_s)

    def give_up(self, call):
        """One that waits for its place was not made."""
        id_ = next((i for i, c in self.calls.items() if c is call), None)
        if id_ is None:
            call.end(WatError(Status.DEADLINE_EXCEEDED, "no place came free in time; the call was not made"))
            return
        del self.calls[id_]
        self.channel.stream.send(Frame(FrameType.CANCEL, id=id_))
        if call.later:
            self.unwanted[id_] = self.next_id
        call.end(WatError(Status.DEADLINE_EXCEEDED, "no answer came in time; the call may have run"))

    def recover(self, deadline):
        """The channel has been read to its end."""
        self.leave_channel()
        if not self.calls:
            return
        try:
            self.bind(True, deadline)
        except WatError as error:
            for id_, call in self.calls.items():
                if call.later and call.may_have_run:
                    self.unwanted[id_] = self.next_id
                call.refuse(error)
            self.calls.clear()

    def leave_channel(self):
        """Which calls may have run; those that the peer says it will never run have ended."""
        if not self.channel:
            return
        goaway = self.channel.goaway
        again = not goaway or goaway.status in (Status.UNAVAILABLE, Status.ABORTED)
        for id_, call in list(self.calls.items()):
            unread = goaway and id_ > goaway.last_read_id
            if call.at is not None and unread and not again:
                call.refuse(WatError(goaway.status, goaway.failure.text if goaway.failure else ""))
                del self.calls[id_]
            elif call.at is not None and not unread:
                call.may_have_run |= self.channel.stream.n_written > call.at
            call.at = None
        self.channel.close()
        self.channel = None

    def bind(self, resume, deadline):
        """A channel, with the lane that it was if that is known, else with a new one."""
        lane = self.desk.run(deadline, lambda connection: self.try_bind(connection, resume, deadline))
        if resume and lane == LANE_LOST:
            self.lose_lane()
            self.new_lane()
            lane = self.desk.run(deadline, lambda connection: self.try_bind(connection, False, deadline))
            waiting, self.calls = self.calls.values(), {}
            for call in waiting:
                self.number(call)
        elif lane != (LANE_RESUMED if resume else LANE_NEW):
            raise ProtocolError("a lane that makes no sense")
        if self.channel.attached.last_applied >= self.next_id:
            raise ProtocolError("a call was done that was never made")
        for id_ in self.unwanted:
            self.channel.stream.send(Frame(FrameType.CANCEL, id=id_))
        for id_, call in self.calls.items():
            self.write(id_, call)

    def try_bind(self, connection, resume, deadline):
        self.drop_handle()
        budget = milliseconds_until(deadline)
        bound, fd = connection.bind(wat_token.USER, self.token, self.lane, resume, budget, deadline=deadline)
        self.bound, self.bound_on = bound, connection
        try:
            self.channel = Channel(fd, deadline)
        except EndOfStream:
            raise WatError(Status.UNAVAILABLE, "the service died before it took the channel") from None
        return self.channel.attached.lane

    def lose_lane(self):
        self.channel.close()
        self.channel = None
        for id_, call in list(self.calls.items()):
            if call.may_have_run and not call.read_only:
                call.end(WatError(Status.DISCONNECTED, "the service died during the call, which may have run"))
                del self.calls[id_]


class Admin:
    def __init__(self, desk, token_text, timeout_s=30.0):
        self.desk, self.timeout_s = desk, timeout_s
        self.token = wat_token.from_text(token_text)
        self.bound, self.bound_on = None, None
        self.desk.run(time.monotonic() + timeout_s, self.handle)

    def handle(self, connection):
        """RESUME after the first time: whoever held the Admin may still fetch what a Stop answered."""
        if self.bound_on is not connection:
            resume = self.bound_on is not None
            self.bound = connection.bind(wat_token.ADMIN, self.token, resume=resume)[0]
            self.bound_on = connection
        return self.bound.handle

    def close(self):
        if self.bound_on is self.desk.connection:
            self.bound_on.drop(self.bound.handle)

    def call(self, method, kind, **values):
        """The same request id however often it is sent: done once."""
        request = ADMIN[kind].encode(request_id=os.urandom(16), **values)
        deadline = time.monotonic() + self.timeout_s
        return self.desk.run(deadline, lambda c: c.call(self.handle(c), method, request, deadline))

    def provision(self, user, **values):
        """The new User's token as text. Its key is made here, and no seed crosses the wire."""
        seed = os.urandom(32)
        public = bytes(wat_token.SigningKey(seed).verify_key)
        reply = ADMIN["ProvisionReply"].decode(
            self.call(PROVISION, "ProvisionRequest", user=user, holder_pk=public, **values))
        return wat_token.decode(reply.token)._replace(seed=seed).text()

    def deprovision(self, user):
        self.call(DEPROVISION, "DeprovisionRequest", user=user)

    def stop(self):
        """The final state. Calls that were sent before are served if flush() of their Users was called
        before: what is still in this process is not sent."""
        return ADMIN["StopReply"].decode(self.call(STOP, "StopRequest"))
