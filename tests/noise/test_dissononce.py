"""proto/noise speaks with python3-dissononce, an implementation that shares nothing with it: as
client and as server, with payloads of all sizes, over renewed keys; and refuses what it sent when
that was changed (row 38)."""

import base64
import hashlib
import os
import random
import struct
import subprocess
import sys
import unittest

from dissononce.cipher.chachapoly import ChaChaPolyCipher
from dissononce.dh.x25519.x25519 import X25519DH, PrivateKey
from dissononce.hash.blake2b import Blake2bHash
from dissononce.processing.handshakepatterns.interactive.NK import NKHandshakePattern
from dissononce.processing.impl.cipherstate import CipherState
from dissononce.processing.impl.handshakestate import HandshakeState
from dissononce.processing.impl.symmetricstate import SymmetricState

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "protocol"))
import page  # noqa: E402

PROLOGUE = b"wat/1" + struct.pack("<I", 1)
RECORDS_PER_KEY = 65536
E_LENGTH, E_KEY, E_TAG, E_EXHAUSTED = 1, 2, 3, 4


class Refused(Exception):
    pass


class Ours:
    """proto/noise, by the program noise-peer."""

    def __init__(self):
        self.process = subprocess.Popen(
            [os.environ["WAT_NOISE_PEER"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, *words):
        line = " ".join(w if isinstance(w, str) else (w.hex() or "-") for w in words)
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if answer.startswith("error "):
            raise Refused(int(answer.split()[1]))
        assert answer, "noise-peer has ended"
        if answer == "ok":
            return None
        return b"" if answer == "-" else bytes.fromhex(answer)

    def seal(self, plain):
        return self.ask("seal", plain)

    def open(self, record):
        return self.ask("open", record)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait() == 0


class Theirs:
    """dissononce, and our records on top of it."""

    def __init__(self, initiator, static, ephemeral, prologue=PROLOGUE):
        dh = X25519DH()
        self.handshake = HandshakeState(
            SymmetricState(CipherState(ChaChaPolyCipher()), Blake2bHash()), dh
        )
        own = dh.generate_keypair(PrivateKey(static)) if not initiator else None
        theirs = dh.create_public(static) if initiator else None
        self.handshake.initialize(NKHandshakePattern(), initiator, prologue, s=own, rs=theirs)
        # The pattern would make a random one.
        self.handshake._dh.generate_keypair = lambda: X25519DH().generate_keypair(
            PrivateKey(ephemeral)
        )
        self.initiator = initiator

    def write(self, payload):
        buffer = bytearray()
        self.split(self.handshake.write_message(payload, buffer))
        return bytes(buffer)

    def read(self, message):
        buffer = bytearray()
        self.split(self.handshake.read_message(message, buffer))
        return bytes(buffer)

    def split(self, ciphers):
        if not ciphers:
            return
        self.sending, self.receiving = ciphers if self.initiator else ciphers[::-1]
        self.hash = self.handshake.symmetricstate.get_handshake_hash()

    def renew(self, cipher):
        # Of the specification's REKEY, dissononce leaves the cut to 32 bytes to its caller, and begins
        # the nonce anew, which goes on.
        if cipher._nonce % RECORDS_PER_KEY == 0:
            cipher._key = cipher.cipher.rekey(cipher._key)[:32]

    def seal(self, plain):
        sealed = self.sending.encrypt_with_ad(b"", plain)
        self.renew(self.sending)
        return struct.pack("<H", len(sealed)) + sealed

    def open(self, record):
        (n,) = struct.unpack("<H", record[:2])
        assert n == len(record) - 2
        plain = self.receiving.decrypt_with_ad(b"", record[2:])
        self.renew(self.receiving)
        return plain


class Differential(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(25519)
        self.ours = Ours()
        self.addCleanup(self.ours.close)

    def connect(self, ours_is_client, payloads=(b"", b"")):
        """A handshake between the two; dissononce's side, and both hashes compared."""
        bytes_of = self.random.randbytes
        server = bytes_of(32)
        public = X25519DH().generate_keypair(PrivateKey(server)).public.data
        role, key = ("initiator", public) if ours_is_client else ("responder", server)
        self.ours.ask(role, PROLOGUE, key, bytes_of(32))
        theirs = Theirs(not ours_is_client, server if ours_is_client else public, bytes_of(32))
        if ours_is_client:
            self.assertEqual(theirs.read(self.ours.ask("write", payloads[0])), payloads[0])
            self.assertEqual(self.ours.ask("read", theirs.write(payloads[1])), payloads[1])
        else:
            self.assertEqual(self.ours.ask("read", theirs.write(payloads[0])), payloads[0])
            self.assertEqual(theirs.read(self.ours.ask("write", payloads[1])), payloads[1])
        self.assertEqual(self.ours.ask("split"), theirs.hash)
        return theirs

    def exchange(self, theirs, n):
        plain = self.random.randbytes(n)
        self.assertEqual(theirs.open(self.ours.seal(plain)), plain)
        self.assertEqual(self.ours.open(theirs.seal(plain)), plain)

    def test_sessions(self):
        """Handshakes in both roles, with and without payloads, and records of all sizes."""
        for i in range(60):
            sizes = [0, 0] if i < 4 else [self.random.randrange(300) for _ in range(2)]
            payloads = [self.random.randbytes(n) for n in sizes]
            theirs = self.connect(i % 2 == 0, payloads)
            for _ in range(8):
                self.exchange(theirs, 1 + self.random.randrange(2000))
        self.exchange(theirs, 1)
        self.exchange(theirs, 65535 - 16)

    def test_rekey(self):
        """Both have the next key after the same record, and the one after that."""
        theirs = self.connect(True)
        for boundary in (RECORDS_PER_KEY, 2 * RECORDS_PER_KEY):
            for direction, cipher in (("send", theirs.receiving), ("receive", theirs.sending)):
                self.ours.ask("at", direction, str(boundary - 2))
                cipher.set_nonce(boundary - 2)
            before = theirs.sending._key
            for _ in range(5):
                self.exchange(theirs, 40)
            self.assertNotEqual(theirs.sending._key, before)

    def test_changed(self):
        """What dissononce sealed is refused when a bit of it is not as it was."""
        theirs = self.connect(False)
        record = theirs.seal(b"ten bytes.")
        for _ in range(50):
            bit = 16 + self.random.randrange(8 * (len(record) - 2))
            changed = bytearray(record)
            changed[bit // 8] ^= 1 << bit % 8
            with self.assertRaises(Refused) as refused:
                self.ours.open(bytes(changed))
            self.assertEqual(refused.exception.args[0], E_TAG)
        self.assertEqual(self.ours.open(record), b"ten bytes.")

    def test_other_prologue(self):
        """A client of another version of the protocol is no client."""
        bytes_of = self.random.randbytes
        server = bytes_of(32)
        public = X25519DH().generate_keypair(PrivateKey(server)).public.data
        self.ours.ask("responder", PROLOGUE, server, bytes_of(32))
        theirs = Theirs(True, public, bytes_of(32), b"wat/1" + struct.pack("<I", 2))
        with self.assertRaises(Refused) as refused:
            self.ours.ask("read", theirs.write(b""))
        self.assertEqual(refused.exception.args[0], E_TAG)


class Page(unittest.TestCase):
    """The vectors of PROTOCOL.md's section 14 are what dissononce makes of the keys there."""

    def test_vectors(self):
        blocks = page.blocks(page.read(page.PATH))
        given = dict(blocks["secure"])
        hello = b"".join(value for _, value in blocks["frame HELLO"])
        self.assertEqual(given["prologue"], PROLOGUE)
        public = X25519DH().generate_keypair(PrivateKey(given["server_sk"])).public.data
        self.assertEqual(given["server_pk"], public)
        self.assertEqual(given["key"], base64.urlsafe_b64encode(public).decode().rstrip("="))
        client = Theirs(True, public, given["client_e"])
        server = Theirs(False, given["server_sk"], given["server_e"])
        first = client.write(b"")
        self.assertEqual(given["first"], struct.pack("<H", len(first)) + first)
        server.read(first)
        second = server.write(b"")
        self.assertEqual(given["second"], struct.pack("<H", len(second)) + second)
        client.read(second)
        self.assertEqual(given["hash"], client.hash)
        self.assertEqual(given["record"], client.seal(hello))
        self.assertEqual(given["chan_bind"], self.bound(b"wat.cap.noise.v1", client.hash))
        self.assertEqual(given["chan_bind_plain"], self.bound(b"wat.cap.plain.v1", b"watd"))

    def bound(self, purpose, message):
        return hashlib.blake2b(message, digest_size=32, person=purpose).digest()


if __name__ == "__main__":
    unittest.main()
