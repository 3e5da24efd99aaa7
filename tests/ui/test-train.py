#!/usr/bin/env python3
"""Train a Style: through a whole short training, an interruption and a crash.

The pictures are small and the network is the quick preset's on tiny patches: what
is looked at is the window.
"""

import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import time

from PIL import Image, ImageOps

from desktop import Desktop, Gone, Tap, arguments, beside, wait

LATENCY_MS = 100
STOP_SECONDS = 0.5
STEPS = 2000


def make_pairs(folder):
    """Five pairs, one picture without a partner and one that is none."""
    for side in "AB":
        (folder / side).mkdir(parents=True)
    for i in range(5):
        picture = Image.radial_gradient("L").resize((96, 80)).rotate(40 * i)
        colours = Image.merge("RGB", (picture, picture.rotate(90 + 10 * i),
                                      ImageOps.mirror(picture)))
        colours.save(folder / "A" / f"{i}.png")
        ImageOps.invert(colours).save(folder / "B" / f"{i}.png")
    Image.new("RGB", (96, 80)).save(folder / "A" / "lonely.png")
    (folder / "B" / "4.png").write_bytes(b"this is no picture")


def busy():
    """Whether others need the processors, so that times say little."""
    return os.getloadavg()[0] > 1.5 * os.cpu_count()


def labels(window):
    found = []
    try:
        found = [node.name for node in window.walk()
                 if node.role == "label" and node.showing]
    except Gone:
        pass
    return found


def wait_label(window, pattern, timeout=120):
    """The text of a label that matches."""
    def look():
        return next((text for text in labels(window) if re.search(pattern, text)),
                    None)
    return wait(f"for a label with '{pattern}'", look, timeout)


def get_step(window):
    """What the progress bar says."""
    bar = window.look("progress bar")
    match = re.search(r"Step (\d+)", bar.name) if bar else None
    return int(match.group(1)) if match else -1


def wait_step(window, step, timeout=120):
    return wait(f"for step {step}",
                lambda: get_step(window) >= step and get_step(window), timeout)


def open_window(desktop, arguments=""):
    call = desktop.call(f"(plug-in-atelier-train #:run-mode RUN-INTERACTIVE "
                        f"{arguments})")
    return call, desktop.window("Train a Style")


def damage(window, tap):
    """What is no damage is told, until it is one or Reset takes it away."""
    beside(window, "Learn", "combo box").choose("To restore")
    window.button("Advanced").click()
    wait("for the row", lambda: window.look("label", "Damage in full"))
    entry = beside(window, "Damage in full", "text")
    entry.text = "soot"
    text = wait_label(window, "soot.*unknown")
    tap.check("a damage that there is not is told", "there are" in text, text)
    entry.text = "noise:5"
    wait("for the problem to go", lambda: not any("unknown" in text
                                                  for text in labels(window)))
    entry.text = "soot"
    wait_label(window, "soot.*unknown")
    window.button("Reset").click()
    wait("for the problem to go", lambda: not any("unknown" in text
                                                  for text in labels(window)))
    window.button("Advanced").click()


def nothing_chosen(desktop, tap):
    call, window = open_window(desktop)
    wait_label(window, "Choose a folder")
    tap.check("nothing is chosen: nothing can start",
              not window.button("Start Training").sensitive)
    damage(window, tap)
    window.button("Close").click()
    call.end()
    desktop.no_window("Train a Style")


def set_up(desktop, window, tap):
    text = wait_label(window, "Pairs to train on")
    tap.check("the doctor says what fits", "Pairs to train on: 4" in text, text)
    remarks = window.find("list", "Refused files") \
        if window.look("list", "Refused files") else window
    tap.check("and what does not, with the reason",
              any("lonely.png has no partner" in text for text in labels(remarks))
              and any("B/4.png" in text for text in labels(remarks)),
              str(labels(window)))
    tap.check("thumbnails of pairs",
              len([n for n in window.walk() if n.role == "icon"
                   and n.name.endswith(".png")]) >= 4)
    window.find("text", showing=True).text = "Negative"
    wait("for the forecast", lambda: any("GB of memory" in t
                                         for t in labels(window)))
    tap.check("the forecast says time and memory",
              any(re.search("about|less than", t) for t in labels(window)))
    desktop.shot("train-setup")
    window.button("Advanced").click()
    begin = beside(window, "Begin with", "combo box")
    tap.check("what to begin with: nothing, or a model",
              begin.look("menu item", "nothing", False) is not None)
    desktop.shot("train-advanced")
    window.button("Advanced").click()


