#!/usr/bin/env python3
"""Translate and Compress in a real GIMP: their windows opened, looked at, changed,
applied, reset and closed; judged by pixels."""

import re
import sys
import time

from PIL import Image, ImageChops

from desktop import PROJECT, Desktop, Tap, arguments, figure, wait

PICTURE = PROJECT / "data" / "samples" / "osprey.jpg"
STOP = 0.5      # seconds that closing a window may take,
LOADED = 4      # and by how much a busy machine may stretch that
tap = Tap()


def difference(a, b):
    """Mean difference of two pictures, of 255."""
    if a.size != b.size:
        return 255
    histogram = ImageChops.difference(a, b).convert("L").histogram()
    return sum(i * n for i, n in enumerate(histogram)) / (a.width * a.height)


class Filter:
    """One of the windows, opened."""

    def __init__(self, desktop, procedure, title, image="image", layer="layer"):
        self.desktop = desktop
        self.call = desktop.call(
            f"(plug-in-atelier-{procedure} #:run-mode RUN-INTERACTIVE "
            f"#:image {image} #:drawables (vector {layer}))")
        self.window = desktop.window(title)
        self.title = title
        self.preview = self.window.find("slider", "Preview", showing=False)

    def settle(self):
        """Until the preview is there."""
        wait("for the preview", lambda: self.window.look(
            "label", re.compile("^Expected")) and not self.window.look(
                "label", re.compile("^Computing")))

    def choose(self, model):
        self.window.find("list box", "Models").choose(model)
        self.settle()

    def side(self, divider):
        """What one side looks like alone; without the words and the divider."""
        old = self.preview.value
        self.preview.value = divider
        picture = self.stable()
        self.preview.value = old
        width, height = picture.size
        return picture.crop((30, 0, width - 90, height - 40))

    def stable(self):
        """The preview's pixels, once two looks are the same."""
        last = None
        while True:
            picture = self.desktop.pixels(self.preview)
            if last and difference(last, picture) == 0:
                return picture
            last = picture

    def reset(self):
        self.window.button("Reset").click()
        self.window.button("Factory").click()
        wait("for the defaults", lambda: self.window.look(
            "combo box", "Change the layer"))

    def close(self, button="Cancel"):
        """The error that GIMP gets, or "" """
        self.window.button(button).click()
        error = self.call.end()
        self.desktop.no_window(self.title)
        return error


def hash_of(desktop, layer="layer"):
    return desktop.scheme(f"(set! answer (hash {layer}))")


def test_preview(desktop):
    """Everything a preview does, before anything is applied."""
    first = hash_of(desktop)
    dialog = Filter(desktop, "translate", "Translate")
    names = [item.name for item in dialog.window.find("list box", "Models").children]
    tap.check("the models for the job are listed, and no others",
              {"resnet", "residual", "unet", "colour", "grey"} <= set(names)
              and "vqvae" not in names, names)
    dialog.settle()
    dialog.choose("resnet")
    desktop.shot("translate")
    before, after = dialog.side(100), dialog.side(0)
    tap.check("the preview's sides differ", difference(before, after) > 5)

    picture = Image.open(PICTURE).convert("RGB")
    width, height = dialog.preview.extents[2:]
    left, top = (picture.width - width) // 2, (picture.height - height) // 2

    def part(dx=0, dy=0):
        return picture.crop((left + dx, top + dy, left + dx + width,
                             top + dy + height)).crop((30, 0, width - 90, height - 40))
    tap.check("the left side is the middle of the layer, pixel for pixel",
              difference(before, part()) < 2, difference(before, part()))
    dialog.choose("residual")
    tap.check("another model gives another preview",
              difference(after, dialog.side(0)) > 5)
    dialog.choose("resnet")
    tap.check("the first one again gives the same as before",
              difference(after, dialog.side(0)) == 0)

    test_strength(dialog, before, after)
    test_divider(dialog)
    test_moving(dialog, part)
    error = dialog.close()
    tap.check("Cancel changes nothing and is no error",
              hash_of(desktop) == first, error)


def test_strength(dialog, before, after):
    strength = dialog.window.find("spin button", "Strength")
    n = computed(dialog)
    strength.value = 0
    none = dialog.side(0)
    strength.value = 50
    half = dialog.side(0)
    tap.check("strength 0 shows the layer as it is", difference(none, before) == 0)
    tap.check("strength 50 lies between, as far from both",
              abs(difference(half, before) - difference(half, after))
              < 0.1 * difference(before, after))
    tap.check("strength mixes anew without running the network",
              computed(dialog) == n)
    strength.value = 100


