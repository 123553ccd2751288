"""Token files: a line with a token, and watctl's keyring of such files."""

from __future__ import annotations

import os
import tempfile

from . import tokens
from .address import data_home


def read_token(path: str | os.PathLike[str]) -> tokens.Token:
    """OSError, TokenError (which names the file)."""
    with open(path, encoding="ascii", errors="replace") as file:
        text = file.read(4096)
    try:
        return tokens.from_text(text)
    except tokens.TokenError as error:
        raise tokens.TokenError(f"{os.fspath(path)}: {error}") from error


def read_seed(path: str | os.PathLike[str]) -> bytes:
    """A holder's key, for a token that comes without: 32 bytes."""
    with open(path, "rb") as file:
        seed = file.read(33)
    if len(seed) != 32:
        raise tokens.TokenError(f"{os.fspath(path)}: a holder's key has 32 bytes")
    return seed


def write_token(path: str | os.PathLike[str], token: tokens.Token | str) -> None:
    """Mode 0600, whole or not at all."""
    text = token if isinstance(token, str) else token.text()
    folder = os.path.dirname(os.path.abspath(path))
    fd, temporary = tempfile.mkstemp(prefix=".token-", dir=folder)
    try:
        with os.fdopen(fd, "w", encoding="ascii") as file:
            file.write(text.strip() + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


class Keyring:
    """What watctl keeps: NODE/INSTANCE/admin.token and NODE/INSTANCE/users/USER.token."""

    def __init__(self, path: str | None = None) -> None:
        """None: $WAT_KEYRING, else watctl in the user's data directory."""
        self.path = path or os.environ.get("WAT_KEYRING") or os.path.join(data_home(), "watctl")

    def admin(self, node_id: bytes, instance: str) -> tokens.Token:
        return read_token(os.path.join(self.path, node_id.hex(), instance, "admin.token"))

    def user(self, node_id: bytes, instance: str, user: str) -> tokens.Token:
        return read_token(
            os.path.join(self.path, node_id.hex(), instance, "users", f"{user}.token")
        )
