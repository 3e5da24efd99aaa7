"""What the tests of the documents share: what the command says of itself."""

import os
import pathlib
import re
import subprocess
import sys

COMMAND = os.path.abspath(sys.argv[1])
PROJECT = pathlib.Path(os.environ["ATELIER_PROJECT"])
# Sub-commands with another form, which has options of its own.
VARIANTS = {"bench": [["bench"], ["bench", "--train", "pix2pix"]]}


def run(*args):
    """stdout of `atelier ARGS`, in English."""
    done = subprocess.run([COMMAND, *args], capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, f"atelier {' '.join(args)}: {done.stderr.strip()}"
    return done.stdout


def commands():
    """Names of all sub-commands, in the order of `atelier --help`."""
    listed = run("--help").split("Commands:\n")[1].split("\n\n")[0]
    return re.findall(r"^  ([a-z]+) ", listed, re.M)


def helps():
    """(words before --help, text) of every help there is."""
    yield [], run("--help")
    for name in commands():
        for words in VARIANTS.get(name, [[name]]):
            yield words, run(*words, "--help")


def architectures():
    """What `--arch` may be, of which the command itself has a list."""
    try:
        run("create", "--arch", "?", "-o", "x.safetensors")
    except AssertionError as refused:
        return re.findall(r"\w+", str(refused).split("choose one of ")[1])
    raise AssertionError("atelier create --arch ? is not refused")


def options(text):
    """Every option of a help's text: "-m", "--model", ..."""
    found = []
    for line in re.findall(r"^  (-\S.*)", text, re.M):
        names = re.split(r"\s{2,}", line)[0]
        found += re.findall(r"(?:^|, )(--?[a-z][\w-]*)", names)
    return list(dict.fromkeys(found))


def settings(kind, preset, arch=None):
    """{key: (value, what it may be)} of `atelier train KIND --settings`."""
    text = run("train", kind, "--settings", "--preset", preset,
               *(["--arch", arch] if arch else []))
    lines = re.findall(r"^  (\w+)=(\S*) +(.*)$", text, re.M)
    assert len(lines) > 20, text
    return {key: (value, allowed) for key, value, allowed in lines}
