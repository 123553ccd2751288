"""Somebody on the way: a TCP relay that keeps all that passes, and may change it. One thread of its own."""

import socket
import threading


class Relay:
    """To one place. `change(n, is_up, at, data)` is what becomes of bytes
    of the n-th connection, on the way up to the server or down, of which `at` came before; None cuts it."""

    def __init__(self, place, change=None):
        host, _, port = place.rpartition(":")
        self.place = (host, int(port))
        self.change = change or (lambda n, is_up, at, data: data)
        self.seen = []      # (up, down) of each connection
        self.socks = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.threads = []
        self.start(self.accept)

    def start(self, what, *arguments):
        self.threads.append(threading.Thread(target=what, args=arguments))
        self.threads[-1].start()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            server = socket.create_connection(self.place)
            self.socks += [client, server]
            seen = (bytearray(), bytearray())
            self.seen.append(seen)
            for is_up, source, sink in ((True, client, server), (False, server, client)):
                self.start(self.pass_on, len(self.seen) - 1, is_up, source, sink, seen[0 if is_up else 1])

    def pass_on(self, n, is_up, source, sink, seen):
        try:
            while data := source.recv(65536):
                changed = self.change(n, is_up, len(seen), data)
                seen += data
                if changed is None:
                    break
                sink.sendall(changed)
        except OSError:
            pass
        for sock in (source, sink):
            try:
                sock.shutdown(socket.SHUT_RDWR if sock is source else socket.SHUT_WR)
            except OSError:
                pass

    def close(self):
        """When both ends have gone."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        while self.threads:
            self.threads.pop(0).join()
        for sock in self.socks:
            sock.close()
