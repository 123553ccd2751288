"""The manual names every option, command, key, function and variable of the environment that there is, and none that there is
not; man(1) has nothing to say against its pages; what PROTOCOL.md says is in its page. row 108
"""
import os
import re
import subprocess
import tempfile
import unittest

import pages
import promised

# What libsystemd asks for.
BY_LIBSYSTEMD = {"WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}


def options(shown):
    """Of items such as "-s, --socket PATH"."""
    return {found[1] for found in (re.match(r"(?:-\w, )?--([\w-]+)", each) for each in shown) if found}


def commands(shown):
    """command: options, of the page of watctl."""
    found = {}
    for group in pages.parts(pages.section(shown, "COMMANDS"), 3).values():
        for name, body in pages.parts(group, 7).items():
            found[re.match(r"[\w-]+", name)[0]] = options(pages.parts(body, 11))
    return found


def keys(shown):
    return {re.match(r"\[(\w+)", title)[1]: {each.partition(" = ")[0] for each in pages.parts(body, 7) if " = " in each}
            for title, body in pages.parts(pages.section(shown, "KEYS"), 3).items()}


def functions(shown):
    """Of items such as "int wat_free(wat *);" and "wat_fail(call, ...)"."""
    found = re.findall(r"^ {7}(?! )(?:(?:const )?(?:struct )?\w+ \*?)?(wat_\w+)\([^\n]*\);?$", shown, re.M)
    return set(found)


def variables(shown):
    return {each for names in pages.parts(pages.section(shown, "ENVIRONMENT"), 7) for each in names.split(", ")}


class Whole(unittest.TestCase):
    """What is there is told of, and nothing else. Each page is checked once more with a part of it missing, and with one too
    many: who looks at it must notice."""

    def check(self, page, read, wanted, gone, added):
        shown = pages.text(page)
        self.assertTrue(wanted)
        self.assertEqual(read(shown), wanted)
        self.assertIn(gone, shown)
        self.assertNotEqual(read(shown.replace(gone, "       ", 1)), wanted)
        self.assertNotEqual(read(shown.replace(gone, added + gone, 1)), wanted)

    def test_watd_options(self):
        def read(shown):
            return options(pages.parts(pages.section(shown, "OPTIONS"), 7))
        self.check("watd.8", read, promised.watd_options(), "       --log-level LEVEL\n", "       --no-such PATH\n")

    def test_watctl(self):
        common = options(pages.parts(pages.section(pages.text("watctl.1"), "OPTIONS OF EVERY COMMAND"), 7))
        wanted = {name: of_it - common for name, of_it in promised.watctl_commands().items()}
        self.assertTrue(common)
        for of_it in promised.watctl_commands().values():
            self.assertLessEqual(common, of_it)
        self.check("watctl.1", commands, wanted, "       rm NAME [OPTION]...\n", "       melt NAME\n")
        self.check("watctl.1", commands, wanted, "           -f, --force\n", "           --no-such\n")

    def test_keys(self):
        self.check("watd.conf.5", keys, promised.keys(), "       tier = process\n", "       colour = red\n")

    def test_functions(self):
        self.check("libwat.3", functions, promised.exported("libwat.so"), "       void wat_free(wat *);\n",
                   "       void wat_no_such(wat *);\n")
        wanted = promised.exported("libwat-test.so") | promised.plugin_macros() | promised.cmake_functions()
        self.check("wat-plugin.7", functions, wanted, "       wat_now(call)\n", "       wat_no_such(call)\n")

    def test_proto_options(self):
        def read(shown):
            return set(re.findall(r"^ {7}(\w+) \((?:string|bool|uint32|repeated \w+|Durability)\)$",
                                  pages.section(shown, "OPTIONS IN THE .PROTO"), re.M))
        self.check("wat-plugin.7", read, promised.proto_options(), "       later (bool)\n", "       sooner (bool)\n")

    def test_variables(self):
        self.check("watctl.1", variables, promised.variables("client", "proto"), "       WAT_KEYRING\n", "       WAT_NO_SUCH\n")
        self.check("watd.8", variables, promised.variables("daemon") | BY_LIBSYSTEMD, "       CREDENTIALS_DIRECTORY\n",
                   "       WAT_NO_SUCH\n")


class Pages(unittest.TestCase):
    def test_warnings(self):
        """man(1), groff and tbl have nothing to say, in a terminal of 80 columns."""
        self.assertIn("watd.8", pages.names())
        for page in pages.names():
            view = dict(pages.VIEW, MANWIDTH="80")
            said = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", pages.path(page)], env=view,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
            self.assertEqual(said.stderr.decode(), "", page)

    def test_references(self):
        """A page that another one names is there, if it is ours."""
        ours = {re.sub(r"\.(\d)$", r"(\1)", page) for page in pages.names()}
        for page in pages.names():
            for name in re.findall(r"\b((?:wat|libwat|protoc-gen-wat)[\w.-]*\(\d\))", pages.text(page)):
                self.assertIn(name, ours, page)

    def test_options_named(self):
        """An option that a page names in passing is one."""
        known = promised.watd_options() | set().union(*promised.watctl_commands().values())
        # Of protoc, pkg-config, cmake and ctest.
        known |= {"plugin", "wat_out", "c_out", "cflags", "libs", "variable", "build", "test-dir"}
        for page in pages.names():
            for name in re.findall(r"(?<![\w-])--([a-z][\w-]*)", pages.text(page)):
                self.assertIn(name, known, page)

    def test_commands_named(self):
        """A command of watctl that a page names in passing is one."""
        known = set(promised.watctl_commands()) | {"list"}
        for page in pages.names():
            found = re.findall(r"\bwatctl ([a-z][\w-]*)", pages.bold(page))
            self.assertLessEqual(set(found), known, page)

    def test_example(self):
        """The configuration that watd.conf(5) shows is one."""
        lines = pages.section(pages.text("watd.conf.5"), "EXAMPLE").splitlines()
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write("\n".join(each.strip() for each in lines) + "\n")
            file.flush()
            command = [os.path.join(pages.BUILD, "bin", "watd"), "--check-config", "--config", file.name]
            said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(said.returncode, 0, said.stdout)
        self.assertIn(b"instances: 1 - visits\ngrants: web of visits", said.stdout)

    def test_functions_named(self):
        """A function that a page names in passing is one, or of a service."""
        known = promised.exported("libwat.so") | promised.exported("libwat-test.so") | promised.plugin_macros()
        known |= promised.cmake_functions() | promised.callbacks()
        for page in ("libwat.3", "wat-plugin.7"):
            self.assertLessEqual(set(re.findall(r"\b(wat_\w+)\(", pages.text(page))), known, page)


class Protocol(unittest.TestCase):
    """wat-protocol(7) is PROTOCOL.md: no heading, sentence, row or byte is lost on the way."""

    def setUp(self):
        self.shown = re.sub(r"\s+", "", pages.text("wat-protocol.7")).lower()

    def assert_shown(self, text):
        bare = re.sub(r"\s+", "", re.sub(r"\*\*|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)|`", "", text))
        self.assertTrue(bare.lower() in self.shown, text)

    def test_all_there(self):
        title, text = pages.source("proto", "PROTOCOL.md").split("\n", 1)
        self.assertTrue(title.startswith("# "))
        n = 0
        for i, block in enumerate(re.split(r"(?m)^```.*\n", text)):
            for line in block.splitlines():
                for piece in [line] if i % 2 else self.pieces(line):
                    self.assert_shown(piece)
                    n += 1
        self.assertGreater(n, 500)

    @staticmethod
    def pieces(line):
        """A row of a table is one cell beside the other; a | in code is none of its borders."""
        if re.match(r"\|[-|]+$", line):
            return []
        if line.startswith("|"):
            line = re.sub(r"`[^`]*`", lambda code: code[0].replace("|", "\0"), line)
            return [cell.replace("\0", "|") for cell in line.split("|")]
        return [re.sub(r"^(#+|-|\d+\.) ", "", line)]


if __name__ == "__main__":
    unittest.main()
