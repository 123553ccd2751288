"""PROTOCOL.md is true in every byte, number and declaration that it shows.

The bytes are made anew by the client in examples/python, which shares no code with watd (row 17:
anybody who knows the layout can check a token; tests/unit/test_protocol.c does the same with watd's own
code).
"""

import base64
import dataclasses
import os
import re
import struct
import unittest

import page
from nacl.exceptions import BadSignatureError
from nacl.public import PrivateKey
from nacl.signing import SigningKey, VerifyKey
from wat import Status, noise, tokens
from wat.admin import ADMIN
from wat.frame import CONTROL_BODY_MAX, ENVELOPE, HEADER, Frame, FrameType, decode_header
from wat.messages import Schema
from wat.node_messages import NODE
from wat.status import NOT_EXECUTED
from wat.user import SESSION

COUNTER = Schema("message Amount { sint64 n = 1; } message Value { sint64 value = 1; }")

TEXT = page.read(page.PATH)
BLOCKS = page.blocks(TEXT)
VECTORS = dict(BLOCKS["token"])
SECURE = dict(BLOCKS["secure"])


def number(name):
    return int.from_bytes(VECTORS[name], "little")


def make_token():
    """From the fixed inputs of the page only."""
    issuer_pk = bytes(SigningKey(VECTORS["issuer_seed"]).verify_key)
    holder_pk = bytes(SigningKey(VECTORS["holder_seed"]).verify_key)
    token = tokens.Token(
        kid=tokens.plain_hash(issuer_pk)[:8], role=tokens.USER, epoch=number("epoch"),
        node_id=VECTORS["node_id"], instance_id=VECTORS["instance_id"], grant_id=VECTORS["grant_id"],
        method_mask=number("method_mask"), interface_hash=tokens.interface_hash(VECTORS["service"], 0),
        not_before=number("not_before"), not_after=number("not_after"), holder_pk=holder_pk,
        seed=VECTORS["holder_seed"])
    message = b"wat-cap-block-v1" + token.root_hash()
    return dataclasses.replace(token, sig=SigningKey(VECTORS["issuer_seed"]).sign(message).signature)


def conversation():
    """The frames of the page and the kinds of their bodies, from fixed inputs."""
    token, slot = make_token(), number("slot")
    challenge, node_id = VECTORS["challenge"], VECTORS["node_id"]
    proof = token.prove(tokens.UNIX_BINDING, challenge, node_id, slot)
    amount = COUNTER["Amount"]

    def of(kind, type_, header=None, **values):
        return kind, Frame(type_, kind.encode(**values), **(header or {}))

    return {
        "HELLO": of(ENVELOPE["Hello"], FrameType.HELLO, version=1, program="example/1"),
        "WELCOME": of(ENVELOPE["Welcome"], FrameType.WELCOME, version=1, challenge=challenge, node_id=node_id,
                      program="watd/0.1.0", max_body=1 << 20),
        "BIND": of(ENVELOPE["Bind"], FrameType.BIND, {"id": slot, "budget": 30000}, role=2, token=token.encode(),
                   proof=proof, lane=bytes(range(0xA0, 0xB0)), lane_mode=0),
        "BOUND": of(ENVELOPE["Bound"], FrameType.BOUND, {"id": slot, "flags": 1}, handle=1, service="counter.Counter",
                    instance="c1", instance_id=VECTORS["instance_id"], method_mask=7),
        "ATTACHED": of(ENVELOPE["Attached"], FrameType.ATTACHED, generation=1, lane=0, last_applied=0),
        "CALL": of(amount, FrameType.CALL, {"method": 1, "id": 1, "budget": 30000}, n=5),
        "REPLY": of(COUNTER["Value"], FrameType.REPLY, {"id": 1}, value=12),
        "CALL.2": of(amount, FrameType.CALL, {"method": 1, "id": 2, "budget": 30000}, n=(1 << 63) - 1),
        "FAIL": of(ENVELOPE["Failure"], FrameType.FAIL, {"id": 2, "budget": Status.OUT_OF_RANGE},
                   text="12 + 9223372036854775807 does not fit"),
        "DROP": (None, Frame(FrameType.DROP)),
    }


