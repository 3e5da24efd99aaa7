#!/usr/bin/env python3
"""The Help button of every window opens the page of the manual that tells of it, in
GIMP's own way: GIMP finds the page and asks the system's browser to show it."""

import pathlib
import shutil
import subprocess
import sys

from desktop import PROJECT, Desktop, Tap, arguments, wait

PICTURE = PROJECT / "data" / "samples" / "osprey.jpg"
WINDOWS = [
    ("translate", "Translate", "#:image image #:drawables (vector layer)",
     "filters.html#translate"),
    ("compress", "Compress", "#:image image #:drawables (vector layer)",
     "filters.html#compress"),
    ("add-pair", "Training Pair",
     "#:image image #:drawables (gimp-image-get-layers image)",
     "pairs.html#from-layers"),
    ("models", "Manage Models", "", "filters.html#manage-models"),
    ("train", "Train a Style", "", "training.html"),
]


class Helped(Desktop):
    """With GIMP's help, a browser that notes what it is given, and the manual."""

    def _make_home(self):
        super()._make_home()
        library = pathlib.Path(subprocess.check_output(
            ["pkg-config", "--variable=gimplibdir", "gimp-3.0"], text=True).strip())
        for name in "help", "web-browser":
            (self.top / "plug-ins" / name).symlink_to(library / "plug-ins" / name)
        with open(self.top / "gimp" / "gimprc", "a") as settings:
            settings.write("(help-browser web-browser)\n(user-manual-online no)\n")
        for language in "en", "zh_CN":
            pages = self.top / "plug-ins" / "atelier" / "help" / language
            built = self.options.manual / language
            if built.is_dir():
                shutil.copytree(built, pages)
            else:
                pages.mkdir(parents=True)
            shutil.copy(self.options.manual / f"gimp-help-{language}.xml",
                        pages / "gimp-help.xml")
        self.opened = self.top / "opened"
        browser = self.top / "browser"
        browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >> "{self.opened}"\n')
        browser.chmod(0o755)
        applications = self.top / "data" / "applications"
        applications.mkdir(parents=True)
        (applications / "browser.desktop").write_text(
            "[Desktop Entry]\nType=Application\nName=Browser\n"
            f"Exec={browser} %u\nMimeType=text/html;x-scheme-handler/file;"
            "x-scheme-handler/http;x-scheme-handler/https;\n")
        (applications / "mimeapps.list").write_text(
            "[Default Applications]\ntext/html=browser.desktop\n"
            "x-scheme-handler/file=browser.desktop\n")
        subprocess.run(["update-desktop-database", str(applications)], check=False)


def pages(desktop):
    return desktop.opened.read_text().split() if desktop.opened.exists() else []


def main():
    parser = arguments(__doc__)
    parser.add_argument("--manual", required=True, type=pathlib.Path,
                        help="folder `docs` of the build")
    options = parser.parse_args()
    tap = Tap()
    with Helped(options) as desktop:
        desktop.open(PICTURE)
        desktop.scheme("(gimp-image-insert-layer image (gimp-layer-copy layer) 0 -1)"
                       '(set! answer "")')
        for n, (name, title, more, page) in enumerate(WINDOWS):
            desktop.call(f"(plug-in-atelier-{name} #:run-mode RUN-INTERACTIVE "
                         f"{more})")
            window = desktop.window(title)
            window.button("Help").click()
            wait(f"for {name}'s page", lambda: len(pages(desktop)) > n)
            opened = pages(desktop)[n]
            path = pathlib.Path(opened.removeprefix("file://").split("#")[0])
            tap.check(f"Help of {title} opens {page}",
                      opened.endswith("/en/" + page), opened)
            built = (options.manual / "en").is_dir()
            tap.check(f"Help of {title} opens a page that is there",
                      path.exists() or not built, str(path))
            window.button("Cancel" if "drawables" in more else "Close").click()
            desktop.no_window(title)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
