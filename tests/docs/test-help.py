"""Every --help fits on a terminal of 24 lines of 80 columns, prompt included."""

import parity
import reference

ROWS, COLUMNS = 24, 80


def fits():
    for words, text in reference.helps():
        lines = text.rstrip("\n").split("\n")
        name = " ".join(["atelier", *words, "--help"])
        assert len(lines) < ROWS, f"{name} has {len(lines)} lines"
        for line in lines:
            assert len(line) <= COLUMNS, f"{name} has {len(line)} columns: {line}"


def every_command_has_options():
    for words, text in reference.helps():
        if words:
            assert "--help" in reference.options(text), words
            assert len(reference.options(text)) > 2, (words, reference.options(text))


def settings_fit_the_width():
    for kind in "pix2pix", "vqvae":
        for line in reference.run("train", kind, "--settings").splitlines():
            assert len(line) <= COLUMNS, line


def settings_are_what_set_takes():
    """Each is accepted as it is listed, and a value that can't be is refused
    with the very words of the list."""
    for kind in "pix2pix", "vqvae":
        for key, (value, allowed) in reference.settings(kind, "quick").items():
            reference.run("train", kind, "--settings", "--preset", "quick",
                          "--set", f"{key}={value}")
            if allowed == "any text":
                continue
            try:
                reference.run("train", kind, "--settings", "--preset", "quick",
                              "--set", f"{key}=?")
            except AssertionError as refused:
                bound = allowed.split()[-1]
                assert bound in str(refused), f"{key}: {allowed!r} / {refused}"
            else:
                raise AssertionError(f"{kind}: {key}=? was taken")


parity.run([
    ("every help fits on a screen", fits),
    ("every command tells its options", every_command_has_options),
    ("--settings fits the width of a screen", settings_fit_the_width),
    ("--settings lists what --set takes", settings_are_what_set_takes),
])
