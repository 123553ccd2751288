"""What docs/first-steps.md, docs/debugging.md and README.md show is what happens: every command is run, in order, and prints
what stands below it. A stranger has what is installed in a directory of his own; root's commands go to a root directory that is
not the machine's. And what documents point to is there. rows 108, 118
"""
import glob
import os
import re
import secrets
import shutil
import signal
import tempfile
import unittest

import document
from shell import Shell

SOURCE, BUILD, HERE = os.environ["SOURCE"], os.environ["BUILD"], os.path.dirname(os.path.abspath(__file__))


def read(*parts):
    with open(os.path.join(SOURCE, *parts), encoding="utf-8") as file:
        return file.read()


class Stranger(unittest.TestCase):
    """A home, a checkout that is built, and nothing of the machine's configuration."""

    def setUp(self):
        self.work = os.path.realpath(tempfile.mkdtemp(prefix="w-"))
        self.addCleanup(shutil.rmtree, self.work)
        self.home, self.root, self.checkout = (self.make(name) for name in ("home", "root", "checkout"))
        os.symlink(BUILD, os.path.join(self.checkout, "build"))
        os.symlink(os.path.join(SOURCE, "Makefile"), os.path.join(self.checkout, "Makefile"))
        # An address of this machine that nobody else has, so that the port may be the one that is shown.
        here = "127." + ".".join(str(1 + secrets.randbelow(254)) for _ in range(3))
        self.instead = {"0.0.0.0": here}
        self.shells = {}

    def make(self, *parts):
        path = os.path.join(self.work, *parts)
        os.makedirs(path)
        return path

    def environment(self, who):
        stand = os.path.join(HERE, "stand")
        # cmake takes a file that was built anew within a second for the one that is installed.
        common = {"HOME": self.home, "PATH": f"{stand}/user:/usr/bin:/bin:/usr/sbin:/sbin", "SOURCE": SOURCE, "CC": os.environ["CC"],
                  "CMAKE_INSTALL_ALWAYS": "1", "CONFIGURATION_DIRECTORY": os.path.join(self.home, "none")}
        if who != "root":
            return common
        # The system's, below another directory.
        sockets = os.path.join(self.root, "run", "watd")
        return common | {"HOME": self.make("root-home"), "DESTDIR": self.root, "ROOT": self.root, "HERE": HERE,
                         "PATH": f"{stand}/root:{self.root}/usr/local/bin:{common['PATH']}",
                         "WAT_SOCKET": os.path.join(sockets, "watd.sock")}

    def shell(self, who):
        who = "user" if who == "elsewhere" else who
        if who not in self.shells:
            self.shells[who] = Shell(self.make("shell-" + who), self.environment(who), self.checkout)
            self.addCleanup(self.shells[who].end)
        return self.shells[who]

    def in_place(self, text):
        for what, other in self.instead.items():
            text = text.replace(what, other)
        return text

    def write(self, step, path):
        name = self.root + self.in_place(step.name) if step.name.startswith("/") else os.path.join(path, step.name)
        os.makedirs(os.path.dirname(name), exist_ok=True)
        with open(name, "w", encoding="utf-8") as file:
            file.write(self.in_place(step.text))

    def obey(self, step):
        status, printed = self.shell(step.who).run(self.in_place(step.text), alone=step.who == "elsewhere")
        where = f"line {step.line}: {step.text}"
        shown = [self.in_place(each) for each in step.shown]
        self.assertTrue(document.matches(shown, printed), f"{where}\n--- shown\n" + "\n".join(shown) + f"\n--- printed\n{printed}")
        self.assertEqual(status != 0, step.must_fail, f"{where}\nended with {status}\n{printed}")

    def follow(self, steps):
        for step in steps:
            if isinstance(step, document.File):
                self.write(step, self.shell("user").directory())
            else:
                self.obey(step)


