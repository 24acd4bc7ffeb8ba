#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds three rules that clang-format does not know:

- no line of C is longer than 100 columns, comments included;
- a comment behind a declaration fits on its line: a longer one stands above;
- each prototype in a header has a contract: a comment directly above it, or above the group that it stands in.

Then proves itself on planted violations.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = "algo base bench cli dist examples io serve tests train".split()
CONTRACTS = "algo base dist io serve train".split()
COLUMNS = 100
BEHIND = re.compile(r"^\s*[^\s*/].*?/\*(?!.*\*/)")  # code, and a comment that ends on a later line
ALONE = re.compile(r"^\s+[\w\[\]*]+[;,] */\*")  # a name alone on its line, as its comment takes the room
TYPE = re.compile(r"^\s+(const |unsigned |struct |enum )*\w+$")
DEFINE = re.compile(r"^#define \w+ *\\$")  # its value on the next line, for the same reason
END = re.compile(r";\s*(/\*.*)?$")
STRING = re.compile(r'"[^"]*"')


def lines_of(text):
    for number, line in enumerate(text.splitlines(), 1):
        yield number, line


def columns(text):
    for number, line in lines_of(text):
        if len(line) > COLUMNS and '"' not in line:
            yield number, "%d columns" % len(line)


def behind(text):
    before = ""
    for number, line in lines_of(text):
        if BEHIND.match(STRING.sub('""', line)):
            yield number, "a comment behind code goes on on the next line"
        elif ALONE.match(line) and TYPE.match(before) or "/*" in line and DEFINE.match(before):
            yield number, "a comment splits a declaration"
        before = line


def contracts(text):
    """A prototype: from a line that begins in column 1 to the ';'."""
    before = said = ""  # what stands above; whether its group has a contract
    inside = False
    for number, line in lines_of(text):
        if inside:
            inside = not END.search(line)
        elif re.match(r"^[a-z][\w \*]*[ \*]\w+\(", line) and not re.match(r"^(static|typedef|return)\b", line):
            said = said if before == "prototype" else before == "comment"
            if not said:
                yield number, "no contract above: %s" % line.strip()
            inside = not END.search(line)
            before = "prototype"
        elif line.rstrip().endswith("*/"):
            before = "comment"
        elif not re.match(r"^( \*|/\*|__attribute__)", line):
            before = ""


def check(name, text):
    rules = [columns, behind]
    if name.endswith(".h") and name.split("/")[0] in CONTRACTS:
        rules.append(contracts)
    return ["%s:%d: %s" % (name, *found) for rule in rules for found in rule(text)]


PLANTED = {
    "io/planted.c": ["/* %s */\n" % ("long " * 20), "int a; /* goes\n        on */\n",
                     "    size_t\n        wide; /* takes the room */\n", "#define A \\\n    1 /* takes it */\n"],
    "io/planted.h": ["int km_planted(void);\n", "/* of another */\nint a;\nint km_planted(int x,\n               int y);\n",
                     "/* a group */\nint km_a(void); /* b */\n\nint km_planted(void);\n"],
}
FINE = """/* A contract. */
int km_a(int x,
         int y);
int km_b(void); /* of the same group */

/*
 * Another one.
 */
struct km_c *km_c(void);
"""


def main():
    files = [p for folder in FOLDERS for p in sorted((ROOT / folder).rglob("*.[ch]"))]
    if len(files) < 20:
        return "found only %d source files: wrong folder?" % len(files)
    bad = [line for p in files for line in check(str(p.relative_to(ROOT)), p.read_text())]
    if bad:
        return "\n".join(bad)
    for name, texts in PLANTED.items():
        for text in texts:
            if not check(name, text):
                return "planted, and nobody noticed: %r" % text
    if check("io/fine.h", FINE):
        return "a header as it should be is refused: %s" % check("io/fine.h", FINE)
    print("%d files: %d planted violations were caught" % (len(files), sum(map(len, PLANTED.values()))))


sys.exit(main())
