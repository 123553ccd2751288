"""From an address to a stream of frames: the socket, who listens at it, and the handshake."""

from __future__ import annotations

import ipaddress
import os
import pwd
import socket
import struct
import time

from . import noise, tokens
from .address import Address, AddressError
from .frame import CONTROL_BODY_MAX
from .status import EndOfStream
from .stream import Deadline, SecureStream, Stream

PLAIN_GREETING = b"watplain"


def server_uids() -> set[int]:
    """Whom a client signs for on a unix socket."""
    uids = {0, os.geteuid()}
    try:
        uids.add(pwd.getpwnam("watd").pw_uid)
    except KeyError:
        pass
    named = os.environ.get("WAT_SERVER_UID", "")
    return uids | ({int(named)} if named.isdigit() else set())


def check_peer(sock: socket.socket) -> None:
    _, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if uid not in server_uids():
        raise PermissionError(f"the process at this socket runs as uid {uid}, which is not watd's")


def check_loopback(sock: socket.socket) -> None:
    """By the address that was reached, whatever its name was."""
    if not ipaddress.ip_address(sock.getpeername()[0].partition("%")[0]).is_loopback:
        raise AddressError("without encryption only this machine itself can be connected to")


def seconds_left(deadline: Deadline) -> float | None:
    """For settimeout(), to which 0 would be "don't wait"; not None: at least a moment."""
    return None if deadline is None else max(0.001, deadline - time.monotonic())


def dial(address: Address, deadline: Deadline = None) -> tuple[Stream, bytes]:
    """The stream, and what proofs on it are bound to. OSError (TimeoutError too), EndOfStream,
    AddressError: the key is not that server's, or the place may not be connected to."""
    sock = connect(address, deadline)
    try:
        if address.path:
            check_peer(sock)
            return Stream(sock, CONTROL_BODY_MAX), tokens.UNIX_BINDING
        if not address.key:
            check_loopback(sock)
            sock.sendall(PLAIN_GREETING)
            return Stream(sock, CONTROL_BODY_MAX), tokens.PLAIN_BINDING
        return shake_hands(sock, address, deadline)
    except BaseException:
        sock.close()
        raise


def connect(address: Address, deadline: Deadline) -> socket.socket:
    if not address.path:
        sock = socket.create_connection((address.host, address.port), seconds_left(deadline))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(seconds_left(deadline))
        sock.connect(address.path)
    except BaseException:
        sock.close()
        raise
    return sock


def shake_hands(sock: socket.socket, address: Address, deadline: Deadline) -> tuple[Stream, bytes]:
    handshake = noise.Handshake(address.key, os.urandom(noise.KEY_SIZE))
    first = handshake.first()
    sock.sendall(struct.pack("<H", len(first)) + first)
    try:
        (n,) = struct.unpack("<H", read_exactly(sock, 2, deadline))
        if n != noise.MESSAGE_SIZE:
            raise noise.NoiseError(
                "it speaks another version" if n == 0 else "its answer is of another length"
            )
        sending, receiving, hash_ = handshake.finish(read_exactly(sock, n, deadline))
    except noise.NoiseError as error:
        where = f"{address.known_at} has" if address.known_at else "this is"
        raise AddressError(
            f"the server at {address} does not have the key that {where}, or {error}"
        ) from error
    return SecureStream(sock, CONTROL_BODY_MAX, sending, receiving), tokens.noise_binding(hash_)


def read_exactly(sock: socket.socket, n: int, deadline: Deadline) -> bytes:
    data = b""
    while len(data) < n:
        sock.settimeout(seconds_left(deadline))
        got = sock.recv(n - len(data))
        if not got:
            raise EndOfStream
        data += got
    return data
