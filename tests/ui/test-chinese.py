#!/usr/bin/env python3
"""The windows in a GIMP that speaks Chinese, and Apply to a Folder."""

import re
import sys

from desktop import Desktop, Tap, arguments

tap = Tap()
HAN = re.compile("[\u4e00-\u9fff]")
# Names of models and formats, figures, and signs are the same in every language.
SAME = re.compile(r"[\W\d_]*((resnet|residual|unet|colour|grey|heavy|vqvae|PNG|JPEG|"
                  r"TIFF|WebP|XCF|PSNR|SSIM|dB|MB|MiB|vqi|1:1|None)[\W\d_]*)*")


def foreign(window):
    """What is shown in a window and is not Chinese."""
    texts = {node.name for node in window.walk(True)
             if node.role in ("label", "push button", "check box", "radio button")}
    return sorted(t for t in texts if t and not HAN.search(t)
                  and not SAME.fullmatch(t) and not t.startswith("/"))


def look(desktop, expression, title, shot):
    call = desktop.call(expression)
    window = desktop.window(title)
    desktop.shot(shot)
    tap.check(f"{title}: the window speaks Chinese", not foreign(window),
              foreign(window))
    return call, window


def close(desktop, call, title):
    desktop.keys("Escape")
    desktop.no_window(title)
    call.end()


def test_folder(desktop):
    call, window = look(desktop, "(script-fu-atelier-batch #:run-mode RUN-INTERACTIVE)",
                        "应用到文件夹", "chinese-folder")
    combos = [n for n in window.walk(True) if n.role == "combo box"]
    tap.check("filter, model and format are to be chosen", len(combos) >= 3, combos)
    close(desktop, call, "应用到文件夹")


def main():
    options = arguments("the windows in Chinese").parse_args()
    with Desktop(options, language="zh_CN.UTF-8") as desktop:
        desktop.scheme("(define image (new-image 300 200 RGB RGBA-IMAGE "
                       "PRECISION-U8-NON-LINEAR)) (define layer (top-layer image))")
        for procedure, title in (("translate", "转换"), ("compress", "压缩")):
            call, _ = look(desktop, f"(plug-in-atelier-{procedure} #:run-mode "
                           "RUN-INTERACTIVE #:image image #:drawables (vector layer))",
                           title, f"chinese-{procedure}")
            close(desktop, call, title)
        for procedure, title in (("train", "训练风格"), ("models", "管理模型")):
            call, _ = look(desktop, f"(plug-in-atelier-{procedure} #:run-mode "
                           "RUN-INTERACTIVE)", title, f"chinese-{procedure}")
            close(desktop, call, title)
        test_folder(desktop)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
