#!/usr/bin/python3
"""Uses a counter like counter-client.c does: adds 1 many times without waiting, then reads.

  counter.py TOKEN-FILE [TIMES] [--address ADDRESS]

The address is a socket's path or wat://KEY@HOST:PORT; without one it is $WAT_SOCKET, else the
default socket. Whatever dies meanwhile, each call is made once, or the program says that it can't
know.
"""

import argparse
import sys

import wat


def add(counter: wat.User, times: int) -> None:
    """Sends all, then takes the answers; send() waits by itself when 256 are open."""
    pending = [counter.send("Increment", n=1) for _ in range(times)]
    for call in pending:
        call.result()


def use(arguments: argparse.Namespace) -> None:
    token = wat.read_token(arguments.token_file)
    with wat.connect(arguments.address) as client:
        with client.user(token, service="counter.Counter") as counter:
            add(counter, arguments.times)
            value = counter.call("Get")["value"]
    print(f"added 1 {arguments.times} times; the value is {value}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Adds to a counter.")
    parser.add_argument("token_file", metavar="TOKEN-FILE")
    parser.add_argument("times", metavar="TIMES", type=int, nargs="?", default=1)
    parser.add_argument("--address", help="a socket's path or wat://KEY@HOST:PORT")
    try:
        use(parser.parse_args())
    except wat.WatError as error:
        print(f"counter.py: {error}", *error.causes(), sep="\n  ", file=sys.stderr)
        return 1
    except (OSError, ValueError, wat.ProtocolError) as error:
        print(f"counter.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
