"""Examples of Script-Fu in README and manual run as they are pasted, in GIMP.

    tests/docs/test-examples.py ATELIER PLUG-IN

Those that name a user's own files (/home/me) are left out.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import parity
import reference

PLUGIN = pathlib.Path(sys.argv[2]).resolve()
sys.argv = sys.argv[:2]


def examples():
    """(where, code)"""
    for name in "README.md", "README.zh_CN.md":
        text = (reference.PROJECT / name).read_text()
        for block in re.findall(r"(?:^    .*\n|^\n)+", text, re.M):
            if "(script-fu-use-v3)" in block:
                yield name, block
    for page in sorted((reference.PROJECT / "docs").rglob("*.md")):
        for block in re.findall(r"```scheme\n(.*?)```", page.read_text(), re.S):
            if "/home/me" not in block:
                yield page.name, block


def prepare(top):
    models = top / "data" / "atelier" / "models"
    models.mkdir(parents=True)
    (top / "gimp").mkdir()
    (top / "plug-ins" / "atelier").mkdir(parents=True)
    shutil.copy2(PLUGIN, top / "plug-ins" / "atelier" / "atelier")
    reference.run("create", "--arch", "resnet_6", "--set", "ngf=8", "-o",
                  str(models / "ink.safetensors"))
    reference.run("create", "--arch", "vqvae", "--set", "hidden=16", "--set",
                  "stages=3", "-o", str(models / "photo.safetensors"))
    folder = subprocess.check_output(["pkg-config", "--variable=gimplibdir",
                                      "gimp-3.0"], text=True).strip()
    for name in "script-fu", "file-jpeg":
        (top / "plug-ins" / name).symlink_to(f"{folder}/plug-ins/{name}")
    (top / "gimp" / "gimprc").write_text(f'(plug-in-path "{top}/plug-ins")\n')


def runs(code):
    with tempfile.TemporaryDirectory(prefix="atelier-docs-") as top:
        top = pathlib.Path(top)
        prepare(top)
        sample = reference.PROJECT / "data" / "samples" / "osprey.jpg"
        (top / "run.scm").write_text(
            "(script-fu-use-v3)\n(define opened (gimp-file-load RUN-NONINTERACTIVE "
            f'"{sample}"))\n(gimp-image-scale opened 160 90)\n{code}\n'
            f'(close-output-port (open-output-file "{top}/done"))\n')
        done = subprocess.run(
            ["gimp-console-3.0", "-idf", "--batch-interpreter",
             "plug-in-script-fu-eval", "-b", f'(load "{top}/run.scm")', "--quit"],
            capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(top), "LC_ALL": "C.UTF-8",
                 "GIMP3_DIRECTORY": str(top / "gimp"),
                 "XDG_DATA_HOME": str(top / "data")})
        assert done.returncode == 0 and (top / "done").exists(), (
            done.stdout + done.stderr)[-2000:]


cases = [(f"{name}: {block.split('(plug-in-')[-1].split()[0]}",
          lambda block=block: runs(block)) for name, block in examples()]
assert len(cases) > 2, "where have the examples gone?"
parity.run(cases)
