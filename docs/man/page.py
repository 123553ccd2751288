"""page.py SOURCE PAGE.scd.in - a manual page on stdout, by scdoc(1). A line @{WHAT ARGUMENT...} in it stands for what is
written elsewhere and said once: the help of the programs, the comments of headers, PROTOCOL.md.

SOURCE is the root of the tree; $WATD, $WATCTL and $SCDOC name the programs, $VERSION the version."""
import os
import re
import subprocess
import sys

import headers
import helps
import markdown


def expand(what, arguments, source):
    programs = helps.Programs(os.environ["WATD"], os.environ["WATCTL"])
    from_programs = {
        "watd-options": helps.watd_options,
        "watctl-commands": helps.watctl_commands,
        "watctl-options": helps.watctl_options,
        "watctl-exits": helps.watctl_exits,
        "config-places": helps.config_places,
        "config-applied": helps.config_applied,
        "config-keys": helps.config_keys,
    }
    from_files = {
        "file": headers.whole,
        "header": headers.header,
        "functions": headers.functions,
        "options": headers.options,
        "cmake": headers.cmake,
        "statuses": headers.statuses,
        "markdown": markdown.page,
    }
    if what in from_programs:
        return from_programs[what](programs)
    from_parts = {"type": headers.c_type, "function": headers.c_function}
    if what in from_parts:
        return from_parts[what](arguments[0], os.path.join(source, arguments[1]))
    return from_files[what](os.path.join(source, arguments[0]))


def main(source, template):
    text = []
    with open(template, encoding="utf-8") as file:
        for line in file:
            wanted = re.fullmatch(r"@\{([\w-]+)((?: \S+)*)\}\n", line)
            text.append(expand(wanted[1], wanted[2].split(), source) if wanted else line)
    text = "".join(text).replace("@VERSION@", os.environ["VERSION"])
    page = subprocess.run([os.environ["SCDOC"]], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    # Names are not divided at the end of a line, but in narrow cells. Rows need not stay together: a long one would fit on no
    # page of a terminal, which has none.
    for what, other in ((rb"^(\.TH .*\n)", rb"\1.nh\n"), (rb"^\.TS\n", b".hy 4\n.TS\nnokeep;\n"), (rb"^\.TE\n", b".TE\n.nh\n")):
        page = re.sub(b"(?m)" + what, other, page)
    sys.stdout.buffer.write(page)


if __name__ == "__main__":
    main(*sys.argv[1:])
