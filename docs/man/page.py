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
        "header": headers.header,
        "functions": headers.functions,
        "options": headers.options,
        "cmake": headers.cmake,
        "statuses": headers.statuses,
        "markdown": markdown.page,
    }
    if what in from_programs:
        return from_programs[what](programs)
    if what == "type":
        return headers.c_type(arguments[0], os.path.join(source, arguments[1]))
    return from_files[what](os.path.join(source, arguments[0]))


def main(source, template):
    text = []
    with open(template, encoding="utf-8") as file:
        for line in file:
            wanted = re.fullmatch(r"@\{([\w-]+)((?: \S+)*)\}\n", line)
            text.append(expand(wanted[1], wanted[2].split(), source) if wanted else line)
    text = "".join(text).replace("@VERSION@", os.environ["VERSION"])
    page = subprocess.run([os.environ["SCDOC"]], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    # Rows need not stay together: a long one would fit on no page of a terminal, which has none.
    sys.stdout.buffer.write(re.sub(rb"(?m)^\.TS\n", b".TS\nnokeep;\n", page))


if __name__ == "__main__":
    main(*sys.argv[1:])
