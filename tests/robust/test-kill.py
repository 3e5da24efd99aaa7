"""A training that is killed at any moment goes on with the same bits; a command that is killed
leaves nothing that counts.

    test-kill.py ATELIER [kills=N]       (20 if not given)
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

import parity

parity.need("numpy", "PIL")

KILLS = next((int(word[6:]) for word in sys.argv[2:] if word.startswith("kills=")), 20)
sys.argv[2:] = []

from command import COMMAND, picture, read_header
from faults import last_line, leftovers, run, things, training

STEPS = 40


def essence(path):
    """All of a model file but its name and the day it was made."""
    header, data = read_header(path)
    metadata = header["__metadata__"]
    card = json.loads(metadata.pop("atelier.card"))
    for key in ("name", "date"):
        card.pop(key, None)
    return {"data": data, "tensors": header,
            **{f"card {key}": value for key, value in card.items()}}


def killed_after(seconds, arguments):
    """Whether it was killed, before it ended by itself."""
    child = subprocess.Popen([COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True)
    try:
        _, message = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return True
    assert child.returncode == 0, last_line(message)
    return False


def killed_at_random_moments_it_ends_with_the_reference_bits():
    """A checkpoint after every step: most moments lie in or beside the writing of one."""
    random.seed(7)
    with things() as folder:
        begin = time.monotonic()
        assert run(*training(folder, folder / "whole.safetensors", STEPS))[0] == 0
        whole = time.monotonic() - begin
        reference = essence(folder / "whole.safetensors")
        kills = runs = writing = 0
        while kills < KILLS:
            output = folder / f"m{runs}.safetensors"
            arguments = training(folder, output, STEPS, "--resume")
            while killed_after(random.uniform(0.02, 0.8 * whole), arguments):
                kills += 1
                writing += any(path.name.startswith(f".m{runs}-") for path in leftovers(folder))
                for path in leftovers(folder):
                    path.unlink()
            difference = [key for key, value in essence(output).items() if value != reference[key]]
            assert not difference, f"after {kills} kills others: {difference}"
            runs += 1
        return (f"{kills} kills in {runs} trainings, {writing} of them while a file was written")


def a_killed_command_leaves_the_old_file():
    with things() as folder:
        source = picture(folder / "large.png", 700, 500)
        out = folder / "t.png"
        status, _, message = run("roundtrip", "-m", folder / "v.safetensors", "-o", out, source)
        assert status == 0, message
        old = out.read_bytes()
        begin = time.monotonic()
        run("roundtrip", "-m", folder / "v.safetensors", "-o", folder / "again.png", source)
        whole = time.monotonic() - begin
        random.seed(8)
        kills = 0
        for _ in range(max(KILLS // 2, 5)):
            kills += killed_after(random.uniform(0, whole), [
                "roundtrip", "-m", folder / "v.safetensors", "-o", out, source])
            assert out.read_bytes() == old
        return f"{kills} kills"


def its_threads_end_with_it():
    """No process stays behind a killed one."""
    with things() as folder:
        child = subprocess.Popen([COMMAND, *map(str, training(folder, folder / "m.safetensors", 100000))],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 start_new_session=True)
        while not (folder / "m.checkpoint").exists():
            assert child.poll() is None
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        child.wait()
        left = [name for name in os.listdir("/proc") if name.isdigit() and session_of(name) == child.pid]
        assert not left, left


def session_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rsplit(")", 1)[1].split()[3])
    except OSError:
        return 0


parity.run([(f.__name__.replace("_", " "), f) for f in (
    killed_at_random_moments_it_ends_with_the_reference_bits,
    a_killed_command_leaves_the_old_file,
    its_threads_end_with_it)])
