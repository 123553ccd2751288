"""TCP as the client in Python has it: what somebody on the way can learn and do, whom it speaks with, and that its
records are those of another implementation of Noise (row 38).
"""

import os
import random
import socket
import struct
import sys
import threading
import unittest
from contextlib import suppress
from types import SimpleNamespace
from unittest import mock

import wat
from daemon import BUILD, DaemonCase
from relay import Relay
from wat import address, dial, noise, tokens
from wat.connection import Connection
from wat.frame import Frame, FrameType
from wat.stream import SecureStream
from wat.wire import LENGTH, pack

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "noise"))
from test_dissononce import Theirs  # noqa: E402

HANDSHAKE = 50      # bytes, with their length
OTHER_KEY = "A" * 42 + "E"


class Secure(DaemonCase):
    door = "tcp"
    plugin_dir = os.path.join(BUILD, "tests", "plugins")

    def setUp(self):
        super().setUp()
        self.relays = []

    def relayed(self, change=None, door="tcp"):
        """The address of a relay in front of watd."""
        relay = Relay(self.daemon.place, change)
        self.addCleanup(relay.close)
        self.relays.append(relay)
        return self.daemon.address[door].rpartition("@" if door == "tcp" else "//")[0] + (
            "@" if door == "tcp" else "//") + relay.address

    def talk(self, at):
        """A conversation with words that would be found; how much was added."""
        with wat.connect(at) as client:
            user = client.user(self.text)
            return user.call("Add", n=1, note="what nobody else may read").n_items

    def words(self):
        token = tokens.from_text(self.text)
        return [b"nobody else", b"probe.Probe", self.name.encode(), token.encode()[:64], token.encode()[-64:],
                token.seed, token.grant_id]

    def found(self, relay):
        everything = b"".join(bytes(up + down) for up, down in relay.seen)
        return [word for word in self.words() if word in everything]

    def test_capture(self):
        """No token and no plaintext is in what passes; without encryption all of it is, but for the seed."""
        self.text = self.provision("probe.Probe")
        self.assertEqual(self.talk(self.relayed()), 1)
        self.assertEqual(self.found(self.relays[0]), [])
        self.assertEqual(self.talk(self.relayed(door="plain")), 2)
        plain = self.words()
        plain.remove(tokens.from_text(self.text).seed)
        self.assertEqual(self.found(self.relays[1]), plain)

    def test_replayed_to_server(self):
        """Bytes of a session, sent again: another second message, the end, and nothing was done."""
        self.text = self.provision("probe.Probe")
        self.talk(self.relayed())
        up, down = self.relays[0].seen[0]
        for n in (len(up), HANDSHAKE, len(up) - 1):
            host, _, port = self.daemon.place.rpartition(":")
            with socket.create_connection((host, int(port))) as sock:
                sock.sendall(up[:n])
                sock.shutdown(socket.SHUT_WR)
                answer = b""
                try:
                    while got := sock.recv(4096):
                        answer += got
                except ConnectionResetError:
                    pass
            # The second message has a key of its own, and nothing comes after it.
            self.assertIn(len(answer), (0, HANDSHAKE))
            self.assertFalse(answer and down.startswith(answer))
        self.assertEqual(self.talk(self.address), 2)

    def assert_unbelieved(self, answer):
        """A server that says this, at an address with watd's key, hears the first message and nothing else."""
        listener, heard = self.kept(socket.create_server(("127.0.0.1", 0))), bytearray()

        def serve():
            with listener.accept()[0] as peer, suppress(ConnectionResetError):
                peer.sendall(answer)
                while got := peer.recv(4096):
                    heard.extend(got)

        thread = threading.Thread(target=serve)
        thread.start()
        with self.assertRaises(wat.AddressError):
            wat.connect(f"{self.address.rpartition('@')[0]}@127.0.0.1:{listener.getsockname()[1]}")
        thread.join()
        self.assertEqual(len(heard), HANDSHAKE)

    def test_replayed_to_client(self):
        """A server's part of a session is no session: the client hears that it was not made for it."""
        self.text = self.provision("probe.Probe")
        self.talk(self.relayed())
        self.assert_unbelieved(bytes(self.relays[0].seen[0][1][:HANDSHAKE]))

    def test_impostor(self):
        """Without the key nobody is spoken with, whatever is answered; nothing but the first message is said."""
        for answer in (struct.pack("<H", 0), struct.pack("<H", 48) + os.urandom(48), struct.pack("<H", 49) + bytes(49),
                       struct.pack("<H", 48) + bytes(48)):
            self.assert_unbelieved(answer)

    def test_tampered(self):
        """One bit of a record, in either direction, now or later: the connection ends there, and the calls are made
        over another one, each once."""
        self.text = self.provision("probe.Probe")
        done = 0
        for is_up in (True, False):
            for k in range(4):
                n_changed = []

                def change(n, up, at, data):
                    """The k-th piece after the handshake, of the first connection."""
                    if n == 0 and up == is_up and at >= HANDSHAKE:
                        n_changed.append(at)
                        if len(n_changed) == k + 1:
                            return data[:-1] + bytes([data[-1] ^ 1])
                    return data

                with self.subTest(up=is_up, piece=k):
                    done = self.send_many(self.relayed(change), done)
                    self.assertGreater(len(n_changed), k)
                    self.assertEqual(len(self.relays[-1].seen), 2)

    def send_many(self, at, done):
        """Fifty calls of a client that was there before; how many there are now."""
        try:
            client = wat.connect(at)
        except wat.Unavailable:     # it was the greeting
            client = wat.connect(at)
        with client:
            user = client.user(self.text)
            calls = [user.send("Add", n=1) for _ in range(50)]
            self.assertEqual([call.result().n_items for call in calls], list(range(done + 1, done + 51)))
        return done + 50

    def test_known_daemons(self):
        """A key may stand in a file instead of the address. One that differs is an error, with file and line, before
        anything is sent; so is a line that can't be read."""
        key, _, place = self.address.removeprefix("wat://").rpartition("@")
        path = os.path.join(self.daemon.dir, f"known-{self.name}")
        by_place = f"wat://{place}"

        def known(*lines):
            with open(path, "w", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")

        def refused(at, *words):
            with self.assertRaises(wat.AddressError) as caught:
                wat.connect(at)
            for word in words:
                self.assertIn(word, str(caught.exception))

        with mock.patch.dict(os.environ, WAT_KNOWN_DAEMONS=path):
            refused(by_place, "is not known here", path)
            known("# daemons", "", "wat://" + OTHER_KEY + "@elsewhere:1", f"  {self.address}  ")
            wat.connect(by_place).close()
            wat.connect(self.address).close()
            known("# daemons", f"wat://{OTHER_KEY}@{place}")
            refused(self.address, f"{path}:2", "another key")
            refused(by_place, f"{path}:2", "does not have the key")
            known(self.address, f"wat://{OTHER_KEY}@{place}")
            refused(by_place, f"{path}:1", f"{path}:2")
            for line in (place, by_place, f"wat://{key[1:]}@{place}", f"{self.address} # mine"):
                known(self.address, line)
                refused(by_place, f"{path}:2")

    def test_addresses(self):
        """What is an address, and what is none."""
        key = self.address.removeprefix("wat://").rpartition("@")[0]
        with mock.patch.dict(os.environ, WAT_KNOWN_DAEMONS="/nonexistent", WAT_SOCKET="/x/y.sock"):
            self.assertEqual(address.parse().path, "/x/y.sock")
            self.assertEqual(address.parse("unix:/z").path, "/z")
            v6 = address.parse(f"wat://{key}@[::1]:7117")
            self.assertEqual((v6.host, v6.port, str(v6)), ("::1", 7117, "[::1]:7117"))
            for bad in ("wat://host:1", f"wat://{key}@host", f"wat://{key}@:1", f"wat://{key}@host:0", f"wat://{key}@host:65536",
                        f"wat://{key}@host:1/x", f"wat://{key[:-1]}B@host:1", f"wat://{key}=@host:1", f"wat://{key}@::1:1",
                        f"wat+insecure://{key}@127.0.0.1:1"):
                with self.assertRaises(wat.AddressError, msg=bad):
                    address.parse(bad)

    def test_plain_elsewhere(self):
        """Without encryption only this machine is connected to, whatever its name says."""
        for place, is_here in (("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("192.0.2.1", False),
                               ("fe80::1%eth0", False)):
            sock = SimpleNamespace(getpeername=lambda place=place: (place, 7117))
            if is_here:
                dial.check_loopback(sock)
            else:
                with self.assertRaises(wat.AddressError):
                    dial.check_loopback(sock)

    def test_bound_elsewhere(self):
        """A proof that was made for one connection is good on no other, not on another kind either."""
        token = tokens.from_text(self.provision("probe.Probe"))
        first, second = (self.kept(Connection(self.address)) for _ in range(2))
        for chan_bind in (first.chan_bind, tokens.UNIX_BINDING, tokens.PLAIN_BINDING):
            second.chan_bind, mine = chan_bind, second.chan_bind
            with self.assertRaises(wat.AccessDenied):
                second.bind(tokens.USER, token, os.urandom(16))
            second.chan_bind = mine
        second.bind(tokens.USER, token, os.urandom(16))

    def test_renewed(self):
        """More records than one key is good for: the server has the next key after the same one."""
        connection = self.kept(Connection(self.address))
        for _ in range(noise.RECORDS_PER_KEY + 10):
            connection.drop(99)
        self.assertGreater(connection.stream.sending.nonce, noise.RECORDS_PER_KEY)
        self.assertEqual(connection.ping().type, FrameType.PONG)

    def test_large(self):
        """A frame over many records, and many frames in one."""
        client = self.kept(wat.connect(self.address))
        user = client.user(self.provision("probe.Probe"))
        number, nobody_knows = user.interface.method("Get").number, pack(15, LENGTH, bytes(500000))
        for _ in range(20):
            client.connection.stream.out += Frame(FrameType.DROP, handle=99).encode()
        user.lane.call(number, nobody_knows, read_only=True)
        self.assertEqual(len(user.call("Big", n=900000).text), 900000)


class Differential(unittest.TestCase):
    """noise.py and python3-dissononce."""

    def connect(self, rng):
        server, ephemeral = rng.randbytes(32), rng.randbytes(32)
        public = noise.bindings.crypto_scalarmult_base(server)
        theirs = Theirs(False, server, ephemeral)
        handshake = noise.Handshake(public, rng.randbytes(32))
        self.assertEqual(theirs.read(handshake.first()), b"")
        sending, receiving, hash_ = handshake.finish(theirs.write(b""))
        self.assertEqual(hash_, theirs.hash)
        return sending, receiving, theirs

    def exchange(self, sending, receiving, theirs, plain):
        self.assertEqual(theirs.open(noise.seal(sending, plain)), plain)
        self.assertEqual(receiving.decrypt(theirs.seal(plain)[2:]), plain)

    def test_sessions(self):
        """Handshakes, and records of all sizes in both directions."""
        rng = random.Random(7117)
        for _ in range(30):
            session = self.connect(rng)
            for _ in range(8):
                self.exchange(*session, rng.randbytes(1 + rng.randrange(2000)))
        self.exchange(*session, rng.randbytes(noise.PLAIN_MAX))

    def test_renewed(self):
        """Both have the next key after the same record, and the one after that."""
        sending, receiving, theirs = self.connect(random.Random(1))
        for boundary in (noise.RECORDS_PER_KEY, 2 * noise.RECORDS_PER_KEY):
            sending.nonce = receiving.nonce = boundary - 2
            theirs.receiving.set_nonce(boundary - 2)
            theirs.sending.set_nonce(boundary - 2)
            before = sending.key
            for i in range(5):
                self.exchange(sending, receiving, theirs, b"%d" % i)
            self.assertNotEqual(sending.key, before)

    def test_changed(self):
        """A record is refused when a bit of it is not as it was, in another's place, and twice."""
        rng = random.Random(2)
        _, receiving, theirs = self.connect(rng)
        record, other = theirs.seal(b"ten bytes.")[2:], theirs.seal(b"another.")[2:]
        for bit in range(8 * len(record)):
            changed = bytearray(record)
            changed[bit // 8] ^= 1 << bit % 8
            with self.assertRaises(noise.NoiseError):
                receiving.decrypt(bytes(changed))
        with self.assertRaises(noise.NoiseError):
            receiving.decrypt(other)
        self.assertEqual(receiving.decrypt(record), b"ten bytes.")
        with self.assertRaises(noise.NoiseError):
            receiving.decrypt(record)

    def test_positions(self):
        """Where a frame begins in the stream does not depend on how much of it is sealed, or was taken."""
        ours, theirs = socket.socketpair()
        stream = SecureStream(ours, 1 << 20, *(noise.Cipher(bytes(32)) for _ in range(2)))
        with theirs:
            frame, at = Frame(FrameType.CALL, bytes(30000)), 0
            while len(stream.out) < 300000:
                self.assertEqual(stream.send(frame), at)
                at += 30032
            self.assertTrue(stream.sealed_out and 0 < stream.n_written < at)
        stream.close()

    def test_exhausted(self):
        """The last number is never used."""
        cipher = noise.Cipher(bytes(32), noise.NONCE_END - 1)
        cipher.encrypt(b"the last")
        with self.assertRaises(noise.NoiseError):
            cipher.encrypt(b"one more")


if __name__ == "__main__":
    unittest.main()
