"""docs/commands.md shows every --help as it is, docs/settings.md every setting
with its values and limits, and docs/atelier.1 names every option and architecture.

    tests/docs/test-reference.py ATELIER --update

writes helps and figures into commands.md and settings.md; what it says about new
settings is then still to be written.
"""

import re
import sys

import parity
import reference

DOCS = reference.PROJECT / "docs"
PRESETS = "quick", "standard", "full"
ARCHS = {"pix2pix": ["unet_256", "resnet_6", "resnet_9", "drunet"],
         "vqvae": ["vqvae", "vqvae2"]}


# --- commands.md ---

HELP = re.compile(r"```text\n\$ atelier ([a-z0-9 -]*?)--help\n(.*?)```", re.S)


def with_helps(text):
    """commands.md with every help in it replaced by what it really is."""
    def replace(match):
        words = match[1].split()
        return (f"```text\n$ atelier {match[1]}--help\n"
                + reference.run(*words, "--help").strip("\n") + "\n```")
    return HELP.sub(replace, text)


def helps_are_shown():
    text = (DOCS / "commands.md").read_text()
    shown = [match[1].split() for match in HELP.finditer(text)]
    for words, _ in reference.helps():
        assert words in shown, f"atelier {' '.join(words)} --help is missing"
    for was, now in zip(HELP.finditer(text), HELP.finditer(with_helps(text))):
        assert was[2] == now[2], f"atelier {was[1]}--help is now:\n{now[2]}"


# --- settings.md ---

TABLE = re.compile(r"<!-- settings ([a-z0-9_ ]+) -->\n\n(.*?)\n\n", re.S)


def parts(kind, preset="standard", arch=None):
    """Settings of training and augmentation, and those of the network."""
    rows = reference.settings(kind, preset, arch)
    split = list(rows).index("load_size") + 1
    return dict(list(rows.items())[:split]), dict(list(rows.items())[split:])


def columns(which):
    """Heads, and {key: (values, allowed)} of a table."""
    if which.startswith("network "):
        kind = which.split()[1]
        heads = ARCHS[kind]
        found = [parts(kind, arch=arch)[1] for arch in heads]
    else:
        kind, heads = which, PRESETS
        found = [parts(kind, preset)[0] for preset in PRESETS]
    keys = dict.fromkeys(key for column in found for key in column)
    # An architecture may know a key and not have it, or have other limits.
    rows = {key: ([column.get(key, ("–",))[0] or "–" for column in found],
                  next(column[key][1] for column in found if key in column))
            for key in keys}
    return list(heads), rows


def table(which, meanings):
    heads, rows = columns(which)
    lines = ["| setting | " + " | ".join(heads) + " | may be | what it is |",
             "|---" * (len(heads) + 3) + "|"]
    for key, (values, allowed) in rows.items():
        lines.append(f"| `{key}` | " + " | ".join(values)
                     + f" | {allowed} | {meanings.get(key, '?')} |")
    return "\n".join(lines)


def meanings_of(text):
    return dict(re.findall(r"^\| `(\w+)` \|.*\| (.*?) \|$", text, re.M))


def with_settings(text):
    return TABLE.sub(lambda match: f"<!-- settings {match[1]} -->\n\n"
                     + table(match[1], meanings_of(match[2])) + "\n\n", text)


def settings_are_told():
    text = (DOCS / "settings.md").read_text()
    shown = [match[1] for match in TABLE.finditer(text)]
    assert shown == ["pix2pix", "vqvae", "network pix2pix", "network vqvae"], shown
    for was, now in zip(text.splitlines(), with_settings(text).splitlines()):
        assert was == now, f"settings.md says\n{was}\nbut it is\n{now}"
    for match in TABLE.finditer(text):
        for key, meaning in meanings_of(match[2]).items():
            assert len(meaning) > 5, f"settings.md does not say what {key} is"


# --- atelier.1 ---

def manual_sections():
    text = (DOCS / "atelier.1").read_text().replace("\\-", "-")
    parts = re.split(r"^\.SS (.*)$", text, flags=re.M)
    return {name.strip('" ').removeprefix("atelier "): body.split("\n.SH")[0]
            for name, body in zip(parts[1::2], parts[2::2])}


def manual_has_every_option():
    sections = manual_sections()
    for words, text in reference.helps():
        if not words:
            continue
        name = " ".join(words).replace(" pix2pix", "")
        assert name in sections, f"atelier.1 has no section {name}"
        told = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", sections[name]))
        for option in reference.options(text):
            if option not in ("-h", "--help"):
                assert option in told, f"atelier.1, {name}: {option} is missing"
        for option in told - set(reference.options(text)):
            usual = "--help", "--resume", "--corrupt", "--set"
            assert option in usual, f"atelier.1, {name}: there is no {option}"


def manual_has_every_architecture():
    told = re.findall(r"\w+", manual_sections()["create"])
    for name in reference.architectures():
        assert name in told, f"atelier.1, create: {name} is missing"


def manual_has_no_other_command():
    names = reference.commands()
    for name in manual_sections():
        assert name.split()[0] in names, f"atelier.1 tells of {name}"


if "--update" in sys.argv:
    for name, change in ("commands.md", with_helps), ("settings.md", with_settings):
        path = DOCS / name
        path.write_text(change(path.read_text()))
    sys.exit()

parity.run([
    ("commands.md shows every help as it is", helps_are_shown),
    ("settings.md tells every setting as it is", settings_are_told),
    ("atelier.1 has every option of every command", manual_has_every_option),
    ("atelier.1 has every architecture", manual_has_every_architecture),
    ("atelier.1 has nothing that is not there", manual_has_no_other_command),
])
