#!/usr/bin/env python3
"""Manage Models, the models of Apply to a Folder, and Add Layers as a Training Pair
in a real GIMP, and what the filters say where there is no model."""

import re
import shutil
import sys
import time

from PIL import Image, ImageChops

from desktop import PROJECT, Desktop, Failed, Tap, arguments, beside, wait

PICTURE = PROJECT / "data" / "samples" / "osprey.jpg"
tap = Tap()


def names(window):
    return [item.name for item in window.find("list box", "Models").children]


def open_models(desktop):
    call = desktop.call("(plug-in-atelier-models #:run-mode RUN-INTERACTIVE)")
    return call, desktop.window("Manage Models")


def test_empty(desktop):
    """Without a model the window says what to do, and can import one."""
    call = desktop.call("(plug-in-atelier-translate #:run-mode RUN-INTERACTIVE "
                        "#:image image #:drawables (vector layer))")
    window = desktop.window("Translate")
    desktop.shot("translate-no-model")
    tap.check("where there is no model, the window says so",
              window.find("label", "There is no Pix2Pix model yet").showing)
    tap.check("and what to do", window.find("label", "Train a Style").showing)
    tap.check("and nothing can be applied", not window.button("OK").sensitive)
    window.button("Import a Model").press()
    chooser = desktop.type_path("Import a Model",
                                desktop.top / "elsewhere" / "resnet.safetensors")
    chooser.button("Import").click()
    window.find("label", re.compile("^Expected"))
    tap.check("an imported model is there at once, with its preview",
              names(window) == ["resnet"])
    tap.check("and is kept in the user's own folder",
              (desktop.models / "resnet.safetensors").exists())
    window.button("Cancel").click()
    call.end()


def test_manage(desktop):
    for name in ("unet", "grey"):
        shutil.copy(desktop.top / "elsewhere" / f"{name}.safetensors", desktop.models)
    (desktop.models / "broken.safetensors").write_bytes(b"no model at all")
    call, window = open_models(desktop)
    tap.check("all models are listed, broken ones too",
              names(window) == ["broken", "grey", "resnet", "unet"], names(window))
    models = window.find("list box", "Models")
    models.choose("broken")
    tap.check("a broken one's card says why",
              window.find("scroll pane", "Card").find("label", "broken.safetensors"))
    models.choose("unet")
    card = window.find("scroll pane", "Card")
    card.find("label", "unet")
    desktop.shot("models")

    window.button("Rename").press()
    dialog = desktop.window("Rename a Model")
    dialog.find("text").text = "Ink and Wash"
    dialog.button("Rename").click()
    wait("for the new name", lambda: "Ink and Wash" in names(window))
    tap.check("Rename renames", "unet" not in names(window)
              and not (desktop.models / "unet.safetensors").exists())
    tap.check("and what was renamed stays chosen",
              models.find("list item", "Ink and Wash").has("selected"))

    models.choose("grey")
    card.find("label", "grey")
    window.button("Remove").press()
    question = desktop.window("", role="alert")
    desktop.shot("models-remove")
    question.button("Cancel").click()
    tap.check("Remove asks first", (desktop.models / "grey.safetensors").exists())
    wait("for the question to go", lambda: not desktop.windows("", role="alert"))
    window.button("Remove").press()
    desktop.window("", role="alert").button("Remove").click()
    wait("for the model to go", lambda: "grey" not in names(window))
    tap.check("and removes", not (desktop.models / "grey.safetensors").exists())

    window.button("Import").press()
    chooser = desktop.type_path("Import a Model",
                                desktop.models / "broken.safetensors")
    chooser.button("Import").click()
    problem = desktop.window("", role="alert")
    tap.check("what can't be imported is said in words",
              problem.find("label", "The model was not imported")
              and problem.find("label", "broken.safetensors"))
    problem.button("Close").click()
    window.button("Close").click()
    call.answer()
    desktop.no_window("Manage Models")
    tap.check("Close is no error", True)


def test_batch(desktop):
    """Reset takes back the model, too: what the window shows is what is used."""
    call = desktop.call("(script-fu-atelier-batch #:run-mode RUN-INTERACTIVE)")
    window = desktop.window("Apply to a Folder")
    combo = beside(window, "Model", "combo box")
    tap.check("the first model is chosen", combo.name == "Ink and Wash", combo.name)
    combo.choose("resnet")
    wait("for the other one", lambda: combo.name == "resnet")
    window.button("Reset").press()
    window.button("Factory Defaults").click()
    wait("for the first one", lambda: combo.name == "Ink and Wash")
    tap.check("Reset chooses the first one again", True)
    window.button("Cancel").click()
    try:
        call.answer()
    except Failed:
        pass


def test_pair(desktop):
    """Two layers, one lying 6 pixels off, become a pair in a folder."""
    folder = desktop.top  # home, which GTK's list of folders begins with
    desktop.scheme("(define upper (gimp-layer-copy layer)) "
                   "(gimp-image-insert-layer image upper 0 0) "
                   "(gimp-layer-set-offsets upper 6 4)")
    call = desktop.call("(let ((r (plug-in-atelier-add-pair #:run-mode "
                        "RUN-INTERACTIVE #:image image #:drawables "
                        "(vector upper layer)))) (set! answer (text r)))")
    window = desktop.window("Add Layers as a Training Pair")
    window.find("label", re.compile("6 pixels to the right of and 4"))
    desktop.shot("pair")
    tap.check("a pair that does not lie over each other is remarked", True)
    tap.check("nothing can be added without a folder",
              not window.button("Add").sensitive)
    tap.check("what is written is told", window.find("label", "1018 x 572 pixels"))
    window.find("combo box", "None").press()
    menu = desktop.window("", role="window")
    menu.find("menu item", folder.name).click()
    wait("for a folder", lambda: window.button("Add").sensitive)
    window.find("text").text = "branch"
    window.button("Add").click()
    answer = call.answer()
    desktop.no_window("Add Layers")
    files = [folder / side / "branch-0001.png" for side in "AB"]
    tap.check("the pair is there, before in A and after in B",
              all(file.exists() for file in files), answer)
    a, b = (Image.open(file).convert("RGB") for file in files)
    original = Image.open(PICTURE).convert("RGB")

    def differs(x, y):
        return max(value[1] for value in ImageChops.difference(x, y).getextrema())
    tap.check("the lower layer's common part is before",
              differs(a, original.crop((6, 4, 1024, 576))) <= 8)
    tap.check("the upper one's is after",
              differs(b, original.crop((0, 0, 1018, 572))) <= 8)


def main():
    options = arguments(__doc__).parse_args()
    with Desktop(options, models=False) as desktop:
        desktop.make_models(desktop.top / "elsewhere")
        desktop.open(PICTURE)
        for test in (test_empty, test_manage, test_batch, test_pair):
            began = time.monotonic()
            test(desktop)
            tap.note(f"{test.__name__}: {time.monotonic() - began:.1f} s")
        complaints = desktop.complaints()
        tap.check("the plug-in has nothing to complain about", not complaints,
                  complaints[:5])
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