def computed(dialog):
    """Previews computed so far, as the plug-in's messages say."""
    return dialog.desktop.log().count("s after the change")


def test_divider(dialog):
    preview = dialog.preview
    preview.focus()
    preview.value = 50
    dialog.desktop.keys("Right", "Right")
    tap.check("the divider moves by keys",
              wait("for the divider", lambda: preview.value > 55))
    dialog.desktop.keys("Home")
    tap.check("Home shows the after side alone",
              wait("for the divider", lambda: preview.value == 0))
    preview.value = 50
    dialog.desktop.drag(preview, (0.5, 0.5), (0.25, 0.5))
    wait("for the divider", lambda: preview.value < 30)
    tap.check("the divider can be dragged", abs(preview.value - 25) < 2,
              preview.value)
    preview.value = 50


def test_moving(dialog, part):
    desktop, preview = dialog.desktop, dialog.preview
    preview.focus()
    desktop.keys("ctrl+Right", "ctrl+Right", "ctrl+Down")
    dialog.settle()
    moved = dialog.side(100)
    tap.check("Ctrl and arrows move the part that is shown",
              difference(moved, part(64, 32)) < 2, difference(moved, part(64, 32)))
    tap.check("and the new part gets its preview",
              difference(moved, dialog.side(0)) > 5)
    desktop.drag(preview, (0.3, 0.3), (0.35, 0.4))
    dialog.settle()
    tap.check("dragging moves it too", difference(dialog.side(100), moved) > 2)
    overview = dialog.window.find(None, "Overview")
    overview.press()
    dialog.settle()
    tap.check("a click into the middle of the overview goes back to the middle",
              difference(dialog.side(100), part()) < 3,
              difference(dialog.side(100), part()))
    overview.focus()
    desktop.keys("Left")
    dialog.settle()
    tap.check("arrow keys move it in the overview",
              difference(dialog.side(100), part()) > 2)
    n = computed(dialog)
    dialog.window.find("radio button", "Fit").click()
    wait("for the whole layer", lambda: computed(dialog) > n)
    desktop.shot("translate-fit")
    tap.check("all of it fits, before and after",
              difference(dialog.side(100), dialog.side(0)) > 5)
    dialog.window.find("radio button", "1:1").click()


def test_apply(desktop):
    """What is applied is what a script with the same settings gets."""
    desktop.scheme("(define other (gimp-image-duplicate image)) "
                   "(define other-layer (top-layer other)) "
                   "(translate other (list other-layer) \"resnet\" #:strength 0.5 "
                   "#:output \"new-layer\")")
    first = hash_of(desktop)
    dialog = Filter(desktop, "translate", "Translate")
    dialog.settle()
    dialog.choose("resnet")
    dialog.window.find("spin button", "Strength").value = 50
    dialog.window.find("combo box", "Change the layer").choose("New layer above it")
    promised = dialog.side(0)
    dialog.close("OK")
    tap.check("the result is a new layer", desktop.scheme(
        "(set! answer (number->string (vector-length "
        "(gimp-image-get-layers image))))") == "2")
    tap.check("the layer itself is as it was", hash_of(desktop) == first)
    tap.check("the new one is what a script gets with these settings",
              hash_of(desktop, "(top-layer image)")
              == hash_of(desktop, "(top-layer other)"))
    dialog = Filter(desktop, "translate", "Translate", layer="(top-layer image)")
    dialog.settle()
    kept = dialog.side(100)
    tap.check("and what the preview promised, pixel for pixel",
              difference(promised, kept) < 1, difference(promised, kept))
    dialog.close()


def test_last_values(desktop):
    dialog = Filter(desktop, "translate", "Translate")
    strength = dialog.window.find("spin button", "Strength")
    dialog.settle()
    tap.check("the last values come back", strength.value == 50 and
              dialog.window.look("combo box", "New layer above it") is not None
              and dialog.window.find("list item", "resnet").has("selected"))
    dialog.reset()
    tap.check("Reset gives the defaults", strength.value == 100)
    dialog.settle()
    dialog.close()