def train(desktop, window, tap):
    window.button("Start Training").click()
    wait_step(window, 5)
    plot = window.find(None, "Loss plot")
    before = desktop.pixels(plot).tobytes()
    wait_step(window, get_step(window) + 5)
    tap.check("the plot moves", desktop.pixels(plot).tobytes() != before)
    wait_label(window, "best model so far", 300)
    tap.check("the best model so far is in the library",
              (desktop.models / "Negative.safetensors").exists())
    tap.check("the plot can be read aloud",
              "measured" in wait("for its description", lambda: plot.description))
    wait_label(window, "After step 50")
    desktop.shot("train-progress")
    window.find("combo box", "Difference").choose("Generator against")
    window.find("check box", "Logarithmic").click()
    x, y, width, height = plot.extents
    desktop.xdotool("mousemove", x + width // 2, y + height // 2)
    time.sleep(0.5)
    desktop.shot("train-progress-hover")


def pause(window, tap):
    window.button("Pause").click()
    wait_label(window, "^Paused")
    step = get_step(window)
    time.sleep(1.5)
    tap.check("Pause: no step any more", get_step(window) == step)
    window.button("Resume").click()
    tap.check("Resume: it goes on", wait_step(window, step + 3) > step)


def stop(desktop, window, tap):
    window.button("Stop and Keep").click()
    began = time.monotonic()
    wait_label(window, "^Stopped and kept")
    took = time.monotonic() - began
    tap.note(f"stopped after {took:.2f} s")
    if not busy():
        tap.check(f"stopped within {STOP_SECONDS} s and a look", took
                  < STOP_SECONDS + 0.2, f"{took:.2f} s")
    tap.check("the checkpoint is there",
              (desktop.models / "Negative.checkpoint").exists())
    desktop.shot("train-stopped")
    return get_step(window)


def go_on(desktop, window, step, tap):
    """From the list; closing asks, and keeps."""
    text = wait_label(window, "Negative.*: step")
    window.button("Advanced").click()
    wait("for the row", lambda: window.look("label", "Begin with"))
    tap.check("the new model can be begun with",
              beside(window, "Begin with", "combo box").look(
                  "menu item", "Negative", False) is not None)
    window.button("Advanced").click()
    tap.check("the interrupted training is offered with its progress",
              f"step {step} of {STEPS}" in text, text)
    desktop.shot("train-interrupted")
    window.button("Go On").click()
    tap.check("it goes on where it ended", wait_step(window, step + 1) > step)


def close(desktop, window):
    window.button("Close").click()
    question = wait("for the question", lambda: next(
        (w for w in desktop.windows() if w.role == "alert"), None))
    desktop.shot("train-question")
    question.button("Stop and Keep").click()
    desktop.no_window("Train a Style")


def crash(desktop, tap):
    """Killed in the middle: the checkpoint of before is still good."""
    call, window = open_window(desktop)
    window.button("Go On").click()
    text = wait_label(window, "best model so far|first model")
    step = wait_step(window, get_step(window) + 2)
    for process in desktop.own_processes("plug-ins/atelier/atelier", "-run"):
        os.kill(process, signal.SIGKILL)
    desktop.no_window("Train a Style")
    call.end()
    # GIMP tells of the crash.
    for message in desktop.windows("GIMP Message"):
        message.button("OK").click()
    call, window = open_window(desktop)
    offered = wait_label(window, "Negative.*: step")
    tap.check("after a crash it is offered again", "of 2000" in offered,
              f"{offered}; killed at {step}; {text}")
    window.button("Give Up").click()
    question = wait("for the question", lambda: next(
        (w for w in desktop.windows() if w.role == "alert"), None))
    question.button("Give Up").click()
    wait("for the list to go", lambda: not window.look("push button", "Go On")
         and not window.look("button", "Go On"))
    tap.check("given up: the model stays",
              (desktop.models / "Negative.safetensors").exists()
              and not (desktop.models / "Negative.checkpoint").exists())
    window.button("Close").click()
    call.answer()


def main():
    options = arguments(__doc__).parse_args()
    tap = Tap()
    latency = pathlib.Path(tempfile.mkdtemp(prefix="atelier-latency-")) / "ms"
    os.environ["ATELIER_LATENCY"] = str(latency)
    with Desktop(options, models=False) as desktop:
        folder = desktop.top / "Negatives"
        make_pairs(folder)
        nothing_chosen(desktop, tap)
        call, window = open_window(
            desktop,
            f'#:folder "{folder}" #:preset "quick" #:size 32 #:steps {STEPS}')
        set_up(desktop, window, tap)
        train(desktop, window, tap)
        pause(window, tap)
        step = stop(desktop, window, tap)
        window.button("Train Another").click()
        go_on(desktop, window, step, tap)
        close(desktop, window)
        call.answer()
        listed = desktop.scheme(
            "(set! answer (text (plug-in-atelier-models "
            "#:run-mode RUN-NONINTERACTIVE)))")
        tap.check("the model is listed", "Negative" in listed, listed)
        text = float(latency.read_text()) if latency.exists() else 0
        tap.note(f"the main loop was late by {text} ms at most")
        if not busy():
            tap.check(f"the window reacts within {LATENCY_MS} ms",
                      text <= LATENCY_MS, f"{text} ms")
        crash(desktop, tap)
    shutil.rmtree(latency.parent)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
