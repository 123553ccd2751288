"""Where a watd is: a unix socket, or wat://KEY@HOST:PORT; and the file of daemons whose keys are
known."""

from __future__ import annotations

import os
import pwd
import re
from dataclasses import dataclass

from .noise import KEY_SIZE
from .tokens import TokenError, from_base64url

SECURE, PLAIN = "wat://", "wat+insecure://"
PLACE = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^\[\]:@/?#\s]+)):(?P<port>[0-9]{1,5})"
)


class AddressError(ValueError):
    """An address that is none, or the key of another daemon than the one that is known."""


@dataclass(frozen=True)
class Address:
    """A unix socket (`path`), or a place on the network; with `key` "" there is no encryption."""

    path: str = ""
    host: str = ""
    port: int = 0
    key: bytes = b""
    known_at: str = ""  # file:line that the key comes from

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.path or f"{host}:{self.port}"


def parse(text: str | None = None) -> Address:
    """None: $WAT_SOCKET, else the default socket. A place whose key is not in the address gets
    that of known_daemons. AddressError."""
    text = text or os.environ.get("WAT_SOCKET") or default_socket()
    if not text.startswith((SECURE, PLAIN)):
        return Address(path=text.removeprefix("unix:"))
    address, has_key = parse_place(text)
    if text.startswith(PLAIN):
        return address
    known = find_known(address)
    if known and has_key and known.key != address.key:
        raise AddressError(
            f"{known.known_at} has another key for {address} than this address; if the daemon's "
            "key was changed on purpose, correct that line"
        )
    if not known and not has_key:
        raise AddressError(
            f"the key of {address} is not known here; use the address that watd --print-address "
            f"prints there, or put it on a line of {known_daemons()}"
        )
    return known or address


def parse_place(text: str) -> tuple[Address, bool]:
    """And whether the key stands in it."""
    is_plain = text.startswith(PLAIN)
    rest = text.removeprefix(PLAIN if is_plain else SECURE)
    key_text, at, place = rest.rpartition("@")
    if at and is_plain:
        raise AddressError("without encryption there is no key: wat+insecure://HOST:PORT")
    found = PLACE.fullmatch(place)
    if not found or not 1 <= int(found["port"]) <= 65535:
        raise AddressError(
            f"{text}: expected wat://KEY@HOST:PORT, with an IPv6 address in [brackets]"
        )
    key = parse_key(key_text) if at else b""
    return Address(host=found["v6"] or found["host"], port=int(found["port"]), key=key), bool(at)


def parse_key(text: str) -> bytes:
    try:
        key = from_base64url(text)
    except TokenError:
        key = b""
    if len(key) != KEY_SIZE:
        raise AddressError("the key in front of @ is none: 43 characters of base64url")
    return key


def default_socket() -> str:
    uid = os.geteuid()
    if uid == 0:
        return "/run/watd/watd.sock"
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}"
    return os.path.join(runtime, "watd", "watd.sock")


def data_home() -> str:
    """Where programs of this user keep data; "~" if there is no home."""
    home = os.environ.get("HOME", "")
    if not home.startswith("/"):
        try:
            home = pwd.getpwuid(os.geteuid()).pw_dir
        except KeyError:
            home = "~"
    return os.environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")


def known_daemons() -> str:
    """The file that watctl reads as well: a line for each daemon, its address with the key."""
    return os.environ.get("WAT_KNOWN_DAEMONS") or os.path.join(
        data_home(), "watctl", "known_daemons"
    )


def find_known(wanted: Address) -> Address | None:
    """The address with its key and its line. A line that can't be read is an error, for it might
    be the one that is meant; and so are two keys for one place."""
    path, found = known_daemons(), None
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    for number, line in enumerate(lines, 1):
        entry = parse_line(line.strip(), f"{path}:{number}")
        if not entry or (entry.host.lower(), entry.port) != (wanted.host.lower(), wanted.port):
            continue
        if found and found.key != entry.key:
            raise AddressError(
                f"{entry.known_at}: another key for {wanted} than at {found.known_at}"
            )
        found = found or entry
    return found


def parse_line(line: str, at: str) -> Address | None:
    if not line or line.startswith("#"):
        return None
    try:
        address, has_key = parse_place(line) if line.startswith(SECURE) else (Address(), False)
    except AddressError as error:
        raise AddressError(f"{at}: {error}") from None
    if not has_key:
        raise AddressError(f"{at}: expected wat://KEY@HOST:PORT")
    return Address(host=address.host, port=address.port, key=address.key, known_at=at)
