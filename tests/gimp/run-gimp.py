#!/usr/bin/env python3
"""Runs a Script-Fu test in a GIMP of its own and prints its TAP.

  run-gimp.py --plugin ATELIER --probe PROBE --make-models TOOL TEST.scm

GIMP gets a fresh home with nothing in it but script-fu, the plug-in and the
probe.  The script writes TAP to a file through prelude.scm; a script that ends
early, or a GIMP that ends with another status than 0, is a failure as well.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent


def install(program, folder):
    folder.mkdir(parents=True)
    shutil.copy2(program, folder / folder.name)


def install_copy(build, top, folder):
    """The folder that `meson install` makes, copied to where it is tried."""
    subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--tags", "plugin",
                    "--destdir", top / "installed"], check=True,
                   stdout=subprocess.DEVNULL)
    program, = (top / "installed").rglob("plug-ins/atelier/atelier")
    shutil.copytree(program.parent, folder)
    shutil.rmtree(top / "installed")


def gimp_folder(variable):
    return pathlib.Path(subprocess.check_output(
        ["pkg-config", f"--variable={variable}", "gimp-3.0"], text=True).strip())


def install_plugin(program, folder):
    """The whole folder of the plug-in, as it is installed."""
    install(program, folder)
    for part in ("scripts", "icons"):
        shutil.copytree(HERE.parent.parent / "data" / part, folder / part)
    for catalogue in pathlib.Path(program).parents[1].glob("po/*/LC_MESSAGES/*.mo"):
        place = folder / "locale" / catalogue.relative_to(catalogue.parents[2])
        place.parent.mkdir(parents=True)
        shutil.copy2(catalogue, place)


def prepare(top, options):
    """The home; returns the environment that GIMP runs in."""
    profile = top / "gimp"
    plug_ins = top / "plug-ins"
    models = top / "data" / "atelier" / "models"
    profile.mkdir()
    models.mkdir(parents=True)
    plug_ins.mkdir()
    for name in ["script-fu", *options.with_plug_in]:
        (plug_ins / name).symlink_to(gimp_folder("gimplibdir") / "plug-ins" / name)
    if options.installed:
        install_copy(options.installed, top, plug_ins / "atelier")
    else:
        install_plugin(options.plugin, plug_ins / "atelier")
    install(options.probe, plug_ins / "probe")
    if options.wrap:
        wrap(plug_ins / "atelier" / "atelier", options.wrap)
    (profile / "gimprc").write_text(f'(plug-in-path "{plug_ins}")\n')
    subprocess.run([options.make_models, models], check=True)
    (top / "elsewhere").mkdir()
    shutil.copy2(models / "grey.safetensors", top / "elsewhere")
    write_profile(top / "wide.icc", 2.2)
    write_profile(top / "linear.icc", 1.0)
    environment = dict(os.environ, HOME=str(top), GIMP3_DIRECTORY=str(profile),
                       XDG_DATA_HOME=str(top / "data"), TMPDIR=str(top),
                       XDG_CACHE_HOME=str(top / "cache"), LC_ALL="C.UTF-8",
                       G_MESSAGES_DEBUG="Atelier")
    if options.language:
        speak(options.language, top, environment)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "G_DEBUG", "ATELIER_MODEL_PATH"):
        environment.pop(name, None)
    return environment


def speak(language, top, environment):
    """GIMP in another language, whose locale is made for it."""
    name = language + ".UTF-8"
    subprocess.run(["localedef", "--no-warnings=ascii", "-i", language, "-f", "UTF-8",
                    top / name], check=True)
    environment.update(LOCPATH=str(top), LC_ALL=name, LANGUAGE=language)


def write_profile(path, gamma):
    """A matrix profile (ICC version 2) with Adobe RGB's primaries."""
    def xyz(*values):
        return b"XYZ \0\0\0\0" + b"".join(
            struct.pack(">i", round(v * 65536)) for v in values)

    description = b"wide, gamma %.1f\0" % gamma
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    tags = [
        (b"desc", b"desc\0\0\0\0" + struct.pack(">I", len(description))
         + description + bytes(12 + 67)),
        (b"cprt", b"text\0\0\0\0public domain\0"),
        (b"wtpt", xyz(0.9642, 1.0, 0.8249)),
        (b"rXYZ", xyz(0.60974, 0.31111, 0.01947)),
        (b"gXYZ", xyz(0.20528, 0.62567, 0.06087)),
        (b"bXYZ", xyz(0.14919, 0.06322, 0.74457)),
        (b"rTRC", curve), (b"gTRC", curve), (b"bTRC", curve)]
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags:
        value += bytes(-len(value) % 4)
        offset = 128 + 4 + 12 * len(tags) + len(data)
        table += name + struct.pack(">II", offset, len(value))
        data += value
    header = struct.pack(">I4xI4s4s4s12s4s", 132 + 12 * len(tags) + len(data),
                         0x02400000, b"mntr", b"RGB ", b"XYZ ",
                         struct.pack(">6H", 2026, 1, 1, 0, 0, 0), b"acsp")
    header += bytes(68 - len(header)) + struct.pack(
        ">3i", *(round(v * 65536) for v in (0.9642, 1.0, 0.8249)))
    path.write_bytes(header + bytes(128 - len(header)) + table + data)


def wrap(program, command):
    """Replaces the program by a script that runs it under `command`."""
    real = program.with_name("real")
    program.rename(real)
    program.write_text(f'#!/bin/sh\nexec {command} "{real}" "$@"\n')
    program.chmod(0o755)


