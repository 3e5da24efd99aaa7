"""What the command asks of the system, as strace sees it: no socket, no program, nothing written
but what was asked for.

    test-trace.py ATELIER
"""

import os
import re
import shutil
import subprocess
import zipfile

import parity

parity.need("numpy", "PIL")

from command import COMMAND, read_header, write_header
from faults import run, things, training, writers

STRACE = shutil.which("strace")


def trace(folder, arguments, calls):
    """The calls that such a run makes, its own start left out."""
    if not STRACE:
        raise parity.Skip("there is no strace")
    log = folder / "trace"
    done = subprocess.run([STRACE, "-f", "-qq", "-e", f"trace={calls}", "-e", "signal=none", "-o", log,
                           COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    text = log.read_text(errors="replace")
    if "ptrace" in done.stderr and not text:
        raise parity.Skip("tracing is not allowed here")
    assert done.returncode == 0, done.stderr
    return text.splitlines()


def every_command(folder):
    for name, arguments in writers(folder).items():
        yield name, [*arguments, folder / name]
    yield "pixels", ["decompress", folder / "v.vqi", "-m", folder / "v.safetensors", "-o", folder / "d.png"]
    yield "training", training(folder, folder / "m.safetensors", 3)
    yield "evaluate", ["evaluate", "-m", folder / "v.safetensors", folder / "pictures"]
    yield "info", ["info", folder / "a.safetensors"]
    yield "models", ["models"]


def no_socket_is_opened_and_no_program_started():
    count = 0
    with things() as folder:
        for name, arguments in every_command(folder):
            lines = trace(folder, arguments, "socket,connect,bind,listen,accept,accept4,socketpair,sendto,"
                                             "execve,execveat,fork,vfork")
            others = [line for line in lines if "execve(" not in line or COMMAND not in line]
            assert not others, (name, others)
            assert sum("execve(" in line for line in lines) == 1, (name, lines)
            count += 1
    return f"{count} commands"


OPENED = re.compile(r'(?:open|openat|creat)\((?:AT_FDCWD, )?"([^"]*)", ([A-Z_|0-9]+)')


def only_what_was_asked_for_is_written():
    """The output, what lies beside it, and files without a name in the folder for large ones."""
    with things() as folder:
        seen = 0
        for name, arguments in every_command(folder):
            for line in trace(folder, arguments, "open,openat,creat,mkdir,rename,unlink"):
                found = OPENED.search(line)
                if not found or not re.search("O_WRONLY|O_RDWR|O_CREAT", found[2]):
                    continue
                path = found[1]
                seen += 1
                nameless = "O_TMPFILE" in found[2] or re.match(r"/(var/)?tmp/atelier-\w{6}$", path)
                harmless = path.startswith(("/dev/null", "/dev/shm/", "/proc/", "/sys/"))
                assert path.startswith(str(folder)) or nameless or harmless, (name, line)
        return f"{seen} files opened for writing"


def paths_within_files_lead_nowhere():
    """A zip whose entries climb out, a model whose tensors' names do."""
    with things() as folder:
        for entry in ("../../../../etc/atelier-escaped", "/tmp/atelier-escaped", "..\\..\\x"):
            with zipfile.ZipFile(folder / "evil.pth", "w") as archive:
                archive.writestr(entry + "/data.pkl", b"\x80\x02}.")
                archive.writestr(entry + "/data/0", b"x" * 16)
            status, _, _ = run("import", folder / "evil.pth", "-o", folder / "i2.safetensors")
            assert status == 1
        header, data = read_header(folder / "a.safetensors")
        first = next(name for name in header if name != "__metadata__")
        for entry in ("../../../../tmp/atelier-escaped", "/tmp/atelier-escaped"):
            evil = {entry if name == first else name: value for name, value in header.items()}
            write_header(folder / "evil.safetensors", evil, data)
            status, _, _ = run("translate", "-m", folder / "evil.safetensors", "-o",
                               folder / "t2.png", folder / "p.png")
            assert status == 1
        names = {path.name for path in folder.rglob("*")}
        assert not any("escaped" in name for name in names), names
        assert not os.path.exists("/etc/atelier-escaped") and not os.path.exists("/tmp/atelier-escaped")


parity.run([(f.__name__.replace("_", " "), f) for f in (
    no_socket_is_opened_and_no_program_started,
    only_what_was_asked_for_is_written,
    paths_within_files_lead_nowhere)])
