"""What is built is hardened: read out of the ELF files.

    test-hardening.py PROGRAM...
"""

import shutil
import subprocess
import sys

import parity

PROGRAMS = sys.argv[1:]
sys.argv[2:] = []  # parity takes further arguments as names of cases
if not shutil.which("readelf"):
    print("1..0 # SKIP there is no readelf")
    sys.exit(0)


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], capture_output=True, text=True,
                          check=True).stdout


def each(check):
    for path in PROGRAMS:
        check(path)
    return f"{len(PROGRAMS)} files"


def placed_anywhere():
    def check(path):
        assert "DYN (" in readelf("-h", path), path
    return each(check)


def relocations_are_read_only_and_bound_at_start():
    def check(path):
        assert "GNU_RELRO" in readelf("-l", path), path
        dynamic = readelf("-d", path)
        assert "BIND_NOW" in dynamic or "NOW" in dynamic, path
        assert "TEXTREL" not in dynamic, path
    return each(check)


def no_memory_is_both_written_and_run():
    def check(path):
        for line in readelf("-l", path).splitlines():
            if line.split()[:1] in (["GNU_STACK"], ["LOAD"]):
                assert "RWE" not in line.replace(" ", ""), (path, line)
    return each(check)


def stacks_are_guarded():
    def check(path):
        assert "__stack_chk_fail" in readelf("--dyn-syms", path), path
    return each(check)


def copies_are_checked():
    def check(path):
        symbols = readelf("--dyn-syms", path)
        assert "_chk@" in symbols.replace("__stack_chk", ""), path
    return each(check)


def jumps_land_where_they_may():
    """Indirect branch tracking and shadow stacks, on x86."""
    if "X86-64" not in readelf("-h", PROGRAMS[0]):
        raise parity.Skip("not x86")

    def check(path):
        sections = subprocess.run(["objdump", "-d", "--no-show-raw-insn", "-j", ".text", path],
                                  capture_output=True, text=True, check=True).stdout
        functions = sections.count(">:\n")
        assert sections.count("endbr64") > 0.5 * functions > 10, (path, functions)
    return each(check)


parity.run([(f.__name__.replace("_", " "), f) for f in (
    placed_anywhere, relocations_are_read_only_and_bound_at_start,
    no_memory_is_both_written_and_run, stacks_are_guarded, copies_are_checked,
    jumps_land_where_they_may)])
