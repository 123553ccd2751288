"""A real watd for a test: a temporary directory, a child process, its sockets.

Nothing waits for a time: readiness comes by sd_notify, the end by the pidfd.
"""

import ctypes
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

BUILD = os.environ["WAT_BUILD_DIR"]
PR_SET_PDEATHSIG = 1


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def free_port():
    """Not one that the kernel gives to somebody who connects, while watd is started again."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Daemon:
    """`address` has, by door, what its clients connect to: "unix" with descriptors, "gate" without, "tcp", and "plain"
    TCP. The gate is started for all but the first."""

    def __init__(self, plugin_dir=None, with_gate=False, arguments=()):
        self.dir = tempfile.mkdtemp(prefix="wat-protocol-")
        self.plugin_dir = plugin_dir or os.path.join(BUILD, "plugins")
        self.arguments = arguments
        self.socket = os.path.join(self.dir, "run", "watd.sock")
        self.admin_socket = os.path.join(self.dir, "run", "admin.sock")
        self.address = {"unix": self.socket}
        self.place = f"127.0.0.1:{free_port()}" if with_gate else None
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(os.path.join(self.dir, "notify"))
        self.process = None

    def start(self):
        environment = dict(os.environ, NOTIFY_SOCKET=os.path.join(self.dir, "notify"))
        with open(os.path.join(self.dir, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(BUILD, "bin", "watd"), "--state-dir", os.path.join(self.dir, "state"),
                 "--runtime-dir", os.path.join(self.dir, "run"), "--plugin-dir", self.plugin_dir,
                 "--log-level", "debug", *self.arguments, *self.gate_arguments()],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, preexec_fn=die_with_parent)
        if not self.becomes_ready():
            raise RuntimeError("watd did not get ready:\n" + self.log())
        if self.place:
            self.read_addresses()
        return self

    def gate_arguments(self):
        """The port is the same after a restart."""
        self.gate_socket = os.path.join(self.dir, "run", "gate.sock")
        return ["--listen", self.place, "--gate-socket", self.gate_socket, "--insecure-loopback", "yes"] if self.place else []

    def read_addresses(self):
        told = re.findall(r"listening address=(wat://\S+)", self.log())[-1]
        self.place = told.partition("@")[2]
        self.address |= {"tcp": told, "gate": self.gate_socket, "plain": f"wat+insecure://{self.place}"}

    def gate(self):
        """The process of watd-gate."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as children:
            for pid in map(int, children.read().split()):
                with open(f"/proc/{pid}/comm", encoding="ascii") as name:
                    if name.read() == "watd-gate\n":
                        return pid
        raise ProcessLookupError("watd-gate")

    def becomes_ready(self):
        pidfd = os.pidfd_open(self.process.pid)
        poll = select.poll()
        poll.register(self.notify, select.POLLIN)
        poll.register(pidfd, select.POLLIN)
        try:
            while True:
                if [fd for fd, _ in poll.poll() if fd != pidfd]:
                    if b"READY=1" in self.notify.recv(4096):
                        return True
                else:
                    return False
        finally:
            os.close(pidfd)

    def log(self):
        with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def end(self, how):
        self.process.send_signal(how)
        code = self.process.wait()
        self.process = None
        return code

    def kill(self):
        self.end(signal.SIGKILL)

    def terminate(self):
        return self.end(signal.SIGTERM)

    def close(self):
        if self.process:
            self.end(signal.SIGKILL)
        self.notify.close()
        if os.environ.get("WAT_TEST_LOG"):
            print(self.log())
        shutil.rmtree(self.dir)

    def watctl(self, *arguments):
        """What it prints; it must succeed."""
        done = subprocess.run(
            [os.path.join(BUILD, "bin", "watctl"), "-s", self.socket, *arguments], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, env=dict(os.environ, WAT_KEYRING=os.path.join(self.dir, "keyring")))
        if done.returncode != 0:
            raise RuntimeError(f"watctl {' '.join(arguments)}: {done.stderr}")
        return done.stdout.strip()

    def admin_token(self, name):
        for folder, _, files in os.walk(os.path.join(self.dir, "keyring")):
            if os.path.basename(folder) == name and "admin.token" in files:
                with open(os.path.join(folder, "admin.token"), encoding="ascii") as file:
                    return file.read()
        raise FileNotFoundError(name)


def open_fds():
    return set(os.listdir("/proc/self/fd"))


class DaemonCase(unittest.TestCase):
    """One watd for a class of cases; each has an instance of its own, and leaves no descriptor open."""

    plugin_dir = None
    arguments = ()
    door = "unix"
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(cls.plugin_dir, cls.door != "unix", cls.arguments)
        cls.addClassCleanup(cls.daemon.close)
        cls.daemon.start()

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[-1].replace("_", "-")[:63]
        before = len(open_fds())
        # Cleanups run in reverse: this one last.
        self.addCleanup(lambda: self.assertEqual(len(open_fds()), before, "descriptors are left open"))

    @property
    def address(self):
        return self.daemon.address[self.door]

    def kept(self, thing):
        """Closed when the case ends."""
        self.addCleanup(thing.close)
        return thing

    def provision(self, service="counter", user="u"):
        """A User's token for a new instance."""
        self.daemon.watctl("spawn", service, self.name)
        return self.daemon.watctl("provision", self.name, user)


def by_doors(module, *cases, doors=("gate", "tcp")):
    """The same cases by other doors than their own, in a module's globals()."""
    for door in doors:
        for case in cases:
            name = f"{case.__name__}By{door.title()}"
            module[name] = type(name, (case,), {"door": door, "__module__": case.__module__})
