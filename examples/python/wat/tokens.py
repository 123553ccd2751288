"""Capability tokens: their bytes, their text, attenuation, and the proof that their holder
presents.

PROTOCOL.md, "Tokens". BLAKE2b is the standard library's, Ed25519 is PyNaCl's.
"""

from __future__ import annotations

import base64
import hashlib
import os
import struct
from dataclasses import dataclass, replace

from nacl.signing import SigningKey

NODE, ADMIN, USER = 0, 1, 2
ROLES = ("a node", "an Admin", "a User")

HEADER = struct.Struct("<4sBBBB8s")
ROOT = struct.Struct("<BBHI16s16s16sQQQQ32s64s")
ATTENUATION = struct.Struct("<BBHIQQQ32s64s")
BLOCKS_MAX = 8


class TokenError(ValueError):
    """Bytes or text that are no token, or a token that is of no use here."""


def hash256(purpose: bytes, data: bytes) -> bytes:
    """B2b256 of the page. The standard library pads the personalization with zeros."""
    return hashlib.blake2b(data, digest_size=32, person=purpose).digest()


def plain_hash(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=32).digest()


UNIX_BINDING = hash256(b"wat.cap.unix.v1", b"watd")
PLAIN_BINDING = hash256(b"wat.cap.plain.v1", b"watd")


def noise_binding(handshake_hash: bytes) -> bytes:
    return hash256(b"wat.cap.noise.v1", handshake_hash)


def interface_hash(service: str, version: int = 0) -> int:
    """Of a service by its full name, of that major version."""
    return int.from_bytes(
        plain_hash(service.encode() + b"\0" + struct.pack("<I", version))[:8], "little"
    )


@dataclass(frozen=True)
class Attenuation:
    """A block that makes a token narrower; signed by the holder before it."""

    index: int
    method_mask: int
    not_before: int
    not_after: int
    holder_pk: bytes
    sig: bytes = bytes(64)

    def encode(self) -> bytes:
        return ATTENUATION.pack(
            1,
            self.index,
            0,
            0,
            self.method_mask,
            self.not_before,
            self.not_after,
            self.holder_pk,
            self.sig,
        )


@dataclass(frozen=True)
class Token:
    """The fields of the root block, blocks that make it narrower, and the last holder's seed if it
    is here (b"" if not). Times are Unix seconds."""

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
    attenuations: tuple[Attenuation, ...] = ()

    def __repr__(self) -> str:
        """Without the seed: such texts end up in logs."""
        return f"<Token of {ROLES[self.role]}, grant {self.grant_id.hex()}>"

    def root(self) -> bytes:
        return ROOT.pack(
            0,
            self.role,
            0,
            self.epoch,
            self.node_id,
            self.instance_id,
            self.grant_id,
            self.method_mask,
            self.interface_hash,
            self.not_before,
            self.not_after,
            self.holder_pk,
            self.sig,
        )

    def _encode(self, flags: int) -> bytes:
        head = HEADER.pack(b"WATC", 1, flags, 1 + len(self.attenuations), 0, self.kid)
        return head + self.root() + b"".join(block.encode() for block in self.attenuations)

    def encode(self) -> bytes:
        """Without the seed: what BIND presents."""
        return self._encode(0)

    def encode_with_seed(self) -> bytes:
        return self._encode(1) + self.seed

    def text(self) -> str:
        """With the seed, if it is here: whoever has that line has the capability."""
        data = self.encode_with_seed() if self.seed else self.encode()
        data += plain_hash(data)[:4]
        return ("wats1_" if self.seed else "watc1_") + base64.urlsafe_b64encode(data).rstrip(
            b"="
        ).decode()

    def root_hash(self) -> bytes:
        """th0: what the issuer signs."""
        return hash256(b"wat.cap.root.v1", b"WATC\x01" + self.kid + self.root()[:-64])

    def chain_hash(self) -> bytes:
        """ch of the last block."""
        chain = hash256(b"wat.cap.chain.v1", self.root_hash() + self.sig)
        for block in self.attenuations:
            chain = hash256(b"wat.cap.chain.v1", block_hash(chain, block) + block.sig)
        return chain

    def narrowest(self) -> Token | Attenuation:
        """The last block: its limits are those that hold, its holder is the one that proves."""
        return self.attenuations[-1] if self.attenuations else self

    def with_seed(self, seed: bytes) -> Token:
        """The seed of the last holder's key, which is kept elsewhere, or was made for this
        token."""
        if len(seed) != 32 or bytes(SigningKey(seed).verify_key) != self.narrowest().holder_pk:
            raise TokenError("the seed is not that of the token's holder")
        return replace(self, seed=seed)

    def attenuate(
        self,
        method_mask: int | None = None,
        not_after: int | None = None,
        holder_pk: bytes | None = None,
    ) -> Token:
        """One that can do less, for a key that somebody else made, or for a new one. What is wider
        is an error, as it is for watd."""
        last = self.narrowest()
        mask = last.method_mask if method_mask is None else method_mask
        until = last.not_after if not_after is None else not_after
        if mask & ~last.method_mask or until > last.not_after:
            raise TokenError("an attenuated token can't do more than the one it is made from")
        if not self.seed or len(self.attenuations) + 1 >= BLOCKS_MAX:
            raise TokenError(
                "there is no seed to sign with" if not self.seed else "there are 8 blocks already"
            )
        seed = b"" if holder_pk else os.urandom(32)
        block = Attenuation(
            len(self.attenuations) + 1,
            mask,
            last.not_before,
            until,
            holder_pk or bytes(SigningKey(seed).verify_key),
        )
        message = b"wat-cap-block-v1" + block_hash(self.chain_hash(), block)
        signed = replace(block, sig=SigningKey(self.seed).sign(message).signature)
        return replace(self, seed=seed, attenuations=(*self.attenuations, signed))

    def bind_hash(self, chan_bind: bytes, challenge: bytes, node_id: bytes, slot: int) -> bytes:
        return hash256(
            b"wat.cap.bind.v1",
            chan_bind + challenge + self.chain_hash() + node_id + struct.pack("<Q", slot),
        )

    def prove(self, chan_bind: bytes, challenge: bytes, node_id: bytes, slot: int) -> bytes:
        """The proof for a BIND with the frame id `slot`, good on that connection only."""
        if not self.seed:
            raise TokenError("the token comes without a seed, so nothing can be proved with it")
        message = b"wat-cap-bind--v1" + self.bind_hash(chan_bind, challenge, node_id, slot)
        return SigningKey(self.seed).sign(message).signature

    def check(self, role: int, node_id: bytes, service: str = "") -> None:
        """Refuses what watd would refuse, before anything is sent. `service` "" is any."""
        if self.role != role:
            raise TokenError(
                f"the token is that of {ROLES[self.role]}, and {ROLES[role]} is wanted"
            )
        if self.node_id != node_id:
            raise TokenError("the token is of another node than the one that answers here")
        if service and self.interface_hash != interface_hash(service):
            raise TokenError(f"the token is not for {service}")


