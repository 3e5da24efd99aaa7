"""What the tests of the command share: running it, models and pictures."""

import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

COMMAND = os.path.abspath(sys.argv[1])
SAMPLE = pathlib.Path(os.environ["ATELIER_SAMPLES"]) / "osprey.jpg"


def run(*args, status=0, env=None, cwd=None):
    """Runs `atelier ARGS`; returns stdout, or stderr if a failure is expected."""
    done = subprocess.run([COMMAND, *map(str, args)], capture_output=True,
                          text=True, cwd=cwd, env={**os.environ, **(env or {})})
    assert done.returncode == status, (
        f"status {done.returncode}, not {status}: {done.stderr.strip()}")
    if status == 0:
        assert done.stderr == "", f"stderr: {done.stderr}"
        return done.stdout
    return done.stderr


def refuses(*args, says=(), env=None, cwd=None):
    """`atelier ARGS` fails with status 1 and one line that holds all words."""
    message = run(*args, status=1, env=env, cwd=cwd)
    lines = message.splitlines()
    assert len(lines) == 1, f"not one line: {message}"
    assert lines[0].startswith("atelier: "), message
    for word in [says] if isinstance(says, str) else says:
        assert word in message, f"does not say {word!r}: {message}"
    return message


class Folder:
    """A temporary folder as a pathlib.Path."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        return pathlib.Path(self.folder.name)

    def __exit__(self, *_):
        self.folder.cleanup()


def create(path, arch, *settings, seed=1):
    options = [word for s in settings for word in ("--set", s)]
    run("create", "--arch", arch, *options, "--seed", seed, "-o", path)
    return path


def translator(path):
    """A small Pix2Pix model."""
    return create(path, "resnet_6", "ngf=8", "blocks=1")


def compressor(path, *settings):
    """A small VQ-VAE."""
    return create(path, "vqvae", "hidden=16", "residual_blocks=1", "codes=32",
                  "code_dim=8", *settings)


def picture(path, width=64, height=48, mode="RGB", **options):
    import numpy as np
    from PIL import Image

    x, y = np.meshgrid(np.arange(width), np.arange(height))
    planes = [(3 * x + 5 * y) % 256, (7 * x) % 256, (2 * y + 40) % 256,
              (x * 4) % 256]
    channels = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}[mode]
    if mode == "LA":
        planes = [planes[0], planes[3]]
    array = np.stack(planes[:channels], -1).astype(np.uint8)
    Image.fromarray(array[:, :, 0] if channels == 1 else array, mode).save(
        path, **options)
    return path


def pixels(path):
    import numpy as np
    from PIL import Image

    return np.asarray(Image.open(path))


def read_header(path):
    """(header as a dict, data) of a safetensors file."""
    data = pathlib.Path(path).read_bytes()
    length, = struct.unpack("<Q", data[:8])
    return json.loads(data[8:8 + length]), data[8 + length:]


def write_header(path, header, data):
    text = json.dumps(header).encode()
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path
