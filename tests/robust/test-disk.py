"""A disk that is full, read only, or gone; files that others change meanwhile: the old file is
intact or the new one complete.

    test-disk.py ATELIER
"""

import os
import shutil
import subprocess
import threading
import time

import parity

parity.need("numpy", "PIL")

from command import COMMAND, picture
from faults import disk, last_line, leftovers, one_line, run, things, training, writers

OLD = b"what was there before " * 100


def full_disk(folder, name, arguments):
    """Free room from nothing up to what is needed; how many runs failed, of how many."""
    status, _, message = run(*arguments, folder / name)
    assert status == 0, (name, message)
    need = (folder / name).stat().st_size
    failed = tried = 0
    steps = (0, 4096, need // 2, need - 4096, need + 16384)
    for free in steps:
        if free < 0:
            continue
        free = (free + 4095) // 4096 * 4096
        with disk(free + 4096) as small:  # the old file has a page
            target = small / name
            target.write_bytes(OLD)
            status, _, message = run(*arguments, target)
            tried += 1
            if status == 0:
                assert target.stat().st_size == need, (name, free)
            else:
                failed += 1
                assert "can't be written" in one_line(message), message
                assert target.read_bytes() == OLD, (name, free)
            assert not leftovers(small), (name, free)
    assert failed > 0, name
    return failed, tried


def on_a_full_disk_the_old_file_stays():
    failed = tried = 0
    with things() as folder:
        for name, arguments in writers(folder).items():
            a, b = full_disk(folder, name, arguments)
            failed, tried = failed + a, tried + b
    return f"{failed} of {tried} runs found no room"


def a_training_on_a_full_disk_keeps_its_last_checkpoint():
    """It goes on without; what is there can be used."""
    with things() as folder:
        status, _, message = run(*training(folder, folder / "m.safetensors", 6))
        assert status == 0, message
        need = (folder / "m.safetensors").stat().st_size
        checkpoint = (folder / "m.checkpoint").stat().st_size
        seen = []
        for free in (0, need // 2, need + checkpoint, 1 << 20):
            with disk((free + 4095) // 4096 * 4096 + 8192) as small:
                target = small / "m.safetensors"
                target.write_bytes(OLD)
                status, _, message = run(*training(folder, target, 6))
                seen.append(status)
                if status != 0:
                    assert "m.safetensors" in last_line(message)
                assert not [p for p in leftovers(small) if p.suffix == ".safetensors"]
                if target.read_bytes() != OLD:
                    assert run("info", target)[0] == 0, "a model that is half there"
                saved = small / "m.checkpoint"
                if saved.exists():
                    rest = training(folder, folder / "again.safetensors", 6, "--resume")
                    shutil.copy(saved, folder / "again.checkpoint")
                    status, _, message = run(*rest)
                    assert status == 0, message
        assert seen[0] == 1 and seen[-1] == 0, seen
    return f"statuses {seen}"


def a_read_only_folder_is_refused_before_work_begins():
    with things() as folder, disk("1m") as small:
        subprocess.run(["mount", "-o", "remount,ro", small], check=True)
        for name, arguments in writers(folder).items():
            status, _, message = run(*arguments, small / name)
            assert status == 1, (name, message)
            assert name in one_line(message), message
        begin = time.monotonic()
        status, _, message = run(*training(folder, small / "m.safetensors", 100000))
        assert status == 1 and time.monotonic() - begin < 20, message
        one_line(message)


def start(*arguments):
    return subprocess.Popen([COMMAND, *map(str, arguments)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def a_folder_that_vanishes_meanwhile_is_told():
    with things() as folder:
        picture(folder / "large.png", 900, 700)
        gone = folder / "gone"
        gone.mkdir()
        child = start("translate", "-m", folder / "a.safetensors", "--threads", "1", "-o",
                      gone / "t.png", folder / "large.png")
        time.sleep(0.1)
        shutil.rmtree(gone)
        _, message = child.communicate(timeout=120)
        assert child.returncode == 1, message
        assert "t.png" in one_line(message)
        # A training whose pictures, and then whose own folder, go away.
        gone.mkdir()
        shutil.copytree(folder / "pictures", folder / "lost")
        arguments = training(folder, gone / "m.safetensors", 2000)
        arguments[2] = folder / "lost"
        child = start(*arguments)
        deadline = time.monotonic() + 60
        while not (gone / "m.checkpoint").exists():
            assert child.poll() is None and time.monotonic() < deadline, child.communicate()
            time.sleep(0.02)
        shutil.rmtree(folder / "lost")
        # While it writes, new files may appear in the folder that is being removed.
        while gone.exists():
            shutil.rmtree(gone, ignore_errors=True)
        out, message = child.communicate(timeout=240)
        assert child.returncode == 1, (out[-500:], message[-500:])
        last_line(message)


def churn(stop, path, contents):
    """Writes the file anew again and again, as careless programs do: in place."""
    i = 0
    while not stop.is_set():
        with open(path, "wb") as file:
            half = len(contents[i % len(contents)]) // 2
            file.write(contents[i % len(contents)][:half])
            file.flush()
            time.sleep(0.002)
            file.write(contents[i % len(contents)][half:])
        stop.wait(0.0005 * (i * 7 % 100))
        i += 1


def files_that_others_write_meanwhile_never_end_the_program():
    """Models and pictures that become shorter and longer while they are read."""
    with things() as folder:
        good = done = 0
        for kind in ("png", "tif"):
            source, model = folder / f"q.{kind}", folder / "b.safetensors"
            picture(source, 300, 200)
            whole = [source.read_bytes(), source.read_bytes()[:-1000]]
            weights = [(folder / "a.safetensors").read_bytes()]
            stop = threading.Event()
            threads = [threading.Thread(target=churn, args=(stop, source, whole)),
                       threading.Thread(target=churn, args=(stop, model, weights))]
            for thread in threads:
                thread.start()
            try:
                for i in range(12):
                    status, _, message = run("translate", "-m", model, "--threads", "1", "-o",
                                             folder / "t.png", source)
                    assert status in (0, 1), (status, message)
                    if status:
                        one_line(message)
                    good += status == 0
                    done += 1
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
        return f"{good} of {done} runs found whole files"


def a_training_survives_pictures_that_are_saved_anew():
    with things() as folder:
        contents = [path.read_bytes() for path in sorted((folder / "pictures").iterdir())]
        stop = threading.Event()
        thread = threading.Thread(target=churn, args=(stop, folder / "pictures" / "0.png", contents[:1]))
        thread.start()
        try:
            for i in range(3):
                output = folder / f"m{i}.safetensors"
                status, _, message = run(*training(folder, output, 30, "--set", "cache_mib=0"))
                # At the start a picture may look damaged; that costs this picture only.
                assert status == 0, message
        finally:
            stop.set()
            thread.join()


def temporary_files_are_private():
    """Until they are whole, even where the umask would let all read them."""
    with things() as folder:
        seen = set()
        stop = threading.Event()
        out = folder / "out"
        out.mkdir()

        def watch():
            while not stop.is_set():
                for name in os.listdir(out):
                    if name.startswith("."):
                        try:
                            status = os.stat(out / name)
                            seen.add((status.st_size, status.st_mode & 0o777))
                        except FileNotFoundError:
                            pass

        thread = threading.Thread(target=watch)
        thread.start()
        picture(folder / "large.png", 1500, 1200)
        for _ in range(3):
            status, _, message = run("roundtrip", "-m", folder / "v.safetensors", "-o", out / "t.png",
                                     folder / "large.png", umask=0)
            assert status == 0, message
        stop.set()
        thread.join()
        whole = (out / "t.png").stat()
        modes = {mode for size, mode in seen if size < whole.st_size}
        assert modes == {0o600}, {oct(mode) for mode in modes}
        assert whole.st_mode & 0o777 == 0o666


parity.run([(f.__name__.replace("_", " "), f) for f in (
    on_a_full_disk_the_old_file_stays,
    a_training_on_a_full_disk_keeps_its_last_checkpoint,
    a_read_only_folder_is_refused_before_work_begins,
    a_folder_that_vanishes_meanwhile_is_told,
    files_that_others_write_meanwhile_never_end_the_program,
    a_training_survives_pictures_that_are_saved_anew,
    temporary_files_are_private)])
