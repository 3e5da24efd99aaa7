#!/usr/bin/env python3
"""GIMP is killed while a filter runs: no process stays, the file on disk is as it was, nothing is
left over, and the next GIMP starts and works.

  test-killed.py --plugin ATELIER --probe PROBE --make-models TOOL
"""

import hashlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from alone import Options, check, finish, run_gimp, start


def running(program):
    """Processes of that program that do work."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            if command[0] == str(program).encode() and b"-run" in command:
                found.append(int(process.name))
        except OSError:
            pass
    return found


def wait(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def translate(path, model):
    return f"""(let* ((image (gimp-file-load RUN-NONINTERACTIVE "{path}"))
                      (layers (gimp-image-get-layers image)))
                 (plug-in-atelier-translate #:run-mode RUN-NONINTERACTIVE #:image image
                   #:drawables layers #:model "{model}")
                 (gimp-file-save RUN-NONINTERACTIVE image "{path}" -1))"""


def test(top, options):
    environment = run_gimp.prepare(top, options)
    plugin = top / "plug-ins" / "atelier" / "atelier"
    picture, small = top / "picture.png", top / "small.png"
    subprocess.run(["convert", "-size", "1500x1500", "plasma:", str(picture)], check=True)
    subprocess.run(["convert", "-size", "40x30", "plasma:", str(small)], check=True)
    before = hashlib.sha256(picture.read_bytes()).hexdigest()
    names = {path.name for path in top.iterdir()} | {"cache", "log"}

    gimp = start(top, environment, translate(picture, "heavy"))
    begun = wait(lambda: running(plugin) or gimp.poll() is not None, 120)
    check("the filter has begun", begun and gimp.poll() is None)
    time.sleep(1)
    gimp.send_signal(signal.SIGKILL)
    gimp.wait()
    at = time.monotonic()
    ended = wait(lambda: not running(plugin), 20)
    check("the plug-in ends by itself", ended, f"after {time.monotonic() - at:.1f} s")
    for process in running(plugin):
        os.kill(process, signal.SIGKILL)
    check("the file on disk is untouched",
          hashlib.sha256(picture.read_bytes()).hexdigest() == before)
    left = {path.name for path in top.iterdir()} - names
    left = {name for name in left if not name.startswith(("gimp", ".cache", ".local", ".config"))}
    check("nothing is left over", not left, ", ".join(sorted(left)))

    before = hashlib.sha256(small.read_bytes()).hexdigest()
    gimp = start(top, environment, translate(small, "resnet"))
    check("the next GIMP starts and ends", gimp.wait(timeout=120) == 0)
    check("and the filter works in it",
          hashlib.sha256(small.read_bytes()).hexdigest() != before)
    finish(top)


def main():
    with tempfile.TemporaryDirectory(prefix="atelier-gimp-") as top:
        test(pathlib.Path(top), Options("file-png"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
