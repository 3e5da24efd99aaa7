"""Ctrl-C stops at once and leaves no half file; progress is for terminals.

    test-signals.py ATELIER
"""

import os
import pty
import select
import signal
import subprocess
import time

import parity

parity.need("numpy", "PIL")

from command import COMMAND, Folder, create, picture


def start(*args, **options):
    return subprocess.Popen([COMMAND, *map(str, args)], stderr=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True, **options)


def stopped_within(process, number, seconds):
    """Sends the signal; the process must end in that time, saying so."""
    process.send_signal(number)
    begin = time.monotonic()
    _, message = process.communicate(timeout=30)
    took = time.monotonic() - begin
    assert process.returncode == 130, (process.returncode, message)
    assert message == "atelier: stopped\n", message
    assert took < seconds, f"took {took:.2f} s"
    return took


def slow_translation(folder):
    """A translation of many seconds, begun a second ago."""
    model = create(folder / "m.safetensors", "resnet_9", "ngf=64")
    source = picture(folder / "a.png", 3000, 2000)
    process = start("translate", "-m", model, "-o", folder / "b.png", source)
    time.sleep(1.0)
    assert process.poll() is None, process.communicate()
    return process


def ctrl_c_stops_a_translation_at_once():
    with Folder() as folder:
        process = slow_translation(folder)
        took = stopped_within(process, signal.SIGINT, 0.5)
        assert sorted(os.listdir(folder)) == ["a.png", "m.safetensors"]
        return f"{took * 1e3:.0f} ms"


def sigterm_does_the_same():
    with Folder() as folder:
        process = slow_translation(folder)
        stopped_within(process, signal.SIGTERM, 0.5)
        assert sorted(os.listdir(folder)) == ["a.png", "m.safetensors"]


def stopped_at_any_moment_no_half_file_stays():
    """Whatever it was doing: the output is whole or not there."""
    with Folder() as folder:
        whole = create(folder / "whole.safetensors", "unet_128", "ngf=32")
        size = whole.stat().st_size
        stopped = 0
        for delay in range(20, 620, 40):
            out = folder / f"{delay}.safetensors"
            process = start("create", "--arch", "unet_128", "--set", "ngf=32",
                            "-o", out)
            time.sleep(delay / 1e3)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
            stopped += process.returncode != 0
            if out.exists():
                assert out.stat().st_size == size
                out.unlink()
            assert sorted(os.listdir(folder)) == ["whole.safetensors"], delay
        assert stopped > 0
        return f"{stopped} of 15 were stopped"


def a_picture_being_written_is_removed():
    """Stopped while the result is saved: no temporary file stays."""
    with Folder() as folder:
        model = create(folder / "m.safetensors", "resnet_6", "ngf=8", "blocks=0")
        source = picture(folder / "a.png", 4000, 3000)
        process = start("translate", "-m", model, "-o", folder / "b.png", source)
        deadline = time.monotonic() + 60
        while len(os.listdir(folder)) < 3:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        left = set(os.listdir(folder)) - {"a.png", "m.safetensors"}
        # Either it was stopped in time or the picture was whole already.
        assert left <= ({"b.png"} if process.returncode == 0 else set()), left
        assert process.returncode in (0, 130)


def on_terminal(*args):
    """What the command writes to a terminal on stderr, and its status."""
    primary, secondary = pty.openpty()
    process = subprocess.Popen([COMMAND, *map(str, args)], stderr=secondary,
                               stdout=subprocess.DEVNULL)
    os.close(secondary)
    text = b""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if select.select([primary], [], [], 0.1)[0]:
            try:
                text += os.read(primary, 65536)
            except OSError:
                break
    os.close(primary)
    return text.decode(), process.wait()


def long_work_shows_progress_on_a_terminal():
    with Folder() as folder:
        model = create(folder / "m.safetensors", "resnet_6", "ngf=32")
        source = picture(folder / "kitten.png", 2400, 1800)
        text, status = on_terminal("translate", "-m", model, "--threads", 1, "-o",
                                   folder / "b.png", source)
        assert status == 0, text
        assert "kitten.png" in text and "%" in text, text
        assert text.endswith("\r\x1b[K"), text[-40:]


def short_work_shows_none():
    with Folder() as folder:
        model = create(folder / "m.safetensors", "resnet_6", "ngf=8", "blocks=0")
        source = picture(folder / "a.png", 20, 20)
        text, status = on_terminal("translate", "-m", model, "-o",
                                   folder / "b.png", source)
        assert status == 0 and text == "", text


parity.run([(f.__name__.replace("_", " "), f) for f in (
    ctrl_c_stops_a_translation_at_once, sigterm_does_the_same,
    stopped_at_any_moment_no_half_file_stays, a_picture_being_written_is_removed,
    long_work_shows_progress_on_a_terminal, short_work_shows_none)])
