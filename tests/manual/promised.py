"""promised.py - what there is to be told of, as the programs, libraries and sources have it: not by the texts that the manual is
made of."""
import os
import re
import subprocess

from pages import BUILD, source

KEYS_H = source("daemon", "config", "keys.h")


def keys():
    """section: its keys, of watd.conf."""
    return {name.lower(): set(re.findall(r'K\(\w+,\s+"([\w-]+)"', body))
            for name, body in re.findall(r"(?s)#define CONFIG_(\w+)_KEYS\(K\)(.*?)\n\n", KEYS_H)}


def watd_options():
    table = source("daemon", "supervisor", "options.c").partition("static int parse_arguments")[2].partition("};")[0]
    return keys()["watd"] | set(re.findall(r'\{"([\w-]+)", (?:no|required)_argument', table))


def _completed(*words):
    said = subprocess.run([os.path.join(BUILD, "bin", "watctl"), "__complete", *words], stdout=subprocess.PIPE, check=True)
    return set(said.stdout.decode().split())


def watctl_commands():
    """command: its options, those of every command among them."""
    return {name: {each.removeprefix("--") for each in _completed(name, "--")} for name in _completed("")}


def exported(library):
    """The functions of a library, by its symbols."""
    said = subprocess.run(["nm", "-D", "--defined-only", os.path.join(BUILD, "lib", library)], stdout=subprocess.PIPE, check=True)
    return set(re.findall(r" T (wat_\w+)", said.stdout.decode()))


def callbacks():
    """Types of functions that a program gives to libwat."""
    return set(re.findall(r"typedef void (wat_\w+)\(", source("client", "include", "wat", "raw.h")))


def plugin_macros():
    """What plugin.h defines to be called."""
    said = subprocess.run([os.environ["CC"], "-E", "-dM", "-I", os.path.join(BUILD, "include"), "-x", "c", "-"],
                          input=b"#include <wat/plugin.h>\n", stdout=subprocess.PIPE, check=True)
    return set(re.findall(r"#define (wat_\w+)\(", said.stdout.decode()))


def cmake_functions():
    found = set()
    for name in ("WatPlugin", "WatPluginTest"):
        found |= set(re.findall(r"^function\((wat_add_\w+)", source("cmake", name + ".cmake"), re.M))
    return found


def proto_options():
    bodies = re.findall(r"^message \w+Options \{\n(.*?)^\}", source("proto", "wat", "options.proto"), re.M | re.S)
    return {name for body in bodies for name in re.findall(r"^  (?:repeated )?\w+ (\w+) = \d\d?;", body, re.M)}


def variables(*folders):
    """Of the environment, by who asks for them. Those of a debug build's crash points are no user's."""
    found = set()
    for folder in folders:
        for top, _, files in os.walk(os.path.join(os.environ["SOURCE"], folder)):
            for name in files:
                if name.endswith(".c") and name != "crash_point.c":
                    found |= set(re.findall(r'(?:getenv|set_from_environment)\((?:&\S+ )?"(\w+)"\)', source(top, name)))
    return found
