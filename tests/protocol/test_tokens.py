"""Tokens as the client in Python has them: what it refuses by itself, attenuation as far as the page goes, and the files
that they are kept in (row 24).
"""

import dataclasses
import hashlib
import os
import stat
import subprocess
import sys
import unittest

import page
import wat
from daemon import DaemonCase
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey
from wat import tokens
from wat.connection import Connection

EXAMPLE = os.path.join(page.ROOT, "examples", "python", "counter.py")
BLOCK = b"wat-cap-block-v1"
TOKEN = dict(page.blocks(page.read(page.PATH))["token"])
ATTENUATED = dict(page.blocks(page.read(page.PATH))["attenuated"])


def b2b256(purpose, data):
    return hashlib.blake2b(data, digest_size=32, person=purpose).digest()


class Chains(unittest.TestCase):
    """Attenuated tokens: their layout and signatures are those of the page."""

    def setUp(self):
        self.root = tokens.from_text(TOKEN["text_secret"])

    def test_signed(self):
        """Each block is signed by the holder before it, over all that comes before."""
        chained, chain, holder = self.root, self.root.chain_hash(), self.root.holder_pk
        for i in range(1, tokens.BLOCKS_MAX):
            chained = chained.attenuate(method_mask=3)
            block = chained.attenuations[-1]
            self.assertEqual(block.index, i)
            th = b2b256(b"wat.cap.att.v1", chain + chained.encode()[-128:-64])
            VerifyKey(holder).verify(BLOCK + th, block.sig)
            with self.assertRaises(BadSignatureError):
                VerifyKey(block.holder_pk).verify(BLOCK + th, block.sig)
            chain, holder = b2b256(b"wat.cap.chain.v1", th + block.sig), block.holder_pk
            self.assertEqual(chained.chain_hash(), chain)
            self.assertEqual(len(chained.encode()), 200 + 128 * i)
            self.assertEqual(tokens.from_text(chained.text()), chained)
        self.assertEqual(bytes(SigningKey(chained.seed).verify_key), holder)
        with self.assertRaises(wat.TokenError):
            chained.attenuate()
        proof = chained.prove(bytes(32), bytes(32), bytes(16), 1)
        VerifyKey(holder).verify(b"wat-cap-bind--v1" + chained.bind_hash(bytes(32), bytes(32), bytes(16), 1), proof)

    def test_page(self):
        """The attenuated token of the page is what its holder makes of the page's token."""
        number = {name: int.from_bytes(ATTENUATED[name], "little") for name in ("method_mask", "not_before", "not_after")}
        self.assertEqual(number["not_before"], self.root.not_before)
        made = self.root.attenuate(number["method_mask"], number["not_after"], ATTENUATED["holder_pk"])
        block = made.attenuations[0]
        self.assertEqual(tokens.block_hash(self.root.chain_hash(), block), ATTENUATED["th1"])
        self.assertEqual(block.sig, ATTENUATED["sig1"])
        self.assertEqual(made.chain_hash(), ATTENUATED["ch1"])
        self.assertEqual(made.encode(), ATTENUATED["token"])
        self.assertEqual(made.text(), ATTENUATED["text_public"])
        proof = made.with_seed(ATTENUATED["holder_seed"]).prove(
            tokens.UNIX_BINDING, TOKEN["challenge"], TOKEN["node_id"], int.from_bytes(TOKEN["slot"], "little"))
        self.assertEqual(proof, ATTENUATED["proof"])

    def test_narrower(self):
        """What is wider is an error, never less than what was asked for."""
        less = self.root.attenuate(method_mask=1, not_after=self.root.not_after - 1)
        for mask, until in ((2, None), (3, None), (None, self.root.not_after)):
            with self.assertRaises(wat.TokenError):
                less.attenuate(method_mask=mask, not_after=until)
        self.assertEqual(less.attenuate().attenuations[-1].method_mask, 1)

    def test_for_another(self):
        """For a key that somebody else made: no seed is in it, and only that seed completes it."""
        seed = os.urandom(32)
        given = self.root.attenuate(holder_pk=bytes(SigningKey(seed).verify_key))
        self.assertTrue(given.text().startswith("watc1_"))
        with self.assertRaises(wat.TokenError):
            given.prove(bytes(32), bytes(32), bytes(16), 1)
        with self.assertRaises(wat.TokenError):
            given.with_seed(self.root.seed)
        self.assertEqual(given.with_seed(seed).seed, seed)

    def test_malformed(self):
        """A token has one encoding; every other length, order and reserved byte is refused."""
        good = self.root.attenuate().attenuate().encode_with_seed()
        self.assertEqual(len(tokens.decode(good).attenuations), 2)
        bent = [good[:-1], good + b"\0", good[:200] + good[328:456] + good[200:328] + good[456:]]
        for at in (0, 4, 5, 6, 7, 16, 17, 18, 200, 201, 202, 204):
            bent.append(good[:at] + bytes([good[at] + 8]) + good[at + 1:])
        for data in bent:
            with self.assertRaises(wat.TokenError):
                tokens.decode(data)

    def test_repr(self):
        """No seed in what ends up in logs."""
        self.assertNotIn(self.root.seed.hex(), repr(self.root))
        self.assertNotIn(repr(self.root.seed), repr(dataclasses.replace(self.root)))


