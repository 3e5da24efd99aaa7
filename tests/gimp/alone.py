"""What the tests that start and end GIMP themselves share: a home as run-gimp.py makes it, and GIMP
in it."""

import importlib.util
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
_specification = importlib.util.spec_from_file_location("run_gimp", HERE / "run-gimp.py")
run_gimp = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(run_gimp)

number = 0
failed = False


class Options:
    """run-gimp.py's, of --plugin X --probe Y --make-models Z; what is not set is not asked for."""

    def __init__(self, *plug_ins):
        words = dict(zip(sys.argv[1:7:2], sys.argv[2:7:2]))
        self.plugin, self.probe = words["--plugin"], words["--probe"]
        self.make_models, self.with_plug_in = words["--make-models"], list(plug_ins)

    def __getattr__(self, _):
        return None


def check(name, good, detail=""):
    global number, failed
    number += 1
    failed |= not good
    print(f"{'ok' if good else 'not ok'} {number} - {name}" + (f": {detail}" if detail else ""),
          flush=True)


def finish(top):
    """The plan, and what GIMP said if something failed."""
    if failed:
        log = (top / "log").read_text(errors="replace").splitlines()
        print("".join(f"# {line}\n" for line in log[-40:]))
    print(f"1..{number}")


def start(top, environment, script):
    command = ["gimp-console-3.0", "-idfs", "--batch-interpreter", "plug-in-script-fu-eval", "-b",
               f"(begin (script-fu-use-v3) {script})", "--quit"]
    with open(top / "log", "a", encoding="utf-8") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT,
                                start_new_session=True)
