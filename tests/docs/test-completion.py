"""Completion in bash, asked as the shell asks it."""

import os
import subprocess
import tempfile

import parity
import reference

SCRIPT = reference.PROJECT / "data" / "completion" / "atelier.bash"


def complete(*words, home=None):
    """What bash would offer for the last of the words."""
    line = " ".join(words)
    code = ('source "$SCRIPT"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
            '_atelier; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(
        ["bash", "--norc", "-c", code, "bash", reference.COMMAND, *words],
        capture_output=True, text=True, cwd=home or "/",
        env={**os.environ, "SCRIPT": str(SCRIPT), "LC_ALL": "C.UTF-8",
             **({"XDG_DATA_HOME": home} if home else {})})
    assert done.stderr == "", f"{line}: {done.stderr}"
    return [word for word in done.stdout.split("\n") if word]


def commands_are_offered():
    assert complete("") == reference.commands() + ["--help", "--version"]
    assert "train" in complete("tr") and "translate" in complete("tr")


def options_are_offered():
    for words, text in reference.helps():
        if words and len(words) == 1:
            offered = complete(words[0], "-")
            assert set(offered) == set(reference.options(text)), (words, offered)
    assert "--repeat" in complete("bench", "--train", "pix2pix", "--re")


def values_are_offered():
    assert complete("train", "pix2pix", "d", "--preset", "q") == ["quick"]
    assert complete("train", "pix2pix", "d", "--preset", "=", "f") == ["full"]
    assert complete("train", "pix2pix", "d", "--preset", "=") == [
        "quick", "standard", "full"]
    assert complete("train", "vq") == ["vqvae"]
    assert complete("train", "vqvae", "d", "--set", "rate") == [
        "rate_from=", "rate_to="]


def architectures_are_those_there_are():
    known = reference.architectures()
    assert sorted(known) == sorted(complete("create", "--arch", "")), known


def models_are_offered():
    with tempfile.TemporaryDirectory() as home:
        folder = os.path.join(home, "atelier", "models")
        os.makedirs(folder)
        reference.run("create", "--arch", "resnet_6", "--set", "ngf=4", "-o",
                      os.path.join(folder, "ink.safetensors"))
        assert "ink" in complete("translate", "-m", "i", home=home)
        assert "ink" in complete("info", "in", home=home)


parity.run([
    ("sub-commands are offered", commands_are_offered),
    ("every option is offered, and no other", options_are_offered),
    ("values are offered", values_are_offered),
    ("architectures are those there are", architectures_are_those_there_are),
    ("models are offered", models_are_offered),
])
