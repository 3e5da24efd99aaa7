"""Much of everything: memory stays flat, and what is too much is refused with a number.

    test-load.py ATELIER LEAKS [whole]

With "whole" the sizes are those of docs/RELIABILITY.md; else what fits into a minute.
"""

import os
import resource
import signal
import subprocess
import sys
import time

import parity

parity.need("numpy", "PIL")

LEAKS = os.path.abspath(sys.argv[2])
WHOLE = "whole" in sys.argv[3:]
sys.argv[2:] = []

from command import COMMAND, Folder, picture
from faults import one_line, run, things


def peak_of(*args):
    """(status, stderr, peak MiB) of `atelier ARGS`."""
    child = subprocess.Popen([COMMAND, *map(str, args)], stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True)
    message = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, message, usage.ru_maxrss / 1024


def repeated_work_leaks_nothing():
    """Resident memory at the end against that after a tenth: 1 %, and 256 KiB for the heap's own
    ways."""
    rounds = {"train-pix2pix": (12, 400), "train-vqvae": (12, 1000), "compress": (20, 4000),
              "create-and-export": (20, 2000)}
    jobs = ["open-and-save", "create-and-export", "translate", "roundtrip", "compress",
            "load-and-save-pictures", "train-pix2pix", "train-vqvae"]
    said = []
    for job in jobs:
        count = rounds.get(job, (60, 10000))[WHOLE]
        done = subprocess.run([LEAKS, str(count), job], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        name, _, early, late = done.stdout.split()
        early, late = int(early), int(late)
        assert late <= early * 1.01 + (256 if WHOLE else 1024), f"{name}: {early} to {late} KiB"
        said.append(f"{name} {count} times {100 * (late - early) / early:+.1f} %")
    return ", ".join(said)


def twenty_four_megapixels_stay_in_the_budget():
    with things() as folder:
        width, height = (6000, 4000) if WHOLE else (3000, 2000)
        source = folder / "large.png"
        # By a process of its own: what this one has held would count as its children's.
        subprocess.run([sys.executable, "-c", "import sys; from command import picture; "
                        f"picture({str(source)!r}, {width}, {height})", COMMAND], check=True)
        pixels = 2 * width * height * 3 / 2**20  # the picture and its result
        status, message, peak = peak_of("translate", "-m", folder / "a.safetensors", "--memory", "512",
                                        "-o", folder / "t.png", source)
        assert status == 0, message
        assert peak < 512 + pixels + 60, f"{peak:.0f} MiB"
        return f"{width}x{height}: {peak:.0f} MiB at most, {pixels:.0f} of them pixels"


def a_hundred_megapixels_are_done_or_refused_with_a_number():
    with things() as folder:
        large = folder / "large.png"
        subprocess.run([sys.executable, "-c", f"""if True:
            from PIL import Image
            Image.MAX_IMAGE_PIXELS = None
            Image.new("RGB", (12000, 8400), (90, 120, 40)).save({str(large)!r}, compress_level=1)"""],
                       check=True)
        if WHOLE:
            status, message, peak = peak_of("translate", "-m", folder / "a.safetensors", "--memory", "512",
                                            "-o", folder / "t.png", large)
            assert status == 0, message
            said = f"done with {peak:.0f} MiB; "
        else:
            said = ""
        # Where memory is short: address space for less than the two pictures.
        done = subprocess.run(
            [COMMAND, "translate", "-m", folder / "a.safetensors", "-o", folder / "u.png", large],
            capture_output=True, text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (500 << 20, 500 << 20)))
        assert done.returncode == 1, (done.returncode, done.stderr)
        line = one_line(done.stderr)
        assert "MB" in line and "12000x8400" in line, line
        assert not (folder / "u.png").exists()
        return said + "refused: " + line[len("atelier: "):]


def a_folder_of_many_pairs_starts_within_a_minute():
    with Folder() as folder:
        count = 10000 if WHOLE else 1000
        first = folder / "pairs" / "A" / "00000.jpg"
        for side in "AB":
            (folder / "pairs" / side).mkdir(parents=True)
        picture(first, 64, 64)
        data = first.read_bytes()
        for i in range(count):
            for side in "AB":
                # Files of their own, each another one: equal ones are remarked on.
                (folder / "pairs" / side / f"{i:05}.jpg").write_bytes(
                    data + f"{side}{i}".encode())
        begin = time.monotonic()
        child = subprocess.Popen(
            [COMMAND, "train", "pix2pix", folder / "pairs", "-o", folder / "m.safetensors", "--arch",
             "unet_32", "--size", "32", "--batch", "1", "--set", "ngf=4", "--set", "ndf=4", "--set",
             "n_layers=1", "--set", "checkpoint_seconds=0", "--steps", "100000"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while not (folder / "m.checkpoint").exists():
            assert child.poll() is None, child.stderr.read()
            assert time.monotonic() - begin < 60, "a minute is over"
            time.sleep(0.02)
        took = time.monotonic() - begin
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)
        return f"{count} pairs: the first checkpoint after {took:.1f} s"


def five_hundred_pictures_with_twenty_damaged_ones():
    """The command, in one call or many; the plug-in's batch is tested in tests/gimp."""
    with things() as folder:
        count, bad = (500, 20) if WHOLE else (50, 2)
        inside, out = folder / "in", folder / "out"
        inside.mkdir()
        out.mkdir()
        for i in range(count):
            path = picture(inside / f"{i:03}.png", 40 + i % 7, 30)
            if i % (count // bad) == 5:
                path.write_bytes(path.read_bytes()[:60])
        failed = []
        for path in sorted(inside.iterdir()):
            status, _, message = run("translate", "-m", folder / "a.safetensors", "--threads", "1", "-o",
                                     out / path.name, path)
            if status:
                assert path.name in one_line(message), message
                failed.append(path.name)
        assert len(failed) == bad and len(list(out.iterdir())) == count - bad
        return f"{count - bad} done, {bad} named"


parity.run([(f.__name__.replace("_", " "), f) for f in (

    twenty_four_megapixels_stay_in_the_budget,
    a_hundred_megapixels_are_done_or_refused_with_a_number,
    a_folder_of_many_pairs_starts_within_a_minute,
    five_hundred_pictures_with_twenty_damaged_ones)])
