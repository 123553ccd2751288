"""pages.py - the manual as its readers see it: each page rendered by man(1), and the parts of it. $BUILD has the pages, $SOURCE
is the tree."""
import functools
import os
import re
import subprocess

BUILD, SOURCE = os.environ["BUILD"], os.environ["SOURCE"]
# Wide, so that no word is divided at the end of a line.
VIEW = dict(os.environ, MANWIDTH="2000", LC_ALL="C.UTF-8", MAN_KEEP_FORMATTING="")


def names():
    """watd.8, ...; what is another name of a page is that page."""
    return sorted(each for each in os.listdir(os.path.join(BUILD, "man")) if re.search(r"\.[1-8]$", each))


def path(page):
    return os.path.join(BUILD, "man", page)


def source(*parts):
    with open(os.path.join(SOURCE, *parts), encoding="utf-8") as file:
        return file.read()


@functools.lru_cache(maxsize=None)
def text(page):
    shown = subprocess.run(["man", "--no-hyphenation", "-l", path(page)], env=VIEW, stdout=subprocess.PIPE, check=True)
    return shown.stdout.decode()


def bold(page):
    """What stands out in a page, one piece after the other."""
    with open(path(page), encoding="utf-8") as file:
        return "\n".join(re.findall(r"\\fB(.*?)\\fR", file.read().replace("\\-", "-"), re.S))


def section(shown, title):
    """What stands below a heading, up to the next one."""
    found = re.search(rf"(?ms)^{re.escape(title)}\n(.*?)(?=^\S|\Z)", shown)
    if not found:
        raise AssertionError(f"no section {title}")
    return found[1]


def parts(shown, indent):
    """name: text of the items that stand so many blanks in."""
    found = re.split(rf"(?m)^ {{{indent}}}(?=\S)(.*)\n", shown)
    return dict(zip(found[1::2], found[2::2]))