class FirstSteps(Stranger):
    def setUp(self):
        super().setUp()
        # Who sysusers adds to.
        os.makedirs(os.path.join(self.root, "etc"))
        for name, line in (("passwd", "root:x:0:0::/:/bin/sh\n"), ("group", "root:x:0:\n")):
            with open(os.path.join(self.root, "etc", name), "w", encoding="utf-8") as file:
                file.write(line)
        os.makedirs(os.path.join(self.root, "var", "lib"))
        self.addCleanup(self.end_service)

    def end_service(self):
        """If it was not stopped."""
        path = os.path.join(self.root, "run", "main.pid")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                os.kill(int(file.read()), signal.SIGKILL)

    def test_all(self):
        steps = document.steps(read("docs", "first-steps.md"))
        self.assertGreater(len(steps), 60)
        self.follow(steps)


class Debugging(Stranger):
    """In a home where watd runs, as first steps leave it."""

    def test_all(self):
        first = document.steps(read("docs", "first-steps.md"))
        ready = next(i for i, step in enumerate(first) if step.text.startswith("watctl status"))
        steps = document.steps(read("docs", "debugging.md"))
        self.assertGreater(len(steps), 20)
        self.follow(first[:ready] + steps)


class Readme(Stranger):
    def test_first_steps(self):
        self.instead["/tmp/w"] = self.work + "/w"
        steps = document.steps(read("README.md"), "First steps")
        self.assertGreater(len(steps), 12)
        whole, section = read("README.md"), read("README.md").partition("## First steps")[2].partition("\n## ")[0]
        self.assertEqual(whole.count("```console"), section.count("```console"), "what is shown elsewhere is not run")
        self.follow(steps)


class Matching(unittest.TestCase):
    """What is compared would be found to differ."""

    def test_lines(self):
        for shown, printed, same in (
                ([], "", True), ([], "x\n", False), (["x"], "", False), (["x"], "x\n", True), (["x"], "x y\n", False),
                (["x..."], "x y\n", True), (["...y"], "x\ny\n", False), (["..."], "", True), (["...", "y"], "a\nb\ny\n", True),
                (["...", "y"], "a\nb\n", False), (["a", "...", "b"], "a\nb\n", True), (["a.c"], "abc\n", False)):
            self.assertEqual(document.matches(shown, printed), same, (shown, printed))

    def test_commands(self):
        steps = document.steps("```console\n$ a\n> b\nx\n# c\n```\n```c d/e.c\nf\n```\n```c\nnone\n```\n")
        self.assertEqual([(each.who, each.text, each.shown) for each in steps[:2]], [("user", "a\nb", ["x"]), ("root", "c", [])])
        self.assertEqual([(each.name, each.text) for each in steps[2:]], [("d/e.c", "f\n")])
        refused = document.steps("```console\n$ a\nwatctl: STALE: no\n```\n")[0]
        self.assertTrue(refused.must_fail)


class Links(unittest.TestCase):
    """What a document points to is there."""

    def test_links(self):
        names = [name for pattern in ("*.md", "docs/**/*.md", "proto/*.md") for name in glob.glob(pattern, root_dir=SOURCE, recursive=True)]
        self.assertIn("README.md", names)
        self.assertIn("docs/first-steps.md", names)
        for name in names:
            text = re.sub(r"(?ms)^```.*?^```", "", read(name))
            for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
                self.assertTrue(os.path.exists(os.path.join(SOURCE, os.path.dirname(name), target)), f"{name}: {target}")

    def test_stability(self):
        """`NAME` in `FILE`: the file has it."""
        found = [(name, file) for row in read("docs", "stability.md").splitlines() if row.startswith("| ")
                 for name, file in re.findall(r"`([^`]+)` (?:and `[^`]+` )?in `([^`]+)`", row)]
        self.assertGreater(len(found), 6)
        for name, file in found:
            self.assertIn(name, read(file), file)

    def test_readme(self):
        """README leads to all that there is to read."""
        shown = read("README.md")
        for name in ("docs/first-steps.md", "docs/debugging.md", "docs/stability.md", "SECURITY.md", "CHANGELOG.md"):
            self.assertIn(f"]({name})", shown)


if __name__ == "__main__":
    unittest.main()