def block_hash(chain: bytes, block: Attenuation) -> bytes:
    """th of an attenuation, after what comes before it."""
    return hash256(b"wat.cap.att.v1", chain + block.encode()[:-64])


def decode(data: bytes) -> Token:
    """The one encoding of a token. TokenError."""
    if len(data) < HEADER.size:
        raise TokenError("too short for a token")
    magic, version, flags, n_blocks, reserved, kid = HEADER.unpack(data[: HEADER.size])
    if (
        magic != b"WATC"
        or version != 1
        or flags > 1
        or reserved != 0
        or not 1 <= n_blocks <= BLOCKS_MAX
    ):
        raise TokenError("not a token of version 1")
    end = HEADER.size + ROOT.size + (n_blocks - 1) * ATTENUATION.size
    if len(data) != end + (32 if flags else 0):
        raise TokenError("not exactly the length that its header says")
    kind, role, zero, *fields = ROOT.unpack(data[HEADER.size : HEADER.size + ROOT.size])
    if kind != 0 or role > USER or zero != 0:
        raise TokenError("not a root block")
    blocks = ATTENUATION.iter_unpack(data[HEADER.size + ROOT.size : end])
    attenuations = tuple(_attenuation(i, *block) for i, block in enumerate(blocks, 1))
    return replace(Token(kid, role, *fields), seed=data[end:], attenuations=attenuations)


def _attenuation(
    i: int,
    kind: int,
    index: int,
    zero: int,
    zeros: int,
    mask: int,
    not_before: int,
    not_after: int,
    holder_pk: bytes,
    sig: bytes,
) -> Attenuation:
    if kind != 1 or index != i or zero != 0 or zeros != 0:
        raise TokenError("not an attenuation in its place")
    return Attenuation(index, mask, not_before, not_after, holder_pk, sig)


def from_text(text: str) -> Token:
    """Of a line as watctl prints it. TokenError."""
    prefix, text = text.strip()[:6], text.strip()[6:]
    if prefix not in ("watc1_", "wats1_"):
        raise TokenError("a token begins with watc1_ or wats1_")
    data = from_base64url(text)
    data, checksum = data[:-4], data[-4:]
    if plain_hash(data)[:4] != checksum:
        raise TokenError("mistyped: the checksum is wrong")
    token = decode(data)
    if bool(token.seed) != (prefix == "wats1_"):
        raise TokenError("the prefix and the bytes disagree about the seed")
    return token


def as_token(token: Token | str) -> Token:
    return from_text(token) if isinstance(token, str) else token


def from_base64url(text: str) -> bytes:
    """Unpadded, and the one encoding of those bytes. TokenError."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise TokenError("not base64url") from error
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise TokenError("not the one encoding of these bytes")
    return data