def kill_plug_in(program, seconds, killed, stop):
    """What GIMP's Cancel does: SIGKILL, so long after the plug-in has begun."""
    while not stop.wait(0.05):
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes().split(b"\0")
                if command[0] == str(program).encode() and b"-run" in command:
                    if not stop.wait(seconds):
                        os.kill(int(process.name), signal.SIGKILL)
                        killed.write_text(str(time.time()))
                    return
            except OSError:
                pass


def press_undo(top, environment, stop):
    """Ctrl+Z in GIMP's window for every file undo-N that the script writes."""
    n = 1
    while not stop.wait(0.1):
        if (top / f"undo-{n}").exists():
            subprocess.run(["sh", "-c", "xdotool search --onlyvisible --name Untitled "
                            "windowfocus; sleep 0.3; xdotool key ctrl+z"],
                           env=environment, stderr=subprocess.DEVNULL)
            n += 1


def progress_is_shown(output):
    """Whether GIMP was told of progress, which grew within every run."""
    runs = {}
    for process, value in re.findall(r"\(atelier:(\d+)\).*progress ([0-9.]+)", output):
        runs.setdefault(process, []).append(float(value))
    print(f"# progress: {runs}")
    return any(len(v) > 5 for v in runs.values()) and all(
        v == sorted(v) and 0 <= v[0] and v[-1] <= 1 for v in runs.values())


def start_helpers(top, options, environment):
    stop = threading.Event()
    helpers = []
    if options.kill:
        helpers.append((kill_plug_in, (top / "plug-ins" / "atelier" / "atelier",
                                       options.kill, top / "killed", stop)))
    if options.window:
        helpers.append((press_undo, (top, environment, stop)))
    for function, arguments in helpers:
        threading.Thread(target=function, args=arguments, daemon=True).start()
    return stop


def start_display(environment):
    """An X server of its own; its number comes through a pipe."""
    read, write = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0",
                               "1280x900x24"], pass_fds=[write],
                              stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as numbers:
        environment["DISPLAY"] = ":" + numbers.readline().strip()
    return server


def run(top, options):
    environment = prepare(top, options)
    tap = top / "tap"
    log = top / "log"
    expressions = [f'(define test-home "{top}/")', f'(define test-source "{HERE}/")',
                   f'(load "{HERE}/prelude.scm")', f'(load "{options.script}")',
                   "(done)"]
    command = ["gimp-console-3.0", "-ids" if options.fonts else "-idfs",
               "--batch-interpreter", "plug-in-script-fu-eval"]
    command += ["-b", "(begin " + " ".join(expressions) + ")", "--quit"]
    server = None
    if options.window:
        server = start_display(environment)
        command = ["dbus-run-session", "--", "gimp-3.0", "--no-splash",
                   "--new-instance"] + command[2:]
    stop = start_helpers(top, options, environment)
    with open(log, "w") as out:
        status = subprocess.run(command, env=environment, stdout=out,
                                stderr=subprocess.STDOUT,
                                timeout=options.timeout).returncode
    stop.set()
    if server:
        server.terminate()
        server.wait()
    text = tap.read_text() if tap.exists() else ""
    output = log.read_text(errors="replace")
    print(text, end="")
    n = sum(1 for line in text.splitlines() if line.startswith(("ok", "not ok")))
    ok = status == 0 and text.rstrip().endswith("# done") and n > 0
    if options.max_peak:
        peaks = [int(mib) for mib in re.findall(r"peak (\d+) MiB", output)]
        print(f"# peak memory of the plug-in: {peaks} MiB")
        ok = ok and bool(peaks) and max(peaks) <= options.max_peak
    if options.progress:
        ok = progress_is_shown(output) and ok
    for problem in options.forbid:
        if problem in output:
            print(f"# GIMP's output has '{problem}'")
            ok = False
    print(f"{'ok' if ok else 'not ok'} {n + 1} - the script ran to its end, "
          f"GIMP ended with status 0")
    print(f"1..{n + 1}")
    if not ok or "\nnot ok" in "\n" + text or options.verbose:
        lines = output.splitlines()
        print("".join(f"# {line}\n" for line in
                      (lines if options.verbose else lines[-80:])))
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--plugin", required=True)
    parser.add_argument("--probe", required=True)
    parser.add_argument("--make-models", required=True)
    parser.add_argument("--with-plug-in", action="append", default=[])
    parser.add_argument("--fonts", action="store_true", help="let GIMP load fonts")
    parser.add_argument("--kill", type=float, metavar="SECONDS",
                        help="kill the plug-in's first run after so long")
    parser.add_argument("--progress", action="store_true",
                        help="require that progress is shown")
    parser.add_argument("--window", action="store_true",
                        help="run GIMP with its windows, and undo on demand")
    parser.add_argument("--language", help="run GIMP in this language: zh_CN")
    parser.add_argument("--installed", metavar="BUILD",
                        help="try the folder that meson installs from there")
    parser.add_argument("--wrap", help="command that the plug-in is run under")
    parser.add_argument("--forbid", action="append", default=[],
                        help="text that GIMP's output must not have")
    parser.add_argument("--max-peak", type=int, metavar="MIB",
                        help="memory that the plug-in may take at most")
    parser.add_argument("--timeout", type=int, default=280)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("script", type=pathlib.Path)
    options = parser.parse_args()
    options.script = options.script.resolve()
    with tempfile.TemporaryDirectory(prefix="atelier-gimp-") as top:
        return run(pathlib.Path(top), options)


if __name__ == "__main__":
    sys.exit(main())
