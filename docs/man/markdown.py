"""markdown.py - a page of Markdown as scdoc: headings, paragraphs, lists, tables, blocks of code."""
import re

from text import bold, literal, plain, table, underlined

SPAN = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|\[([^\]]+)\]\([^)]*\)")


def inline(text):
    out, at = [], 0
    for match in SPAN.finditer(text):
        code, strong, emphasis, link = match.groups()
        out.append(plain(text[at : match.start()]))
        out.append(underlined(emphasis) if emphasis else bold(code or strong) if code or strong else plain(link))
        at = match.end()
    return "".join(out) + plain(text[at:])


def _guard(text):
    return "\\" + text if text[:1] in "#-.|[]`" else text


def _cells(row):
    """A | inside of code is no border."""
    row = re.sub(r"`[^`]*`", lambda code: code[0].replace("|", "\0"), row.strip().strip("|"))
    return [inline(cell.strip().replace("\0", "|")) for cell in row.split("|")]


def _table(lines):
    head = _cells(lines[0])
    rows = [_cells(each) for each in lines[2:]]
    return table([[f"*{cell}*" if cell else "" for cell in head] if any(head) else None, *rows])


def _list(lines, numbered):
    """Items, each with the lines that continue it; a list inside of one is not expected."""
    items = []
    for each in lines:
        start = re.match(r"- |\d+\. ", each)
        if start:
            items.append(each[start.end() :])
        else:
            items[-1] += " " + each.strip()
    return "\n".join(f"{'.' if numbered else '-'} {_guard(inline(each))}" for each in items) + "\n"


def _code(lines):
    return literal(lines[1:-1])


def _block(lines):
    if lines[0].startswith("```"):
        return _code(lines)
    if lines[0].startswith("|"):
        return _table(lines)
    if re.match(r"- |\d+\. ", lines[0]):
        return _list(lines, lines[0][0] != "-")
    heading = re.match(r"(#+) (.*)", lines[0])
    if heading:
        level = len(heading[1]) - 1
        # A section of a manual is in capitals; names in it stay as they are written.
        title = heading[2].upper() if level == 1 else heading[2]
        return "#" * level + " " + title.replace("`", "") + "\n"
    return _guard(inline(" ".join(lines))) + "\n"


def _blocks(text):
    block, fenced = [], False
    for each in text.splitlines():
        starts = each.startswith("```") and not fenced
        begins = starts or (not fenced and block and re.match(r"- |\d+\. |\|", each) and not re.match(r"- |\d+\. |\|", block[0]))
        if begins and block:
            yield block
            block = []
        if each.startswith("```"):
            fenced = not fenced
        if each.strip() or fenced:
            block.append(each)
        if block and not fenced and (not each.strip() or each == "```"):
            yield block
            block = []
    if block:
        yield block


def page(path):
    """All of a file but its title."""
    with open(path, encoding="utf-8") as file:
        title, _, text = file.read().partition("\n")
    if not title.startswith("# "):
        raise SystemExit(f"{path} begins with no title")
    return "\n".join(_block(each) for each in _blocks(text))