class Vectors(unittest.TestCase):
    """Every hash, signature and text follows from the fixed keys."""

    def expect(self, name, value):
        self.assertEqual(VECTORS[name], value, name)
        self.seen.add(name)

    def test_all(self):
        self.seen = {"issuer_seed", "holder_seed", "service", "epoch", "node_id", "instance_id", "grant_id",
                     "method_mask", "not_before", "not_after", "challenge", "slot"}
        token = make_token()
        self.expect("issuer_pk", bytes(SigningKey(VECTORS["issuer_seed"]).verify_key))
        self.expect("holder_pk", token.holder_pk)
        self.expect("kid", token.kid)
        self.expect("interface_hash", struct.pack("<Q", token.interface_hash))
        self.expect("role", bytes([token.role]))
        self.expect("th0", token.root_hash())
        self.expect("sig", token.sig)
        self.expect("ch0", token.chain_hash())
        self.expect("token", token.encode())
        self.expect("text_secret", token.text())
        self.expect("text_public", dataclasses.replace(token, seed=b"").text())
        self.expect("chan_bind", tokens.UNIX_BINDING)
        where = (tokens.UNIX_BINDING, VECTORS["challenge"], VECTORS["node_id"], number("slot"))
        self.expect("bind_hash", token.bind_hash(*where))
        self.expect("proof", token.prove(*where))
        self.assertEqual(self.seen, set(VECTORS), "a vector that nothing checks")

    def test_signatures(self):
        """They verify against the public keys of the page, and no other message does."""
        block = b"wat-cap-block-v1" + VECTORS["th0"]
        bind = b"wat-cap-bind--v1" + VECTORS["bind_hash"]
        VerifyKey(VECTORS["issuer_pk"]).verify(block, VECTORS["sig"])
        VerifyKey(VECTORS["holder_pk"]).verify(bind, VECTORS["proof"])
        with self.assertRaises(BadSignatureError):
            VerifyKey(VECTORS["holder_pk"]).verify(block, VECTORS["proof"])

    def test_texts(self):
        secret = tokens.from_text(f" {VECTORS['text_secret']}\n")
        self.assertEqual(secret, make_token())
        self.assertEqual(tokens.from_text(VECTORS["text_public"]), dataclasses.replace(secret, seed=b""))
        for bad in ("", "watc1_", VECTORS["text_secret"][:-1], VECTORS["text_secret"].replace("wats1_", "watc1_"),
                    VECTORS["text_public"].replace("AAB", "AAC", 1)):
            with self.assertRaises(tokens.TokenError, msg=bad):
                tokens.from_text(bad)


class Secure(unittest.TestCase):
    """What the page shows of the handshake and of the first record follows from its keys (row 38)."""

    def test_all(self):
        public = bytes(PrivateKey(SECURE["server_sk"]).public_key)
        self.assertEqual((SECURE["server_pk"], SECURE["key"]), (public, base64.urlsafe_b64encode(public).decode()[:43]))
        self.assertEqual(SECURE["prologue"], noise.PROLOGUE)
        self.assertEqual(noise.PROLOGUE[5:], struct.pack("<I", 1))
        handshake = noise.Handshake(public, SECURE["client_e"])
        self.assertEqual(SECURE["first"], struct.pack("<H", 48) + handshake.first())
        server_e = bytes(PrivateKey(SECURE["server_e"]).public_key)
        self.assertEqual(SECURE["second"][:34], struct.pack("<H", 48) + server_e)
        sending, _, hash_ = handshake.finish(SECURE["second"][2:])
        self.assertEqual(SECURE["hash"], hash_)
        self.assertEqual(SECURE["chan_bind"], tokens.noise_binding(hash_))
        self.assertEqual(SECURE["chan_bind_plain"], tokens.PLAIN_BINDING)
        hello = b"".join(value for _, value in BLOCKS["frame HELLO"])
        self.assertEqual(SECURE["record"], noise.seal(sending, hello))
        checked = {"server_sk", "server_pk", "key", "client_e", "server_e", "prologue", "first", "second", "hash",
                   "chan_bind", "chan_bind_plain", "record"}
        self.assertEqual(set(SECURE), checked, "a vector that nothing checks")

    def test_changed(self):
        """One bit of the second message, and it is nobody's; the first is another for every key."""
        for at in range(48):
            handshake = noise.Handshake(SECURE["server_pk"], SECURE["client_e"])
            handshake.first()
            bent = bytearray(SECURE["second"][2:])
            bent[at] ^= 1 << at % 8
            with self.assertRaises(noise.NoiseError):
                handshake.finish(bytes(bent))
        with self.assertRaises(noise.NoiseError):
            noise.Handshake(bytes(32), SECURE["client_e"]).first()