def test_details(desktop):
    dialog = Filter(desktop, "translate", "Translate")
    dialog.settle()
    dialog.window.button("Details").click()
    card = dialog.window.find("scroll pane", "Card")
    tap.check("the card is there on demand",
              card.find("label", "Pix2Pix") is not None)
    desktop.shot("translate-card")
    dialog.window.button("Details").click()
    dialog.window.button("Advanced").click()
    seed = dialog.window.find("label", "Seed")
    n = computed(dialog)
    memory = [node for node in dialog.window.walk()
              if node.role == "spin button" and node.showing][-1]
    memory.value = 64
    wait("for a new preview", lambda: computed(dialog) > n)
    tap.check("seed, statistics and memory are under the expander",
              seed.showing and dialog.window.look("label", "Statistics").showing)
    desktop.shot("translate-advanced")
    dialog.close()


def test_problems(desktop):
    """Said in the window, in words, and nothing to be applied."""
    desktop.scheme("(define grey-image (gimp-image-duplicate image)) "
                   "(gimp-image-convert-grayscale grey-image) "
                   "(define grey-layer (top-layer grey-image))")
    dialog = Filter(desktop, "translate", "Translate", "grey-image", "grey-layer")
    dialog.window.find("list box", "Models").choose("colour")
    problem = dialog.window.find("label", "adds colour, but the image is greyscale")
    desktop.shot("translate-problem")
    tap.check("a model that can't be applied says why", problem.showing)
    tap.check("and can't be applied", not dialog.window.button("OK").sensitive)
    dialog.choose("grey")
    tap.check("another one can", dialog.window.button("OK").sensitive)
    dialog.close()


def test_stop(desktop):
    """A window closes at once, whatever is under way."""
    desktop.scheme("(define large (new-image 3000 2000 RGB RGB-IMAGE "
                   "PRECISION-U8-NON-LINEAR)) (define large-layer (top-layer large))")
    dialog = Filter(desktop, "translate", "Translate", "large", "large-layer")
    dialog.settle()
    dialog.window.find("radio button", "Fit").click()
    dialog.window.find("list box", "Models").choose("heavy")
    dialog.window.find("label", re.compile(r"^Computing the preview: [1-9]"))
    desktop.shot("translate-computing")
    tap.check("OK can be pressed while it computes",
              dialog.window.button("OK").sensitive)
    cancel = dialog.window.button("Cancel")
    began = time.monotonic()
    cancel.click()
    wait("for the plug-in to end", lambda: not desktop.own_processes(
        "plug-ins/atelier/atelier", "-run"))
    seconds = time.monotonic() - began
    tap.note(f"stopped within {seconds:.2f} s")
    tap.check("Cancel in the middle of a preview ends the work",
              seconds < STOP * LOADED, seconds)
    desktop.no_window("Translate")


def test_compress(desktop):
    desktop.scheme("(define third (gimp-image-duplicate image)) "
                   "(define third-layer (top-layer third)) "
                   "(define script (gimp-image-duplicate third)) "
                   "(plug-in-atelier-compress #:run-mode RUN-NONINTERACTIVE "
                   "#:image script #:drawables (vector (top-layer script)) "
                   "#:model \"vqvae\" #:quality 1)")
    dialog = Filter(desktop, "compress", "Compress", "third", "third-layer")
    window = dialog.window
    dialog.settle()

    def size():
        match = re.match(r"([\d.,]+).(k?)B|([\d.,]+) bytes", figure(window, "As .vqi"))
        return match and float((match[1] or match[3]).replace(",", "")) \
            * (1000 if match[2] else 1)
    all_stages = wait("for the size", size)
    desktop.shot("compress")
    tap.check("bits per pixel, bytes and the PNG's are told",
              "bits per pixel" in figure(window, "As .vqi")
              and "times as much" in figure(window, "As PNG"))
    tap.check("and how like the preview is", re.match(
        r"PSNR [\d.]+ dB, SSIM [\d.]+", figure(window, "Preview")),
        figure(window, "Preview"))
    quality = window.find("spin button", "Quality")
    tap.check("the quality goes up to the model's stages", quality.value == 2)
    quality.value = 1
    tap.check("less quality is fewer bytes", wait(
        "for the other size", lambda: (size() or all_stages) < all_stages))
    dialog.settle()
    promised = dialog.side(0)
    dialog.close("OK")
    dialog = Filter(desktop, "compress", "Compress", "third", "third-layer")
    dialog.settle()
    kept = dialog.side(100)
    tap.check("Compress keeps what the preview promised, pixel for pixel",
              difference(promised, kept) < 1, difference(promised, kept))
    dialog.close()
    tap.check("Compress does what a script gets with these settings",
              hash_of(desktop, "third-layer")
              == hash_of(desktop, "(top-layer script)"))


