"""Whatever is wrong ends with one line that says so, and leaves nothing behind.

    test-bad-input.py ATELIER
"""

import json
import os
import struct
import subprocess

import parity

parity.need("numpy", "PIL")

from command import (COMMAND, Folder, compressor, create, picture, read_header,
                     refuses, translator, write_header)


def damaged(change):
    """A case: a model changed by change (path, header, data) is refused by every
    command that opens one; `change` returns words that must be said."""
    def case():
        with Folder() as folder:
            model = translator(folder / "bad.safetensors")
            header, data = read_header(model)
            words = change(model, header, data)
            words = ["bad.safetensors", *words]
            source = picture(folder / "a.png")
            refuses("info", model, says=words)
            refuses("bench", model, "--size", 32, says=words)
            refuses("translate", "-m", model, "-o", folder / "b.png", source,
                    says=words)
            refuses("export", model, "--onnx", folder / "b.onnx", says=words)
            assert sorted(os.listdir(folder)) == ["a.png", "bad.safetensors"]
    return case


def first_weight(header):
    return next(name for name in header
                if name.endswith("weight") and len(header[name]["shape"]) == 4)


def truncated(path, header, data):
    path.write_bytes(path.read_bytes()[:-1000])
    return []


def truncated_header(path, header, data):
    path.write_bytes(path.read_bytes()[:100])
    return []


def empty(path, header, data):
    path.write_bytes(b"")
    return []


def huge_header(path, header, data):
    path.write_bytes(struct.pack("<Q", 1 << 62) + path.read_bytes()[8:])
    return []


def oversized(path, header, data):
    write_header(path, header, data + bytes(512))
    return []


def overlapping(path, header, data):
    names = [n for n in header if n != "__metadata__"]
    begin, end = header[names[1]]["data_offsets"]
    header[names[1]]["data_offsets"] = [begin - 4, end - 4]
    write_header(path, header, data)
    return []


def wrong_dtype(path, header, data):
    name = first_weight(header)
    header[name]["dtype"] = "I32"
    write_header(path, header, data)
    return [name]


def unknown_dtype(path, header, data):
    name = first_weight(header)
    header[name]["dtype"] = "Q7"
    write_header(path, header, data)
    return [name]


def wrong_shape(path, header, data):
    name = first_weight(header)
    shape = header[name]["shape"]
    header[name]["shape"] = [shape[1], shape[0], *shape[2:]]
    write_header(path, header, data)
    return [name]


def huge_shape(path, header, data):
    name = first_weight(header)
    header[name]["shape"] = [1 << 40, 1 << 40, 4, 4]
    write_header(path, header, data)
    return [name]


def missing_tensor(path, header, data):
    # The last in the file, so that there is no hole.
    name = max((n for n in header if n != "__metadata__"),
               key=lambda n: header[n]["data_offsets"][1])
    begin = header.pop(name)["data_offsets"][0]
    write_header(path, header, data[:begin])
    return [name]