class Frames(unittest.TestCase):
    """The conversation of the page: its bytes are what the rules give, and mean what its lines say."""

    maxDiff = None

    def bytes_of(self, name):
        return b"".join(value for _, value in BLOCKS[f"frame {name}"])

    def test_from_fixed_inputs(self):
        frames = conversation()
        shown = {name.removeprefix("frame ") for name in BLOCKS if name.startswith("frame ")}
        self.assertEqual(shown, set(frames))
        for name, (_, frame) in frames.items():
            self.assertEqual(self.bytes_of(name).hex(), frame.encode().hex(), name)

    def test_decoded(self):
        for name, (kind, expected) in conversation().items():
            data = self.bytes_of(name)
            frame, length = decode_header(data[: HEADER.size], CONTROL_BODY_MAX)
            frame = frame._replace(body=data[HEADER.size :])
            self.assertEqual(len(frame.body), length, name)
            self.assertEqual(frame, expected, name)
            if kind:
                self.assertEqual(kind.encode(kind.decode(frame.body)), frame.body, name)

    def test_lines(self):
        """8, 8 and 16 bytes of header; then each line is the field that it is named after."""
        for name, (kind, _) in conversation().items():
            lines = BLOCKS[f"frame {name}"]
            self.assertEqual([(n, len(v)) for n, v in lines[:3]], [("head", 8), ("id", 8), ("rest", 16)], name)
            for field, value in lines[3:]:
                decoded = kind.decode(value)
                only = {field: getattr(decoded, field)}
                self.assertEqual(kind.encode(**only), value, f"{name}.{field}")


class Tables(unittest.TestCase):
    """Numbers that the page repeats are those of the code."""

    def numbers(self, path, pattern):
        found = re.findall(pattern, page.read(os.path.join(page.ROOT, path)))
        return {name: int(value) for name, value in found}

    def test_statuses(self):
        shown = {row[1]: int(row[0]) for row in page.table(TEXT, "number")}
        self.assertEqual(shown, self.numbers("proto/status.h", r"\bS\((\w+), (\d+), "))
        self.assertEqual(shown, {status.name: status.value for status in Status})

    def test_retriable(self):
        """OVERLOADED and UNAVAILABLE mean "not run" wherever they are sent; what may have run is never
        called retriable."""
        again = {row[1]: row[3] for row in page.table(TEXT, "number") if row[3].startswith("yes")}
        self.assertEqual(set(again), {"DEADLINE_EXCEEDED", "ABORTED", "UNAVAILABLE", "OVERLOADED"})
        self.assertEqual({Status[name] for name in again} & set(NOT_EXECUTED), set(NOT_EXECUTED))

    def test_frame_types(self):
        shown = {row[0]: int(row[1]) for row in page.table(TEXT, "type")}
        self.assertEqual(shown, self.numbers("proto/frame.h", r"\bF\((\w+), (\d+)\)"))
        self.assertEqual(shown, {kind.name: kind.value for kind in FrameType})

    def test_header(self):
        rows = page.table(TEXT, "offset")
        sizes = [{"u8": 1, "u16": 2, "u32": 4, "u64": 8}[row[1]] for row in rows]
        self.assertEqual([int(row[0]) for row in rows], [sum(sizes[:i]) for i in range(len(sizes))])
        self.assertEqual(sum(sizes), HEADER.size)


class Messages(unittest.TestCase):
    """The declarations of the page, of the client and of the .proto files are the same."""

    @classmethod
    def setUpClass(cls):
        cls.shown = dict(page.fenced(TEXT, "proto"))

    @staticmethod
    def fields(schema):
        return {name: message.fields for name, message in schema.messages.items()}

    def assert_same(self, a, b, what):
        self.assertEqual(a.enums, b.enums, what)
        self.assertEqual(self.fields(a), self.fields(b), what)
        self.assertEqual(a.methods, b.methods, what)

    def test_files(self):
        packages = {f"wat/{name}.proto" for name in ("envelope", "session", "admin", "node")}
        self.assertEqual(set(self.shown), packages | {"counter.proto"})
        for name, text in self.shown.items():
            folder = "proto" if "/" in name else "plugins/counter"
            declared = Schema(page.read(os.path.join(page.ROOT, folder, name)))
            declared.messages.pop("State", None)
            self.assert_same(Schema(text), declared, name)
            self.assertTrue(declared.messages, name)

    def test_client(self):
        for name, schema in (("envelope", ENVELOPE), ("session", SESSION), ("admin", ADMIN), ("node", NODE)):
            shown = Schema(self.shown[f"wat/{name}.proto"])
            if "Empty" in schema.messages:
                shown.add_message("Empty", [])
            self.assert_same(schema, shown, name)
        self.assertEqual(self.fields(COUNTER), self.fields(Schema(self.shown["counter.proto"])))

    def test_method_numbers(self):
        for row in page.table(TEXT, "handle"):
            interface = row[1].strip("`").split(".")
            methods = [name for name, *_ in Schema(self.shown[f"wat/{interface[1]}.proto"]).methods]
            self.assertEqual(row[2], ", ".join(f"{i} {name}" for i, name in enumerate(methods)))


if __name__ == "__main__":
    unittest.main()