def test_transparent(desktop):
    """A layer with alpha, a selection and an offset, 16 bits, half outside."""
    desktop.scheme("(define odd (new-image 300 200 RGB RGBA-IMAGE "
                   "PRECISION-U16-NON-LINEAR)) (define odd-layer "
                   "(add-layer odd 260 240 -40 30 RGBA-IMAGE)) "
                   "(gimp-image-select-rectangle odd CHANNEL-OP-REPLACE 20 40 60 50) "
                   "(define odd-script (keep odd)) "
                   "(translate odd-script (list (top-layer odd-script)) \"resnet\")")
    dialog = Filter(desktop, "translate", "Translate", "odd", "odd-layer")
    dialog.settle()
    dialog.reset()
    dialog.choose("resnet")
    desktop.shot("translate-alpha")
    tap.check("outside the selection the preview changes nothing",
              0 < difference(dialog.side(100), dialog.side(0)) < 60)
    dialog.close("OK")
    tap.check("a transparent layer with a selection becomes what a script gets",
              hash_of(desktop, "odd-layer")
              == hash_of(desktop, "(top-layer odd-script)"))


def test_outside(desktop):
    """Where nothing is selected the preview says so, and goes on saying it."""
    desktop.scheme("(define grey-corner (gimp-image-duplicate image)) "
                   "(gimp-image-convert-grayscale grey-corner) "
                   "(define corner (gimp-image-duplicate image)) "
                   "(for-each (lambda (i) (gimp-image-select-rectangle i "
                   "CHANNEL-OP-REPLACE 0 0 60 50)) (list grey-corner corner)) "
                   "(define grey-corner-layer (top-layer grey-corner)) "
                   "(define corner-layer (top-layer corner))")
    nothing = "Nothing in this part is selected"
    dialog = Filter(desktop, "translate", "Translate", "grey-corner",
                    "grey-corner-layer")
    dialog.window.find("list box", "Models").choose("colour")
    dialog.window.find("label", "adds colour, but the image is greyscale")
    dialog.window.find(None, "Overview").press()
    dialog.window.find("label", nothing)
    dialog.window.find("list box", "Models").choose("grey")
    wait("for OK", lambda: dialog.window.button("OK").sensitive)
    tap.check("what was wrong with one model is not held against the next", True)
    dialog.close()
    dialog = Filter(desktop, "compress", "Compress", "corner", "corner-layer")
    dialog.window.find(None, "Overview").press()
    dialog.window.find("label", nothing)
    wait("for the size", lambda: "bits per pixel" in figure(dialog.window, "As .vqi"))
    tap.check("nothing selected in sight: said after the measuring, too",
              dialog.window.look("label", nothing) is not None)
    dialog.close()


def test_menu(desktop):
    """Chosen from GIMP's menus, as a user does."""
    main = desktop.window("osprey" if desktop.windows("osprey") else "Untitled")
    main.find("menu item", "Translate (Pix2Pix)", showing=False).click()
    window = desktop.window("Translate")
    window.button("Cancel").click()
    desktop.no_window("Translate")
    tap.check("Translate opens from GIMP's menu", True)


def main():
    options = arguments(__doc__).parse_args()
    with Desktop(options) as desktop:
        desktop.open(PICTURE)
        for test in (test_preview, test_apply, test_last_values, test_details,
                     test_transparent, test_problems, test_stop, test_compress,
                     test_outside, test_menu):
            began = time.monotonic()
            test(desktop)
            tap.note(f"{test.__name__}: {time.monotonic() - began:.1f} s")
        times = [float(s) for s in re.findall(
            r"preview of \d+x\d+: ([\d.]+) s after", desktop.log())]
        tap.note(f"previews: {len(times)}, median "
                 f"{sorted(times)[len(times) // 2]:.3f} s after the change")
        complaints = desktop.complaints()
        tap.check("the plug-in has nothing to complain about", not complaints,
                  complaints[:5])
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
