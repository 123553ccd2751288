"""document.py - a document as somebody who follows it reads it: the blocks of code in order.

  ```console        `$ ` begins a command, `> ` continues it, `# ` is root's, `elsewhere$ ` another machine's; the lines below
                    are what it prints. Three dots stand for anything, on a line of their own for any number of lines.
  ```sh             commands, one a line, whose output nobody shows
  ```c NAME         a file of that name"""
import re

PROMPTS = {"$ ": "user", "# ": "root", "elsewhere$ ": "elsewhere"}


class Command:
    def __init__(self, who, text, line):
        self.who, self.text, self.line, self.shown = who, text, line, []

    @property
    def must_fail(self):
        """watctl says what went wrong, on a line of its own."""
        return any(re.match(r"watctl: [A-Z_]+: ", each) for each in self.shown)


class File:
    def __init__(self, name, text, line):
        self.name, self.text, self.line = name, text, line


def _console(lines, first):
    commands = []
    for i, each in enumerate(lines):
        prompt = next((prompt for prompt in PROMPTS if each.startswith(prompt)), None)
        if prompt:
            commands.append(Command(PROMPTS[prompt], each.removeprefix(prompt), first + i))
        elif each.startswith("> ") and not commands[-1].shown:
            commands[-1].text += "\n" + each.removeprefix("> ")
        else:
            commands[-1].shown.append(each)
    return commands


def _script(lines, first):
    """Each may print what it likes."""
    commands = [Command("user", each, first + i) for i, each in enumerate(lines) if each.strip()]
    for command in commands:
        command.shown = ["..."]
    return commands


def steps(text, section=None):
    """All of a document, or what stands below one of its headings: Commands and Files."""
    found, inside, fence = [], section is None, None
    for number, each in enumerate(text.splitlines(), 1):
        if fence is None and section and each.startswith("#"):
            inside = each.lstrip("#").strip() == section
        start = re.fullmatch(r"```(\w+)(?: (\S+))?", each)
        if fence is None and start:
            fence, lines, first = start.groups(), [], number + 1
        elif fence and each == "```":
            kind, name = fence
            if inside and name:
                found.append(File(name, "\n".join(lines) + "\n", first))
            elif inside and kind == "console":
                found += _console(lines, first)
            elif inside and kind == "sh":
                found += _script(lines, first)
            fence = None
        elif fence:
            lines.append(each)
    return found


def matches(shown, printed):
    """What a command printed is what the document shows."""
    pattern = []
    for each in shown:
        if each == "...":
            pattern.append(r"(?:.*\n)*?")
        else:
            pattern.append(".*".join(re.escape(part) for part in each.rstrip().split("...")) + r" *\n")
    return re.fullmatch("".join(pattern), printed if printed.endswith("\n") or not printed else printed + "\n") is not None
