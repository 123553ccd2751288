"""PROTOCOL.md as a test reads it: its blocks of bytes, its tables, its messages.

A block is fenced by ```wat NAME. Each of its lines is `name = value # comment`; a value is hex, with
spaces where one likes, or a text in double quotes. A line that begins with a space continues the one
before.
"""

import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATH = os.path.join(ROOT, "proto", "PROTOCOL.md")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def fenced(text, kind):
    """(what stands behind the kind, content) of each block of that kind."""
    return re.findall(rf"^```{kind}\b *([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def value_of(text):
    if text.startswith('"'):
        return text.strip('"')
    return bytes.fromhex(text)


def entries(content):
    """The lines of a block, in order: (name, value)."""
    lines = [line.split("#")[0].rstrip() for line in content.splitlines()]
    whole = re.sub(r"\n +", " ", "\n".join(lines)).strip()
    pairs = [line.split(" = ", 1) for line in whole.splitlines()]
    return [(name.strip(), value_of(value.strip())) for name, value in pairs]


def blocks(text):
    return {name.strip(): entries(content) for name, content in fenced(text, "wat")}


def table(text, heading):
    """Rows, as lists of cells, of the table whose first column is headed so."""
    rows = []
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {heading} |"):
            next(lines)
            for row in lines:
                if not row.startswith("|"):
                    return rows
                rows.append([cell.strip() for cell in row.strip().strip("|").split("|")])
    raise KeyError(heading)
