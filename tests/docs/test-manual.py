"""The manual and the other documents by themselves: links lead somewhere, and what
is meant to be bold becomes so."""

import re

import parity
import reference

DOCUMENTS = sorted([*reference.PROJECT.glob("*.md"),
                    *(reference.PROJECT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^()\s]+)\)")


def prose(path):
    """A document without what stands in it as code."""
    text = path.read_text()
    text = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    text = re.sub(r"^    .*$", "", text, flags=re.M)
    return re.sub(r"`[^`\n]*`", "", text)


def slug(heading):
    """As GitHub and myst-parser name a section."""
    heading = re.sub(r"[*`]|\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")


def anchors(path):
    text = path.read_text()
    return {slug(h) for h in re.findall(r"^#+ (.+)$", text, re.M)} \
        | set(re.findall(r"^\(([\w-]+)\)=$", text, re.M))


def links_lead_somewhere():
    for path in DOCUMENTS:
        for link in LINK.findall(prose(path)):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = path.parent / name if name else path
            assert target.exists(), f"{path.name}: {link}"
            assert not anchor or anchor in anchors(target), f"{path.name}: {link}"


def chapters_are_listed():
    for index in DOCUMENTS:
        if index.name != "index.md":
            continue
        listed = re.findall(r"^([\w-]+)$", index.read_text(), re.M)
        there = {p.stem for p in index.parent.glob("*.md")} - {"index"}
        assert set(listed) == there, (index, there ^ set(listed))


def pictures_are_shown():
    shown = {(path.parent / link.partition("#")[0]).resolve()
             for path in DOCUMENTS for link in LINK.findall(path.read_text())}
    for path in (reference.PROJECT / "docs").rglob("images/*"):
        assert path.resolve() in shown, f"{path}: nobody shows it"


def bold_is_bold():
    """Beside Chinese there are no spaces, and then a mark counts only if no
    punctuation is at its inner side."""
    try:
        from markdown_it import MarkdownIt
    except ImportError:
        raise parity.Skip("needs markdown-it-py, which comes with myst-parser")
    for path in DOCUMENTS:
        html = re.sub(r"<(code|pre)\b.*?</\1>", "", MarkdownIt().render(
            path.read_text()), flags=re.S)
        left = re.search(r".{0,20}\*\*.{0,20}", html)
        assert not left, f"{path}: {left.group()}"


parity.run([
    ("links lead to files and sections that are there", links_lead_somewhere),
    ("every chapter is listed", chapters_are_listed),
    ("every picture is shown", pictures_are_shown),
    ("what is meant to be bold becomes so", bold_is_bold),
])
