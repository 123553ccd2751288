"""Noise_NK_25519_ChaChaPoly_BLAKE2b, the client's side, and the records after it.

PROTOCOL.md, "Handshake and records"; the names are those of the Noise Protocol Framework, revision
34. X25519 and ChaCha20-Poly1305 are PyNaCl's, BLAKE2b and HMAC the standard library's. Pure.
"""

from __future__ import annotations

import hashlib
import hmac
import struct

from nacl import bindings
from nacl.exceptions import CryptoError

PROLOGUE = b"wat/1" + struct.pack("<I", 1)
PROTOCOL = b"Noise_NK_25519_ChaChaPoly_BLAKE2b"

KEY_SIZE = 32
MESSAGE_SIZE = 48  # of both messages of the handshake: a public key, and the tag of nothing
TAG_SIZE = 16
PLAIN_MAX = 65535 - TAG_SIZE
RECORDS_PER_KEY = 65536
NONCE_END = (1 << 64) - 1


class NoiseError(Exception):
    """Bytes that were not made by the owner of the key, or were changed on their way."""


class Cipher:
    """A CipherState: seals or opens one record after the other."""

    def __init__(self, key: bytes, nonce: int = 0) -> None:
        self.key, self.nonce = key, nonce

    def encrypt(self, plain: bytes, ad: bytes = b"") -> bytes:
        sealed = bindings.crypto_aead_chacha20poly1305_ietf_encrypt(
            plain, ad, self._nonce(), self.key
        )
        self._advance()
        return sealed

    def decrypt(self, sealed: bytes, ad: bytes = b"") -> bytes:
        try:
            plain = bindings.crypto_aead_chacha20poly1305_ietf_decrypt(
                sealed, ad, self._nonce(), self.key
            )
        except CryptoError as error:
            raise NoiseError("what came was not sealed for this place") from error
        self._advance()
        return plain

    def _nonce(self) -> bytes:
        if self.nonce >= NONCE_END:
            raise NoiseError("there are no numbers left; the connection ends")
        return struct.pack("<IQ", 0, self.nonce)

    def _advance(self) -> None:
        self.nonce += 1
        if self.nonce % RECORDS_PER_KEY == 0:
            self.key = bindings.crypto_aead_chacha20poly1305_ietf_encrypt(
                bytes(KEY_SIZE), b"", struct.pack("<IQ", 0, NONCE_END), self.key
            )[:KEY_SIZE]


def hkdf(chaining_key: bytes, material: bytes) -> tuple[bytes, bytes]:
    """Two outputs of 64 bytes."""

    def mac(key: bytes, data: bytes) -> bytes:
        return hmac.new(key, data, hashlib.blake2b).digest()

    temporary = mac(chaining_key, material)
    first = mac(temporary, b"\x01")
    return first, mac(temporary, first + b"\x02")


def exchange(secret: bytes, public: bytes) -> bytes:
    try:
        return bindings.crypto_scalarmult(secret, public)
    except (CryptoError, RuntimeError) as error:
        raise NoiseError("a public key of small order") from error


class Handshake:
    """As the initiator: first(), then finish(second). Makes its ephemeral key of 32 random
    bytes."""

    def __init__(self, server_pk: bytes, ephemeral: bytes, prologue: bytes = PROLOGUE) -> None:
        self._server_pk, self._ephemeral = server_pk, ephemeral
        self._hash = self._chaining_key = PROTOCOL.ljust(64, b"\0")
        self._mix_hash(prologue)
        self._mix_hash(server_pk)

    def _mix_hash(self, data: bytes) -> None:
        self._hash = hashlib.blake2b(self._hash + data).digest()

    def _mix_key(self, material: bytes) -> Cipher:
        self._chaining_key, key = hkdf(self._chaining_key, material)
        return Cipher(key[:KEY_SIZE])

    def first(self) -> bytes:
        """e, es; with an empty payload."""
        public = bindings.crypto_scalarmult_base(self._ephemeral)
        self._mix_hash(public)
        tag = self._mix_key(exchange(self._ephemeral, self._server_pk)).encrypt(b"", self._hash)
        self._mix_hash(tag)
        return public + tag

    def finish(self, second: bytes) -> tuple[Cipher, Cipher, bytes]:
        """e, ee; then what sends, what receives, and the handshake hash. NoiseError: it was not
        made by the owner of the server's key."""
        if len(second) != MESSAGE_SIZE:
            raise NoiseError("not the length of a second message")
        public, tag = second[:KEY_SIZE], second[KEY_SIZE:]
        self._mix_hash(public)
        self._mix_key(exchange(self._ephemeral, public)).decrypt(tag, self._hash)
        self._mix_hash(tag)
        sending, receiving = hkdf(self._chaining_key, b"")
        return Cipher(sending[:KEY_SIZE]), Cipher(receiving[:KEY_SIZE]), self._hash


def seal(cipher: Cipher, plain: bytes) -> bytes:
    """A record: of 1 to 65,519 bytes."""
    return struct.pack("<H", len(plain) + TAG_SIZE) + cipher.encrypt(plain)
