"""helps.py - what the programs say of themselves: --help, watctl help, watd --default-config."""
import itertools
import re
import subprocess

from text import bold, item, line, literal, named, paragraph, paragraphs, plain, sentence, table, underlined


class Programs:
    """The built programs, run without anything of the environment that they might tell of."""

    def __init__(self, watd, watctl):
        self.watd, self.watctl = watd, watctl

    def say(self, program, *arguments):
        path = getattr(self, program)
        said = subprocess.run([path, *arguments], env={}, stdout=subprocess.PIPE, check=True)
        return said.stdout.decode()


def _option(names, value):
    return ", ".join(bold(name) for name in names) + (" " + underlined(value) if value else "")


def watd_options(programs):
    """--name VALUE, what it is, and in brackets what a value may be and its default."""
    out, lines = [], programs.say("watd", "--help").splitlines()
    for i, text in enumerate(lines):
        head = re.fullmatch(r"  --([a-z-]+)(?: (\S+))?", text)
        if not head:
            continue
        help_text = lines[i + 1].strip()
        values = re.fullmatch(r"        \((.*)\)", lines[i + 2])
        body = named(sentence(help_text)) + "."
        if values:
            expected, _, default = values[1].partition("; default ")
            body += f" ({plain(expected)}" + (f"; default {bold(default)})" if default else ")")
        out.append(item(_option(["--" + head[1]], head[2]), body))
    if not out:
        raise SystemExit("watd --help has no options that can be read")
    return "\n".join(out)


OPTION = re.compile(r"  (?:-(\w), |    )--([\w-]+)(?: (\S+))?\s+(\S.*)")


def _watctl_option(match, depth):
    names = ([f"-{match[1]}"] if match[1] else []) + [f"--{match[2]}"]
    return item(_option(names, match[3]), named(sentence(match[4])) + ".", depth)


def _parts(text):
    """usage, alias, summary, details, options, examples of `watctl help COMMAND`."""
    lines = text.splitlines()
    usage = lines.pop(0).removeprefix("usage: watctl ")
    alias = lines.pop(0).removeprefix("   or: watctl ") if lines[0].startswith("   or:") else None
    parts = {"usage": usage, "alias": alias, "Options": [], "Examples": [], "text": []}
    where = "text"
    for each in lines[:-1]:  # the last one says where the rest is
        if each in ("Options", "Examples"):
            where = each
        else:
            parts[where].append(each)
    return parts


def _command(programs, name):
    parts = _parts(programs.say("watctl", "help", name))
    word, _, rest = parts["usage"].partition(" ")
    names = bold(word) + (f" {underlined(rest)}" if rest else "")
    if parts["alias"]:
        names += f"; {bold(parts['alias'])} is the same"
    first, *more = [named(each) for each in paragraphs("\n".join(parts["text"]))]
    out = [item(names, first), *[paragraph(each, 1) for each in more]]
    out += [_watctl_option(OPTION.fullmatch(each), 1) for each in parts["Options"] if each.strip()]
    examples = [each[2:] for each in parts["Examples"] if each.strip()]
    if examples:
        out.append(literal(examples, 1))
    return "\n".join(out)


def _groups(overview):
    """(title, lines) of what stands between the usage and the sentences at the end."""
    for block in re.split(r"\n\n", overview)[1:]:
        title, *lines = block.splitlines()
        if all(each.startswith("  ") for each in lines) and lines:
            yield title, lines


def watctl_commands(programs):
    out = []
    for title, lines in _groups(programs.say("watctl", "help")):
        if OPTION.fullmatch(lines[0]):
            continue
        out.append(f"## {title}\n")
        out += [_command(programs, re.match(r"  ([a-z-]+)", each)[1]) for each in lines]
    if not out:
        raise SystemExit("watctl help has no commands that can be read")
    return "\n".join(out)


def watctl_options(programs):
    out = []
    for _, lines in _groups(programs.say("watctl", "help")):
        if OPTION.fullmatch(lines[0]):
            out += [_watctl_option(OPTION.fullmatch(each), 0) for each in lines]
    if not out:
        raise SystemExit("watctl help has no options that can be read")
    return "\n".join(out)


def watctl_exits(programs):
    said = " ".join(programs.say("watctl", "help").split())
    codes = re.findall(r"(\d+) (.*?)(?:, (?=\d+ )|\.$)", said.partition("Exit: ")[2])
    if len(codes) < 2:
        raise SystemExit("watctl help has no exit codes that can be read")
    return "\n".join(item(bold(code), plain(sentence(text)) + ".") for code, text in codes)


def _blocks(programs):
    return [each.splitlines() for each in programs.say("watd", "--default-config").split("\n\n")]


def _comment(lines):
    return " ".join(each[2:] if each.startswith("# ") else "" for each in lines)


def config_places(programs):
    """Which files are read."""
    return paragraph(named(" ".join(each[1:].strip() for each in _introduction(programs)[1])))


def config_applied(programs):
    """The words that say when a change is applied."""
    rows = [each[1:].split(None, 1) for each in _introduction(programs)[-1] if each.startswith("#   ")]
    return table([None] + [[bold(word), plain(text)] for word, text in rows])


def _introduction(programs):
    """The paragraphs, in lines, in front of the first section; the first is what NAME says."""
    return [list(lines) for blank, lines in itertools.groupby(_blocks(programs)[0], lambda each: each == "#") if not blank]


def _key(lines):
    setting = re.fullmatch(r"#( ?)([a-z-]+) = (.*)", lines[-1])
    about = re.fullmatch(r"(.*) \((.*); (reload|restart|spawn)\)", _comment(lines[:-1]))
    if not setting or not about:
        raise SystemExit(f"watd --default-config: can't be read as a key: {lines}")
    shown = f"{bold(setting[2])} = {underlined(setting[3])}"
    kind = " This is an example; there is no default." if setting[1] else ""
    return item(shown, f"{named(sentence(about[1]))}.{kind} ({plain(about[2])}; {bold(about[3])})")


def config_keys(programs):
    out = []
    for lines in _blocks(programs)[1:]:
        section = re.fullmatch(r"# ?(\[.*\])", lines[-1])
        if section:
            out.append(f"## {section[1]}\n\n" + paragraph(named(_comment(lines[:-1]))))
        else:
            out.append(_key(lines))
    return "\n".join(out)