def nan_weights(path, header, data):
    name = first_weight(header)
    begin, end = header[name]["data_offsets"]
    data = (data[:begin] + struct.pack("<f", float("nan")) * ((end - begin) // 4)
            + data[end:])
    write_header(path, header, data)
    return [name]


def bad_config(path, header, data):
    header["__metadata__"]["atelier.config"] = "{\"arch\": \"unet_256\""
    write_header(path, header, data)
    return []


def absurd_config(path, header, data):
    config = json.loads(header["__metadata__"]["atelier.config"])
    config["ngf"] = 2000000000
    header["__metadata__"]["atelier.config"] = json.dumps(config)
    write_header(path, header, data)
    return ["ngf"]


def later_version(path, header, data):
    header["__metadata__"]["atelier.version"] = "9999"
    write_header(path, header, data)
    return ["9999"]


def models_of_the_wrong_kind():
    with Folder() as folder:
        source = picture(folder / "a.png")
        vqvae = compressor(folder / "v.safetensors")
        pix2pix = translator(folder / "p.safetensors")
        gan = create(folder / "d.safetensors", "patchgan", "ndf=8")
        out = folder / "out.png"
        refuses("translate", "-m", vqvae, "-o", out, source, says="VQ-VAE")
        refuses("roundtrip", "-m", pix2pix, "-o", out, source, says="'p'")
        for command in ("translate", "roundtrip"):
            refuses(command, "-m", gan, "-o", out, source, says="'d'")
        assert not out.exists()


def models_that_are_not_there():
    with Folder() as folder:
        missing = folder / "missing.safetensors"
        refuses("info", missing, says="missing")
        refuses("info", folder, says=str(folder))
        refuses("import", folder / "missing.pth", "-o", folder / "m.safetensors",
                says="missing.pth")
        assert not os.listdir(folder)


def checkpoints_that_are_none():
    with Folder() as folder:
        out = folder / "m.safetensors"
        bad = folder / "bad.pth"
        for content in (b"", b"hello", bytes(5000), b"PK\x03\x04" + bytes(100),
                        b"\x80\x02}q\x00."):
            bad.write_bytes(content)
            refuses("import", bad, "-o", out, says="bad.pth")
        assert sorted(os.listdir(folder)) == ["bad.pth"]


def checkpoints_that_would_run_a_command():
    """Refused by the name of what they would call, and nothing is run."""
    try:
        import torch
    except ImportError as error:
        raise parity.Skip(str(error))

    class Evil:
        def __reduce__(self):
            return os.system, (f"touch '{ran}'",)

    with Folder() as folder:
        ran = folder / "ran"
        for legacy in (False, True):
            torch.save({"model.weight": torch.zeros(3), "x": Evil()},
                       folder / "bad.pth", _use_new_zipfile_serialization=not legacy)
            refuses("import", folder / "bad.pth", "-o", folder / "m.safetensors",
                    says=("bad.pth", "system"))
        assert sorted(os.listdir(folder)) == ["bad.pth"]


def pictures_that_are_none():
    with Folder() as folder:
        model = translator(folder / "m.safetensors")
        vqvae = compressor(folder / "v.safetensors")
        out = folder / "out.png"
        good = picture(folder / "good.png").read_bytes()
        jpeg = picture(folder / "good.jpg").read_bytes()
        for name, content in (("empty.png", b""), ("text.png", b"hello world"),
                              ("cut.png", good[:len(good) // 2]),
                              ("cut.jpg", jpeg[:100]), ("empty.jpg", b"")):
            bad = folder / name
            bad.write_bytes(content)
            for command, with_model in (("translate", model),
                                        ("roundtrip", vqvae)):
                refuses(command, "-m", with_model, "-o", out, bad, says=name)
            bad.unlink()
        refuses("translate", "-m", model, "-o", out, folder / "none.png",
                says="none.png")
        refuses("translate", "-m", model, "-o", out, folder, says=str(folder))
        assert not out.exists()


def outputs_that_cannot_be_written():
    with Folder() as folder:
        model = translator(folder / "m.safetensors")
        source = picture(folder / "a.png")
        before = sorted(os.listdir(folder))
        refuses("translate", "-m", model, "-o", folder / "none/b.png", source,
                says="none")
        refuses("translate", "-m", model, "-o", folder / "b.xyz", source,
                says=(".png", "b.xyz"))
        refuses("create", "--arch", "resnet_6", "-o", folder / "none/m", says="none")
        refuses("create", "--arch", "resnet_6", "-o", folder, says=str(folder))
        refuses("export", model, "--onnx", folder / "none/m.onnx", says="none")
        refuses("translate", "-m", model, "-o", model, source, says=".png")
        assert sorted(os.listdir(folder)) == before


def inputs_are_never_overwritten():
    with Folder() as folder:
        model = translator(folder / "m.safetensors")
        source = picture(folder / "a.png")
        other = picture(folder / "b.png")
        content, weights = source.read_bytes(), model.read_bytes()
        (folder / "link.png").symlink_to(source)
        refuses("translate", "-m", model, "-o", source, source, says="a.png")
        refuses("translate", "-m", model, "-o", folder / "link.png", source)
        refuses("translate", "-m", model, "-o", folder, source, says="a.png")
        refuses("translate", "-m", model, "-o", folder, source, other)
        refuses("export", model, "--onnx", model)
        assert source.read_bytes() == content and model.read_bytes() == weights
        (folder / "sub").mkdir()
        refuses("translate", "-m", model, "-o", folder / "out", source,
                picture(folder / "sub/a.png"), says="a.png")


def a_full_disk():
    """The file appears whole or not at all."""
    unshare = ["unshare", "--mount", "--propagation", "unchanged"]
    if os.getuid() != 0:
        unshare.append("--map-root-user")
    with Folder() as folder:
        mount = folder / "small"
        mount.mkdir()
        script = ("mount -t tmpfs -o size=64k none small && cd small && "
                  f"'{COMMAND}' create --arch resnet_6 --set ngf=32 -o m.safetensors;"
                  " status=$?; ls; exit $status")
        done = subprocess.run([*unshare, "sh", "-c", script], cwd=folder, capture_output=True, text=True)
        if "unshare:" in done.stderr or "mount:" in done.stderr:
            raise parity.Skip("no mounts here: " + done.stderr.strip())
        assert done.returncode == 1, done
        assert done.stdout == "", f"left behind: {done.stdout}"
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert "m.safetensors" in done.stderr, done.stderr


def too_little_memory():
    with Folder() as folder:
        model = create(folder / "m.safetensors", "unet_256", "ngf=8")
        source = picture(folder / "a.png", 700, 500)
        message = refuses("translate", "-m", model, "--memory", 1, "-o",
                          folder / "b.png", source, says="MiB")
        assert not (folder / "b.png").exists(), message
        # The address space itself is short.
        done = subprocess.run(
            ["sh", "-c", f"ulimit -v 4000000; exec '{COMMAND}' bench '{model}' "
             "--size 65536x65536 --repeat 1"], capture_output=True, text=True)
        assert done.returncode == 1, done
        assert len(done.stderr.splitlines()) == 1, done.stderr


def tensors_that_do_not_fit():
    with Folder() as folder:
        model = create(folder / "m.safetensors", "unet_128", "ngf=4")
        refuses("bench", model, "--size", "100x100", says="100")
        path = write_header(folder / "in.safetensors",
                            {"input": {"dtype": "F32", "shape": [1, 2, 4, 4],
                                       "data_offsets": [0, 128]}}, bytes(128))
        refuses("bench", model, "--input", path, says=("in.safetensors", "input"))


DAMAGES = (truncated, truncated_header, empty, huge_header, oversized,
           overlapping, wrong_dtype, unknown_dtype, wrong_shape, huge_shape,
           missing_tensor, nan_weights, bad_config, absurd_config, later_version)

parity.run([(f"a damaged model is refused: {f.__name__}".replace("_", " "),
             damaged(f)) for f in DAMAGES]
           + [(f.__name__.replace("_", " "), f) for f in (
               models_of_the_wrong_kind, models_that_are_not_there,
               checkpoints_that_are_none, checkpoints_that_would_run_a_command,
               pictures_that_are_none,
               outputs_that_cannot_be_written, inputs_are_never_overwritten,
               a_full_disk, too_little_memory, tensors_that_do_not_fit)])
