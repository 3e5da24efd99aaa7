"""What the tests of faults share: a small disk, models and pictures on it."""

import contextlib
import pathlib
import subprocess
import tempfile

import parity
from command import COMMAND, Folder, compressor, picture, translator

VQVAE = ["--arch", "vqvae", "--size", "32", "--batch", "1", "--set", "hidden=16", "--set", "codes=16",
         "--set", "code_dim=8", "--set", "stages=2", "--set", "unquantised=2", "--set", "patch=1",
         "--set", "linear_skip=no", "--set", "load_threads=1", "--seed", "3", "--threads", "1"]


def run(*args, **options):
    """(status, stdout, stderr) of `atelier ARGS`."""
    done = subprocess.run([COMMAND, *map(str, args)], capture_output=True, text=True, timeout=300,
                          **options)
    return done.returncode, done.stdout, done.stderr


@contextlib.contextmanager
def disk(size):
    """A folder with a file system of its own of so many bytes."""
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder],
                                 capture_output=True)
        if mounted.returncode != 0:
            raise parity.Skip("no file system can be mounted here")
        try:
            yield pathlib.Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


@contextlib.contextmanager
def things():
    """A folder with models a.safetensors (Pix2Pix), v.safetensors (VQ-VAE), a picture p.png and
    pictures to train on."""
    with Folder() as folder:
        translator(folder / "a.safetensors")
        compressor(folder / "v.safetensors", "stages=2")
        picture(folder / "p.png", 200, 150)
        (folder / "pictures").mkdir()
        for i in range(3):
            picture(folder / "pictures" / f"{i}.png", 48 + i, 40)
        yield folder


def training(folder, output, steps, *more):
    return ["train", "vqvae", folder / "pictures", "-o", output, *VQVAE, "--steps", steps,
            "--set", "measure_steps=1000", "--set", "checkpoint_seconds=0", *more]


def writers(folder):
    """name of the output -> arguments; everything that writes a file."""
    source, a, v = folder / "p.png", folder / "a.safetensors", folder / "v.safetensors"
    result = {f"t.{kind}": ["translate", "-m", a, source, "-o"]
              for kind in ("png", "jpg", "tif", "webp")}
    result |= {
        "r.png": ["roundtrip", "-m", v, source, "-o"],
        "c.safetensors": ["create", "--arch", "unet_32", "--set", "ngf=8", "--seed", "1", "-o"],
        "i.safetensors": ["import", a, "-o"],
        "o.onnx": ["export", a, "--onnx"],
        "v.vqi": ["compress", "-m", v, source, "-o"],
    }
    return result


def leftovers(folder):
    return [path for path in pathlib.Path(folder).rglob(".*")]


def one_line(message):
    lines = message.splitlines()
    assert len(lines) == 1 and lines[0].startswith("atelier: "), message
    return lines[0]


def last_line(message):
    """Of a training, which warns and goes on before it gives up."""
    lines = message.splitlines()
    assert lines and all(line.startswith("atelier: ") for line in lines), message[-500:]
    return lines[-1]
