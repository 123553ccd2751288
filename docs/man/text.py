"""text.py - the ways to say something in scdoc(5): plain text, words that stand out, literal blocks, tables."""
import re

# What is typed or called by that name: options, functions, variables of the environment, constants.
NAME = re.compile(r"(?<![\w/.-])(--[a-z][a-z-]*\b|\$[A-Z][A-Z_]+\b|wat_\w+\b|WAT_[A-Z_]+\b)")


def plain(text):
    """Text with nothing in it that scdoc would take for more."""
    return re.sub(r"([\\*_`<>\[\]|~^+#.'-])", _escaped, text)


def _escaped(match):
    # Others mean something only where a line begins, and are escaped there.
    return "\\" + match[1] if match[1] in "\\*_`" else match[1]


def bold(text):
    return f"*{plain(text)}*"


def underlined(text):
    return f"_{plain(text)}_"


def named(text):
    """Plain text with the names of ours, and what stands in `code`, in bold."""
    if "`" in text:
        return "".join(bold(each) if i % 2 else named(each) for i, each in enumerate(text.split("`")))
    out, at = [], 0
    for match in NAME.finditer(text):
        out += [plain(text[at : match.start()]), bold(match[0])]
        at = match.end()
    return "".join(out) + plain(text[at:])


def line(text, depth=0):
    """A line of a paragraph, `depth` tabs in, that begins nothing else."""
    text = " ".join(text.split())
    if text[:1] in "#-.|[]`" or text.startswith(("{", "+")):
        text = "\\" + text
    return "\t" * depth + text


def paragraph(text, depth=0):
    return line(text, depth) + "\n"


def sentence(text):
    """With a capital, unless it begins with what is written in its own way."""
    first = text.split()[0]
    return text if first in ("watd", "watctl") or not first.rstrip(",;:").isalpha() else text[0].upper() + text[1:]


def item(name, text, depth=0):
    """A name, and below it what is said of it."""
    return f"{line(name, depth)}\n{paragraph(text, depth + 1)}"


def _code(text, narrower):
    text = text.expandtabs(8).rstrip()
    if narrower:
        text = re.sub(r"^ {8}", "    ", text)
    return text.replace("\\", "\\\\").replace("`", "\\`")


def literal(lines, depth=0):
    """As it stands. What is in braces moves to the left; what is aligned there stays so."""
    indent = "\t" * depth
    narrower = lines[0].endswith("{")
    body = [indent + _code(each, narrower) for each in lines]
    return "\n".join([indent + "```", *(each if each.strip() else "" for each in body), indent + "```"]) + "\n"


def table(rows):
    """Cells are scdoc already; the first row is the head, None for none. Wide columns share the page."""
    head, *body = rows
    wide = [max((len(row[i]) for row in body), default=0) > 26 for i in range(len(body[0]))]
    lines = []
    for row in ([head] if head else []) + body:
        for i, cell in enumerate(row):
            start = "|" if i == 0 else ":"
            align = "<" if wide[i] else "["
            lines.append(f"{start}{align} {cell}" if cell else f"{start}{align}")
    return "\n".join(lines) + "\n"


def paragraphs(text):
    """The paragraphs of hard-wrapped text, each one line."""
    return [" ".join(each.split()) for each in re.split(r"\n[ \t]*\n", text.strip()) if each.strip()]
