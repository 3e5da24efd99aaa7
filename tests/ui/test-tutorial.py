#!/usr/bin/env python3
"""From nothing to one's own style, through the menu: Make a Tutorial Set, then Train
a Style on the folder that it made, as far as the first steps."""

import re
import shutil
import sys

from desktop import PROJECT, Desktop, Tap, arguments, beside, wait

PAIRS = 2
SIZE = 32  # of a patch: a step is over soon, even on a busy machine


class Home(Desktop):
    """With the photographs that come with Atelier."""

    def _make_home(self):
        super()._make_home()
        shutil.copytree(PROJECT / "data" / "samples" / "tutorial",
                        self.top / "plug-ins" / "atelier" / "samples")


def choose_folder(desktop, window, label, title, path):
    """By the window for folders, as one who types its path."""
    button = beside(window, label, "combo box")
    button.press()
    button.find("menu item", "Other").click()
    desktop.type_path(title, path).button("Select").click()
    desktop.no_window(title)


def make_set(desktop, tap, folder):
    main = desktop.window("GNU Image Manipulation Program")
    main.find("menu item", "Make a Tutorial Set", showing=False).click()
    window = desktop.window("Make a Tutorial Set")
    ok = window.button("OK")
    tap.check("nothing is chosen: nothing can be made", not ok.sensitive)
    choose_folder(desktop, window, "Folder for the pairs",
                  "Choose an Empty Folder", folder)
    wait("for OK", lambda: ok.sensitive)
    beside(window, "How many", "spin button").value = PAIRS
    desktop.shot("tutorial")
    tap.check("no photographs are chosen", beside(
        window, "Photographs", "combo box").look("menu item", "None", False))
    ok.click()
    training = desktop.window("Train a Style")
    made = [sorted(p.name for p in (folder / side).iterdir()) for side in "AB"]
    tap.check("the set is made", len(made[0]) == PAIRS and made[0] == made[1], made)
    return training


def train(desktop, tap, window, name):
    text = window.find("label", re.compile("^Pairs to train on")).name
    tap.check("Train a Style has it", f"Pairs to train on: {PAIRS}" in text, text)
    tap.check("the preset is quick",
              window.find("radio button", "Quick").has("checked"))
    window.button("Advanced").click()
    beside(window, "Size of a patch", "spin button").value = SIZE
    start = window.button("Start Training")
    wait("to be ready", lambda: start.sensitive)
    wait("for all thumbnails", lambda: len(
        [node for node in window.walk() if node.role == "icon"]) >= PAIRS)
    desktop.shot("tutorial-setup")
    start.click()
    bar = window.find("progress bar")
    wait("for steps", lambda: re.search(r"Step [2-9]", bar.name))
    tap.check("it trains, and says when there is something to see",
              window.look("label", re.compile("^A first model .* step [1-9]")))
    desktop.shot("tutorial-training")
    window.button("Stop and Keep").click()
    window.find("label", re.compile("^Stopped and kept"))
    tap.check("the model is there, by the folder's name",
              (desktop.models / f"{name}.safetensors").exists())
    desktop.shot("tutorial-stopped")
    window.button("Close").click()
    desktop.no_window("Train a Style")


def main():
    options = arguments(__doc__).parse_args()
    tap = Tap()
    with Home(options, models=False) as desktop:
        folder = desktop.top / "My first style"
        folder.mkdir()
        train(desktop, tap, make_set(desktop, tap, folder), folder.name)
        complaints = desktop.complaints()
        tap.check("the plug-in has nothing to complain about", not complaints,
                  complaints[:5])
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
