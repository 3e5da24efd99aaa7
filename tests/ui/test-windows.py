#!/usr/bin/env python3
"""Windows opened and closed over and over in one GIMP: its memory stays flat, no
process and no file is left.

    test-windows.py ... [--rounds N]

The memory of GIMP itself is what is held against what it was after a tenth of the
rounds: a filter's window is a process of its own, which ends with it.
"""

import os
import pathlib
import sys

from desktop import PROJECT, Desktop, Tap, arguments, wait

PICTURE = PROJECT / "data" / "samples" / "osprey.jpg"
WINDOWS = (("translate", "Translate"), ("compress", "Compress"))
tap = Tap()


def resident(process):
    """KiB, shared pages not counted: those are of libraries."""
    lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def open_and_close(desktop, procedure, title):
    call = desktop.call(f"(plug-in-atelier-{procedure} #:run-mode RUN-INTERACTIVE "
                        "#:image image #:drawables (vector layer))")
    window = desktop.window(title)
    window.button("Cancel").click()
    call.end()
    desktop.no_window(title)


def main():
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with Desktop(options) as desktop:
        desktop.open(PICTURE)
        early = 0
        for i in range(options.rounds):
            for procedure, title in WINDOWS:
                open_and_close(desktop, procedure, title)
            now = resident(desktop.gimp.pid)
            print(f"# {i + 1} {now} KiB", flush=True)
            if i == max(options.rounds // 10, 3):
                early = now
        wait("for the plug-ins to end", lambda: not desktop.own_processes("/atelier/atelier", "-run"))
        tap.check("no process of a window is left", True)
        tap.check("GIMP's memory is flat to 1 % and 2 MiB",
                  now <= early * 1.01 + 2048, (early, now))
        left = [name for name in os.listdir(desktop.top) if name.startswith("atelier-")]
        tap.check("no file is left", not left, left)
        tap.check("the plug-in complained of nothing", not desktop.complaints(),
                  desktop.complaints())
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
