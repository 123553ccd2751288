"""Capability tokens: their bytes, their text, and the proof that their holder presents them.

PROTOCOL.md, "Tokens". BLAKE2b is the standard library's, Ed25519 is PyNaCl's.
"""

import base64
import hashlib
import struct
from typing import NamedTuple

from nacl.signing import SigningKey

HEADER_SIZE, ROOT_SIZE, SEED_SIZE = 16, 184, 32
NODE, ADMIN, USER = 0, 1, 2

HEADER = struct.Struct("<4sBBBB8s")
ROOT = struct.Struct("<BBHI16s16s16sQQQQ32s64s")
BODY_SIZE = ROOT_SIZE - 64


class TokenError(Exception):
    """Bytes or text that are no token."""


class Token(NamedTuple):
    kid: bytes
    role: int
    epoch: int
    node_id: bytes
    instance_id: bytes
    grant_id: bytes
    method_mask: int
    interface_hash: int
    not_before: int
    not_after: int
    holder_pk: bytes
    sig: bytes = bytes(64)
    seed: bytes = b""

    def root(self):
        return ROOT.pack(0, self.role, 0, self.epoch, self.node_id, self.instance_id, self.grant_id,
                         self.method_mask, self.interface_hash, self.not_before, self.not_after,
                         self.holder_pk, self.sig)

    def encode(self):
        """Without the seed: what BIND presents."""
        return HEADER.pack(b"WATC", 1, 0, 1, 0, self.kid) + self.root()

    def encode_with_seed(self):
        return HEADER.pack(b"WATC", 1, 1, 1, 0, self.kid) + self.root() + self.seed

    def text(self):
        data = self.encode_with_seed() if self.seed else self.encode()
        data += hashlib.blake2b(data, digest_size=32).digest()[:4]
        prefix = "wats1_" if self.seed else "watc1_"
        return prefix + base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def hash256(purpose, data):
    """B2b256 of the page. The standard library pads the personalization with zeros."""
    return hashlib.blake2b(data, digest_size=32, person=purpose).digest()


def kid_of(issuer_pk):
    return hashlib.blake2b(issuer_pk, digest_size=32).digest()[:8]


def interface_hash(service, version=0):
    data = service.encode() + b"\0" + struct.pack("<I", version)
    return struct.unpack("<Q", hashlib.blake2b(data, digest_size=32).digest()[:8])[0]


def th0(token):
    return hash256(b"wat.cap.root.v1", b"WATC\x01" + token.kid + token.root()[:BODY_SIZE])


def ch0(token):
    return hash256(b"wat.cap.chain.v1", th0(token) + token.sig)


def unix_binding():
    return hash256(b"wat.cap.unix.v1", b"watd")


def bind_hash(token, chan_bind, challenge, node_id, slot):
    return hash256(b"wat.cap.bind.v1", chan_bind + challenge + ch0(token) + node_id + struct.pack("<Q", slot))


def prove(token, challenge, node_id, slot):
    """The proof for a BIND with the frame id `slot` on a unix socket."""
    message = b"wat-cap-bind--v1" + bind_hash(token, unix_binding(), challenge, node_id, slot)
    return SigningKey(token.seed).sign(message).signature


def sign(token, issuer_seed):
    """What watd does; here for the test vectors."""
    message = b"wat-cap-block-v1" + th0(token)
    return token._replace(sig=SigningKey(issuer_seed).sign(message).signature)


def decode(data):
    if len(data) < HEADER_SIZE:
        raise TokenError("too short for a token")
    magic, version, flags, n_blocks, reserved, kid = HEADER.unpack(data[:HEADER_SIZE])
    if magic != b"WATC" or version != 1 or flags > 1 or reserved != 0:
        raise TokenError("not a token of version 1")
    if n_blocks != 1:
        raise TokenError("an attenuated token, which this client can't present")
    if len(data) != HEADER_SIZE + ROOT_SIZE + (SEED_SIZE if flags else 0):
        raise TokenError("not exactly the length that its header says")
    kind, role, zero, *fields = ROOT.unpack(data[HEADER_SIZE : HEADER_SIZE + ROOT_SIZE])
    if kind != 0 or role > USER or zero != 0:
        raise TokenError("not a root block")
    return Token(kid, role, *fields, seed=data[HEADER_SIZE + ROOT_SIZE :])


def from_text(text):
    prefix, text = text.strip()[:6], text.strip()[6:]
    if prefix not in ("watc1_", "wats1_"):
        raise TokenError("a token begins with watc1_ or wats1_")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise TokenError("not base64url") from error
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise TokenError("not the one encoding of these bytes")
    data, checksum = data[:-4], data[-4:]
    if hashlib.blake2b(data, digest_size=32).digest()[:4] != checksum:
        raise TokenError("mistyped: the checksum is wrong")
    token = decode(data)
    if bool(token.seed) != (prefix == "wats1_"):
        raise TokenError("the prefix and the bytes disagree about the seed")
    return token
