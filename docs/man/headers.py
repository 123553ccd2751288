"""headers.py - what installed headers, .proto and CMake files say in their comments."""
import re

from text import bold, item, line, literal, named, paragraph, paragraphs, plain, sentence, table

COMMENT = re.compile(r"/\*.*?\*/", re.S)


def _prose(comment):
    """The paragraphs of a comment, without its frame."""
    body = re.sub(r"^/\*|\*/$", "", comment.strip())
    return paragraphs("\n".join(re.sub(r"^ \* ?", "", each) for each in body.splitlines()))


def _tokens(text):
    """("comment" | "macro" | "function" | "type", text) of a header, in its order."""
    text = re.sub(r"(?ms)^#ifdef __cplusplus\n.*?^#endif\n", "", text)
    at = 0
    while at < len(text):
        rest = text[at:]
        blank = re.match(r"\s+", rest)
        comment = COMMENT.match(rest)
        directive = re.match(r"#(?:.*\\\n)*.*\n?", rest)
        # Up to the semicolon that is in no braces and no comment.
        declaration = re.match(r"(?:/\*.*?\*/|\{(?:/\*.*?\*/|[^{}]|\{[^{}]*\})*\}|[^;{])*;(?:[ \t]*/\*.*?\*/)?", rest, re.S)
        found = blank or comment or directive or declaration
        if comment:
            yield "comment", comment[0]
        elif directive:
            macro = re.match(r"#define (wat_\w+\([^)]*\))", directive[0])
            if macro:
                yield "macro", macro[1]
        elif declaration and not blank:
            text_of = declaration[0]
            is_function = re.match(r"(?:WAT_\w+ |const |int |struct )[^{]*\bwat_\w+\s*\(", text_of)
            yield ("function" if is_function else "type"), text_of
        elif not blank:
            raise SystemExit(f"can't be read as C: {rest[:80]!r}")
        at += found.end()


def _signature(text):
    text = re.sub(r"^WAT_\w+ ", "", " ".join(COMMENT.sub("", text).split()))
    return re.sub(r"\( ", "(", text)


def header(path):
    """All of a header: types as they stand, functions and macros with what is said of them behind."""
    first, *tokens = _read(path)
    about, *more = _prose(first[1])
    out = [paragraph(named(each)) for each in [sentence(re.sub(r"^[\w.]+ - ", "", about)), *more]]
    return "\n".join(out + _declarations(tokens))


def functions(path):
    """The functions of a header alone."""
    return "\n".join(_declarations(each for each in _read(path)[1:] if each[0] != "type"))


def _read(path):
    with open(path, encoding="utf-8") as file:
        return list(_tokens(file.read()))


def _declarations(tokens):
    out, comment, names = [], [], []

    def flush():
        said = [named(each) for each in comment]
        if names:
            heads = [line(bold(each)) for each in names]
            out.append(" ++\n".join(heads) + "\n" + paragraph(said.pop(0), 1) if said else " ++\n".join(heads) + "\n")
        out.extend(paragraph(each, 1 if names else 0) for each in said)
        comment.clear()
        names.clear()

    for kind, text in tokens:
        if kind == "comment":
            flush()
            comment.extend(_prose(text))
        elif kind == "type":
            flush()
            out.append(literal(text.splitlines()))
        else:
            names.append(text if kind == "macro" else _signature(text))
    flush()
    return out


def c_type(name, path):
    """The declaration of one struct, as it stands."""
    with open(path, encoding="utf-8") as file:
        found = re.search(rf"(?ms)^struct {re.escape(name)} \{{.*?^\}};\n", file.read())
    if not found:
        raise SystemExit(f"{path} has no struct {name}")
    return literal(found[0].splitlines())


def c_function(name, path):
    """One function, as it stands."""
    with open(path, encoding="utf-8") as file:
        found = re.search(rf"(?ms)^\w[^\n{{}};]*\b{re.escape(name)}\([^{{;]*\)\n\{{.*?^\}}\n", file.read())
    if not found:
        raise SystemExit(f"{path} has no function {name}")
    return literal(found[0].splitlines())


def whole(path):
    """All of a file, as it stands."""
    with open(path, encoding="utf-8") as file:
        return literal(file.read().splitlines())


def options(path):
    """Each option of a .proto for services, with the comment before it."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    out = []
    for level in ("File", "Service", "Method"):
        body = re.search(rf"(?ms)^message {level}Options \{{\n(.*?)^\}}", text)[1]
        out.append(paragraph(f"Of a {level.lower()}, {bold(f'option (wat.{level.lower()})')}:"))
        for comment, kind, name in re.findall(r"((?:  //.*\n)+)  ((?:repeated )?\w+) (\w+) = \d+;", body):
            said = " ".join(each.strip().removeprefix("//").strip() for each in comment.splitlines())
            out.append(item(bold(name) + " " + plain(f"({kind})"), named(said) + _values(text, kind)))
    return "\n".join(out)


def _values(text, kind):
    """" One of ..." for an enum of that file; for a message, what is in it."""
    fields = re.search(rf"(?ms)^message {kind.removeprefix('repeated ')} \{{\n(.*?)^\}}", text)
    if fields:
        inner = [bold(name) + _values(text, of).removesuffix(".").replace(" One", ", one") for of, name in re.findall(r"^  (\w+) (\w+) = \d+;", fields[1], re.M)]
        return f" In it: {'; '.join(inner)}."
    found = re.search(rf"(?ms)^enum {kind.removeprefix('repeated ')} \{{\n(.*?)^\}}", text)
    if not found:
        return ""
    # The first one is what proto3 has where nothing is said.
    values = [bold(each) for each in re.findall(r"^  (\w+) = \d+;", found[1], re.M)][1:]
    return f" One of {', '.join(values)}." if "repeated" not in kind else f" Of {', '.join(values)}."


def cmake(path):
    """The functions that the first comment of a CMake file tells of."""
    with open(path, encoding="utf-8") as file:
        comment = re.match(r"(?:#.*\n)+", file.read())[0]
    out = []
    for each in re.split(r"^# (?=wat_\w+\()", comment, flags=re.M)[1:]:
        name, _, said = each.partition("): ")
        said = paragraphs(re.sub(r"^# ?", "", said, flags=re.M))[0]
        out.append(item(bold(name + ")"), named(sentence(said))))
    if not out:
        raise SystemExit(f"{path} says nothing of its functions")
    return "\n".join(out)


def statuses(path):
    """Rows of WAT_STATUSES: name, number, what it means."""
    with open(path, encoding="utf-8") as file:
        rows = re.findall(r'S\((\w+), (\d+), "(.*?)"\)', file.read())
    return table([None] + [[bold("WAT_" + name), number, plain(text)] for name, number, text in rows])
