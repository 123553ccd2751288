"""A client of watd in Python, made from PROTOCOL.md: standard library and PyNaCl.

    with wat.connect() as client, client.user(wat.read_token("c1.token")) as counter:
        print(counter.call("Increment", n=5)["value"])
"""

from .address import AddressError
from .admin import Admin, Node
from .client import Client
from .keyring import Keyring, read_seed, read_token, write_token
from .scalars import MessageError
from .status import (
    AccessDenied,
    AlreadyExists,
    DeadlineExceeded,
    Disconnected,
    GoneAway,
    NotFound,
    Overloaded,
    PeerDied,
    ProtocolError,
    ServerDied,
    Stale,
    Status,
    Stopped,
    Unavailable,
    WatError,
)
from .tokens import Token, TokenError
from .user import Pending, User

connect = Client

__all__ = [
    "AccessDenied",
    "AddressError",
    "Admin",
    "AlreadyExists",
    "Client",
    "DeadlineExceeded",
    "Disconnected",
    "GoneAway",
    "Keyring",
    "MessageError",
    "Node",
    "NotFound",
    "Overloaded",
    "PeerDied",
    "Pending",
    "ProtocolError",
    "ServerDied",
    "Stale",
    "Status",
    "Stopped",
    "Token",
    "TokenError",
    "Unavailable",
    "User",
    "WatError",
    "connect",
    "read_seed",
    "read_token",
    "write_token",
]
