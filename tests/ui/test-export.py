#!/usr/bin/env python3
"""Exporting as .vqi in a real GIMP: the window opened, looked at, changed and
carried out; judged by the files."""

import pathlib
import re
import sys
import tempfile

from desktop import PROJECT, Desktop, Tap, arguments, figure, wait

PICTURE = PROJECT / "data" / "samples" / "osprey.jpg"
tap = Tap()


def export(desktop, path):
    call = desktop.call(f'(file-vqi-export #:run-mode RUN-INTERACTIVE #:image image '
                        f'#:file "{path}" #:options -1 #:model "vqvae")')
    return call, desktop.window("Export Image as VQI")


def sized(window):
    """What the window says that the file will take, once it is known."""
    wait("for the size", lambda: "bits per pixel" in figure(window, "As .vqi"))
    return figure(window, "As .vqi")


def test_export(desktop, folder):
    path = folder / "a.vqi"
    call, window = export(desktop, path)
    text = sized(window)
    desktop.shot("export")
    window.button("Export").click()
    call.answer()
    size = path.stat().st_size
    expected = float(re.match(r"[\d.]+", text)[0]) * (1000 if "kB" in text else 1)
    tap.check("the size is what the window said, but for profile and metadata",
              0.9 * expected < size < 1.1 * expected + 5000, (text, size))


def test_cancel(desktop, folder):
    path = folder / "b.vqi"
    call, window = export(desktop, path)
    window.button("Cancel").click()
    call.answer()
    tap.check("cancelled: no file", not path.exists())


def main():
    options = arguments(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder, Desktop(options) as desktop:
        desktop.open(PICTURE)
        test_export(desktop, pathlib.Path(folder))
        test_cancel(desktop, pathlib.Path(folder))
        complaints = desktop.complaints()
        tap.check("the plug-in has nothing to complain about", not complaints,
                  complaints[:5])
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