class Tokens(DaemonCase):
    def test_refused_here(self):
        """A token of another role, node or interface, or without its seed, is refused before anything is sent."""
        text = self.provision()
        user, admin = tokens.from_text(text), tokens.from_text(self.daemon.admin_token(self.name))
        client = self.kept(wat.connect(self.address))
        sent = client.connection.stream.end()
        for what, token, service in ((client.user, admin, ""), (client.admin, user, ""),
                                     (client.user, dataclasses.replace(user, node_id=bytes(16)), ""),
                                     (client.user, user, "counter.Other"), (client.admin, admin, "counter.Other"),
                                     (client.user, dataclasses.replace(user, seed=b""), "")):
            with self.assertRaises(wat.TokenError):
                what(token, service)
        self.assertEqual(client.connection.stream.end(), sent)
        self.assertEqual(client.user(text, "counter.Counter").call("Get"), {"value": 0})

    def test_attenuated(self):
        """A token limited to {Get} can't Increment, whoever limits it further; what was made from a grant ends with it
        (row 26)."""
        token = tokens.from_text(self.provision())
        less = token.attenuate(method_mask=3).attenuate(method_mask=1)
        client = self.kept(wat.connect(self.address))
        user = client.user(less)
        self.assertEqual(user.call("Get").value, 0)
        with self.assertRaises(wat.AccessDenied):
            user.call("Increment", n=1)
        self.assertEqual(client.user(token).call("Increment", n=1).value, 1)
        self.daemon.watctl("deprovision", self.name, "u")
        for again in (less, less.attenuate()):
            with self.assertRaises(wat.AccessDenied):
                client.user(again).call("Get")

    def test_widened(self):
        """Signed by its holder and wider than before: an error, and never what would have been allowed. Neither does a
        holder before the last one present it."""
        token = tokens.from_text(self.provision())
        less = token.attenuate(method_mask=1, not_after=token.not_after - 10)
        last = less.narrowest()
        connection = self.kept(Connection(self.address))
        for change in ({"method_mask": 3}, {"method_mask": 9}, {"not_after": last.not_after + 1},
                       {"not_before": last.not_before - 1}):
            block = dataclasses.replace(last, index=2, **change)
            message = BLOCK + tokens.block_hash(less.chain_hash(), block)
            wider = dataclasses.replace(block, sig=SigningKey(less.seed).sign(message).signature)
            with self.assertRaises(wat.AccessDenied) as caught:
                connection.bind(tokens.USER, dataclasses.replace(less, attenuations=(last, wider)), os.urandom(16))
            self.assertIn("allows more", str(caught.exception))
        with self.assertRaises(wat.AccessDenied):
            connection.bind(tokens.USER, dataclasses.replace(less, seed=token.seed), os.urandom(16))
        _, fd = connection.bind(tokens.USER, less, os.urandom(16))
        os.close(fd)

    def test_attenuated_admin(self):
        """An Admin limited to {Provision} can't Stop (row 23)."""
        self.provision()
        admin = tokens.from_text(self.daemon.admin_token(self.name))
        limited = self.kept(wat.connect(self.address)).admin(admin.attenuate(method_mask=1))
        limited.provision("other")
        with self.assertRaises(wat.AccessDenied):
            limited.deprovision("other")
        with self.assertRaises(wat.AccessDenied):
            limited.stop()

    def test_files(self):
        """watctl's keyring is read as it is; what is written is a token file of mode 0600 (row 24)."""
        text = self.provision()
        keyring = wat.Keyring(os.path.join(self.daemon.dir, "keyring"))
        client = self.kept(wat.connect(self.address))
        self.assertEqual(keyring.user(client.node_id, self.name, "u").text(), text)
        self.assertEqual(keyring.admin(client.node_id, self.name).role, tokens.ADMIN)
        with self.assertRaises(FileNotFoundError):
            keyring.user(client.node_id, self.name, "nobody")
        path, key = (os.path.join(self.daemon.dir, f"{self.name}.{kind}") for kind in ("token", "key"))
        public = dataclasses.replace(tokens.from_text(text), seed=b"")
        wat.write_token(path, text)
        self.assertEqual(self.daemon.watctl("call", self.name, "Get", "--token", path), '{"value":"0"}')
        wat.write_token(path, public)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        with open(key, "wb") as file:
            file.write(tokens.from_text(text).seed)
        bound = wat.read_token(path).with_seed(wat.read_seed(key))
        self.assertEqual(client.user(bound).call("Get").value, 0)
        with open(key, "ab") as file:
            file.write(b"x")
        with self.assertRaises(wat.TokenError):
            wat.read_seed(key)
        with open(path, "w", encoding="ascii") as file:
            file.write(text[:-1])
        with self.assertRaises(wat.TokenError) as caught:
            wat.read_token(path)
        self.assertIn(path, str(caught.exception))
        self.assertNotIn(text[20:60], str(caught.exception))


class Example(DaemonCase):
    """The program of the README, by each door."""

    door = "tcp"

    def run_example(self, *arguments, **environment):
        return subprocess.run([sys.executable, "-B", EXAMPLE, *arguments], capture_output=True, text=True,
                              env={**os.environ, **environment}, check=False)

    def test_example(self):
        """It counts, says what it did, and how it failed."""
        path = os.path.join(self.daemon.dir, "example.token")
        wat.write_token(path, self.provision())
        for i, address in enumerate(self.daemon.address.values(), 1):
            done = self.run_example(path, "300", "--address", address)
            self.assertEqual((done.stderr, done.returncode), ("", 0))
            self.assertEqual(done.stdout, f"added 1 300 times; the value is {300 * i}\n")
        done = self.run_example(path, WAT_SOCKET=self.daemon.socket)
        self.assertEqual(done.stdout, "added 1 1 times; the value is 1201\n")
        self.daemon.watctl("deprovision", self.name, "u")
        done = self.run_example(path, WAT_SOCKET=self.daemon.socket)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("ACCESS_DENIED", done.stderr)
        done = self.run_example("/nonexistent", WAT_SOCKET=self.daemon.socket)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent", done.stderr)


if __name__ == "__main__":
    unittest.main()
