"""docs/script-fu.md tells every procedure and argument as GIMP knows them; each
has a page of help, and in the menu an icon.

    tests/docs/test-procedures.py ATELIER-PLUG-IN [--update]

GIMP keeps what the plug-in told it of its procedures in the file pluginrc.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import parity

PLUGIN = pathlib.Path(sys.argv[1]).resolve()
PROJECT = pathlib.Path(os.environ["ATELIER_PROJECT"])
PAGE = PROJECT / "docs" / "script-fu.md"
HELP = PROJECT / "docs" / "gimp-help.xml.in"
TYPES = {"gint": "int", "gdouble": "number", "gboolean": "#t or #f",
         "gchararray": "string", "GFile": "file", "GimpImage": "image",
         "GimpRunMode": "run mode", "GimpCoreObjectArray": "vector of drawables",
         "GStrv": "list of strings", "GimpExportOptions": "export options",
         "GimpUnit": "unit", "GimpImageType": "kind of pixels", "GBytes": "bytes"}
RUN_MODES = {"0": "RUN-INTERACTIVE", "1": "RUN-NONINTERACTIVE"}


def expressions(text):
    """Lists, strings and words of GIMP's configuration files."""
    stack = [[]]
    for token in re.findall(r'"(?:\\.|[^"\\])*"|[()]|[^\s()"]+',
                            re.sub(r"^#.*$", "", text, flags=re.M)):
        if token == "(":
            stack.append([])
        elif token == ")":
            stack[-2].append(stack.pop())
        else:
            stack[-1].append(token)
    return stack[0]


def unquote(token):
    return re.sub(r"\\(.)", r"\1", token[1:-1])


def ask_gimp():
    """The expression `(plug-in-def ".../atelier" ...)` of a fresh pluginrc."""
    with tempfile.TemporaryDirectory(prefix="atelier-docs-") as top:
        top = pathlib.Path(top)
        (top / "plug-ins" / "atelier").mkdir(parents=True)
        (top / "gimp").mkdir()
        shutil.copy2(PLUGIN, top / "plug-ins" / "atelier" / "atelier")
        (top / "gimp" / "gimprc").write_text(f'(plug-in-path "{top}/plug-ins")\n')
        subprocess.run(["gimp-console-3.0", "-idfs", "--quit"], timeout=60,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL,
                       env={**os.environ, "HOME": str(top), "LC_ALL": "C.UTF-8",
                            "GIMP3_DIRECTORY": str(top / "gimp")})
        for item in expressions((top / "gimp" / "pluginrc").read_text()):
            if item[0] == "plug-in-def" and item[1].endswith('/atelier"'):
                return item
    raise AssertionError("GIMP did not query the plug-in")


def default(argument):
    kind, rest = argument[3].strip('"'), argument[8:]
    if kind == "GimpRunMode":
        return RUN_MODES.get(rest[0], rest[0])
    if kind in ("gint", "gdouble"):
        low, high, value = (f"{float(x):.10g}" for x in rest)
        return value + ("" if high == "2147483647" else f" ({low} to {high})")
    if kind == "gboolean":
        return "#t" if rest[0] == "1" else "#f"
    if kind == "gchararray":
        return f"`{unquote(rest[0])}`" if rest and len(rest[0]) > 2 else ""
    return ""


def cell(text):
    return unquote(text).replace("|", "\\|").replace("  ", " ")


def table(rows, head, defaults=True):
    middle = " default |" if defaults else ""
    lines = [f"| {head} | type |{middle} what it is |",
             "|---|---|---|" + ("---|" if defaults else "")]
    for row in rows:
        kind = TYPES[row[3].strip('"')]
        value = f" {default(row)} |" if defaults else ""
        lines.append(f"| `{unquote(row[4])}` | {kind} |{value} {cell(row[6])} |")
    return "\n".join(lines)


def describe(procedure):
    rows = [item for item in procedure if isinstance(item, list)]
    path = [unquote(row[1]).replace("<Image>/", "").replace("/", " > ")
            for row in rows if row[0] == "menu-path"]
    label = unquote(procedure[8]).replace("_", "")
    text = ""
    if path:
        text += f"*{path[0]} > {label}*\n\n"
    text += cell(procedure[3]) + ". " + cell(procedure[4]) + "\n\n"
    # Return values come after the arguments, under the same name.
    n_arguments = int([item for item in procedure if isinstance(item, str)][-2])
    rows = [row for row in rows if row[0] == "proc-arg"]
    values = rows[n_arguments:]
    text += table(rows[:n_arguments], "argument")
    if values:
        text += "\n\n" + table(values, "returns", defaults=False)
    return text


def procedures():
    return {unquote(item[1]): item for item in GIMP
            if isinstance(item, list) and item[0] == "proc-def"}


SECTION = re.compile(r"(<!-- procedure ([\w-]+) -->\n\n)(.*?)(\n\n<!-- end -->)", re.S)


def updated(text):
    known = procedures()
    return SECTION.sub(lambda m: m[1] + describe(known[m[2]]) + m[4], text)


def every_procedure_is_told():
    told = [match[2] for match in SECTION.finditer(PAGE.read_text())]
    for name in procedures():
        assert name in told, f"script-fu.md does not tell of {name}"
    for name in told:
        assert name in procedures(), f"there is no procedure {name}"


def told_as_it_is():
    text = PAGE.read_text()
    for was, now in zip(text.splitlines(), updated(text).splitlines()):
        assert was == now, f"script-fu.md says\n{was}\nbut it is\n{now}"


def help_leads_somewhere():
    """Every procedure's help id has a page, and GIMP is told where they are."""
    pages = dict(re.findall(r'id="([\w-]+)" ref="(?:@ELSEWHERE@)?([\w@.#-]+)"',
                            HELP.read_text().replace("@SUFFIX@", ".md")))
    for name in procedures():
        assert name in pages, f"Help on {name} leads nowhere"
    for page in pages.values():
        page, _, anchor = page.partition("#")
        source = PROJECT / "docs" / page
        assert source.exists(), f"there is no {source}"
        assert not anchor or f"({anchor})=" in source.read_text(), anchor
    assert any(isinstance(item, list) and item[0] == "help-def"
               and item[1] == '"atelier"' for item in GIMP), "no help domain"


def menu_entries_have_icons():
    for name, item in procedures().items():
        if any(isinstance(row, list) and row[0] == "menu-path" for row in item):
            icon = f"{name}.svg"
            assert (PROJECT / "data" / "icons" / icon).exists(), f"no {icon}"
            assert icon in (PROJECT / "data" / "meson.build").read_text(), icon


def script_procedures_are_told():
    text = PAGE.read_text()
    for script in (PROJECT / "data" / "scripts").glob("*.scm"):
        for name in re.findall(r'script-fu-register-\w+ "([\w-]+)"',
                               script.read_text()):
            assert f"`{name}`" in text, f"script-fu.md does not tell of {name}"


GIMP = ask_gimp()
if "--update" in sys.argv:
    PAGE.write_text(updated(PAGE.read_text()))
    sys.exit()

sys.argv = sys.argv[:2]
parity.run([
    ("script-fu.md tells of every procedure", every_procedure_is_told),
    ("script-fu.md tells every argument as it is", told_as_it_is),
    ("script-fu.md tells of every script", script_procedures_are_told),
    ("every entry of the menu has an icon", menu_entries_have_icons),
    ("help on every procedure leads to a page", help_leads_somewhere),
])
