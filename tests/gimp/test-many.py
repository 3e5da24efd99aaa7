#!/usr/bin/env python3
"""A folder of many pictures, some of them damaged, through script-fu-atelier-batch: all good ones are
done, all others named, and the plug-in's memory is the same at the end as at the beginning.

  test-many.py --plugin ATELIER --probe PROBE --make-models TOOL [COUNT BAD]    (12 2)
"""

import pathlib
import re
import subprocess
import sys
import tempfile

from alone import Options, check, finish, run_gimp, start

COUNT, BAD = (int(word) for word in (sys.argv[7:9] or (12, 2)))


def test(top, options):
    environment = run_gimp.prepare(top, options)
    inside, out = top / "in", top / "out"
    inside.mkdir()
    subprocess.run(["convert", "-size", "60x40", "plasma:", str(top / "one.png")], check=True)
    data = (top / "one.png").read_bytes()
    damaged = set()
    for i in range(COUNT):
        name = f"{i:03}.png"
        bad = i % (COUNT // BAD) == 5
        (inside / name).write_bytes(data[:len(data) // 3] if bad and i % 2 else b"" if bad else data)
        damaged |= {name} if bad else set()
    script = f"""(let ((result (script-fu-atelier-batch #:run-mode RUN-NONINTERACTIVE #:source "{inside}"
                   #:folder "{out}" #:model "resnet"))
                       (port (open-output-file "{top}/result")))
                   (write result port) (close-output-port port))"""
    gimp = start(top, environment, script)
    check("GIMP ends well", gimp.wait(timeout=550) == 0)
    result = (top / "result").read_text(errors="replace") if (top / "result").exists() else "(none)"
    check(f"{COUNT - BAD} are done, {BAD} have failed", result.startswith(f"({COUNT - BAD} {BAD} "),
          result[:60])
    check("the damaged ones are named, and only they",
          set(re.findall(r"\d{3}\.png", result)) == damaged)
    made = {path.name for path in out.iterdir()} if out.exists() else set()
    check("the results are those of the good ones",
          made == {f"{i:03}.png" for i in range(COUNT)} - damaged)
    peaks = [int(mib) for mib in re.findall(r"peak (\d+) MiB", (top / "log").read_text(errors="replace"))]
    check("memory is flat", len(peaks) == COUNT - BAD and peaks[-1] <= peaks[len(peaks) // 10] + 2,
          f"{peaks[:1]} to {peaks[-1:]} MiB over {len(peaks)} pictures")
    finish(top)


def main():
    with tempfile.TemporaryDirectory(prefix="atelier-gimp-") as top:
        test(pathlib.Path(top), Options("file-png", "file-glob"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
