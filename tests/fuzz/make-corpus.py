#!/usr/bin/env python3
"""Makes the seeds of tests/fuzz/corpus anew: small files of every form that the
readers know, and damaged ones (tests/environment/run tests/fuzz/make-corpus.py).

What fuzzing found worth keeping lies beside them, under names that are hashes.
"""

import io
import json
import pathlib
import pickle
import struct
import zipfile

import numpy as np
from PIL import Image, ImageCms

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parent / "data"


def put(target, name, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def safetensors(tensors, metadata=None):
    header, data = {}, b""
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, (kind, shape, content) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def make_safetensors():
    put("safetensors", "empty", safetensors({}))
    put("safetensors", "metadata", safetensors({}, {"k": "v", "\u00e9\n": "\U0001f3a8"}))
    sizes = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8, "I64": 8, "I32": 4, "U8": 1}
    put("safetensors", "types", safetensors(
        {kind: (kind, [2, 3], bytes(6 * size)) for kind, size in sizes.items()}))
    put("safetensors", "bool", safetensors({"b": ("BOOL", [3], bytes(3))}))
    put("safetensors", "scalar", safetensors({"s": ("F32", [], bytes(4)), "e": ("F32", [0, 7], b"")}))
    put("safetensors", "huge-shape", safetensors({"s": ("F32", [2**62, 4], bytes(16))}))
    put("safetensors", "huge-header", struct.pack("<Q", 2**63) + b"{}")
    for path in sorted((DATA / "version-1").glob("*.safetensors")):
        if path.stat().st_size < 8000:
            put("safetensors", path.stem, path.read_bytes())


def make_vqi():
    for path in sorted((DATA / "vqi").glob("*.vqi")):
        put("vqi", path.stem, path.read_bytes())
        put("vqi", path.stem + "-cut", path.read_bytes()[:200])
    # Tables for one level of two stages of 5 codes, the first with a network.
    tree = b"".join(struct.pack("<H", i) for i in (0, 1, 2, 3, 4)) + struct.pack("<H", 30000) * 8
    network = (bytes([0, 0, 255, 0]) + bytes(6 * 16) + bytes(2 * 16) + bytes(2 * 8 * 16)
               + bytes(4 * 8))
    tables = (b"ATLC" + struct.pack("<III", 1, 1, 2)
              + struct.pack("<IHHHH", 5, 16, 1, 4, 0) + tree + network
              + struct.pack("<IHHHH", 5, 0, 0, 0, 0) + tree)
    put("vqi", "tables", b"\1" + tables)


def make_pickles():
    put("pickle", "deep", b"\x80\x02" + b"]" * 2000 + b"a" * 1999 + b".")
    put("pickle", "cycle", b"\x80\x02]q\x00h\x00a.")
    put("pickle", "dict-cycle", b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.")
    put("pickle", "bomb", b"\x80\x02]q\x00" + b"(" + b"h\x00" * 200 + b"e.")
    put("pickle", "system", b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00trueR.")
    put("pickle", "long", b"\x80\x02\x8b\xff\xff\xff\x7f.")
    for protocol in range(2, 6):
        put("pickle", f"protocol-{protocol}", pickle.dumps(
            {"a": [1, 2.5, -3, 2**70, None, True], "b": (1, ("x", b"y")), "c": {"d": {}}}, protocol))


def zipped(entries, kind=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def make_checkpoints():
    for path in sorted((DATA / "checkpoint").glob("*.pth")):
        put("checkpoint", path.name, path.read_bytes())
    put("checkpoint", "cycle", zipped([("a/data.pkl", b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.")]))
    put("checkpoint", "escape", zipped([("../../etc/data.pkl", b"\x80\x02}."), ("/a/data/0", b"x")]))
    put("checkpoint", "bomb", zipped([("a/data.pkl", b"\x80\x02}."), ("a/data/0", bytes(1 << 20))],
                                     zipfile.ZIP_DEFLATED))
    tensor = (b"\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storage"
              b"ctorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQK\x00(K\x02K\x02t"
              b"(K\x01K\x02t\x89ccollections\nOrderedDict\n)RtRs.")
    put("checkpoint", "tensor", zipped([("a/data.pkl", tensor), ("a/data/0", bytes(16)),
                                        ("a/byteorder", b"little")]))


def save(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def make_pictures():
    x, y = np.meshgrid(np.arange(11), np.arange(7))
    planes = np.stack([x * 20, y * 30, (x * y) % 256, x * 23], -1).astype(np.uint8)
    rgb, rgba = Image.fromarray(planes[:, :, :3]), Image.fromarray(planes)
    grey = rgb.convert("L")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112] = 6
    modes = {"rgb": rgb, "rgba": rgba, "grey": grey, "la": rgba.convert("LA"), "palette": rgb.convert("P"),
             "bits": grey.convert("1"), "sixteen": Image.fromarray((planes[:, :, 0].astype(np.uint16) * 257))}
    for name, image in modes.items():
        put("picture", f"{name}.png", save(image, "PNG"))
    put("picture", "exif.png", save(rgb, "PNG", exif=exif, icc_profile=profile))
    for name, image, options in (("rgb", rgb, {}), ("grey", grey, {}), ("cmyk", rgb.convert("CMYK"), {}),
                                 ("progressive", rgb, {"progressive": True}),
                                 ("exif", rgb, {"exif": exif, "icc_profile": profile})):
        put("picture", f"{name}.jpg", save(image, "JPEG", **options))
    for name, image in {**modes, "cmyk": rgb.convert("CMYK"), "lab": rgb.convert("LAB"),
                        "real": Image.fromarray(planes[:, :, 0].astype(np.float32) / 255)}.items():
        if name not in ("la",):
            put("picture", f"{name}.tif", save(image, "TIFF"))
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        put("picture", f"{compression}.tif", save(rgb, "TIFF", compression=compression))
    put("picture", "fax.tif", save(grey.convert("1"), "TIFF", compression="group4"))
    put("picture", "lossless.webp", save(rgba, "WEBP", lossless=True))
    put("picture", "lossy.webp", save(rgb, "WEBP", exif=exif))
    put("picture", "one-colour.webp", save(Image.new("RGB", (4000, 4000)), "WEBP", lossless=True))


def make_metadata():
    for path in sorted((DATA / "version-1").glob("*.safetensors")):
        data = path.read_bytes()
        length, = struct.unpack("<Q", data[:8])
        for key, text in json.loads(data[8:8 + length])["__metadata__"].items():
            if text.startswith("{"):
                put("metadata", f"{path.stem}-{key}", text.encode())
    put("metadata", "deep", b'{"arch":' + b"[" * 3000)
    put("metadata", "deep-objects", b'{"a":' * 1000)
    put("metadata", "numbers", b'{"arch":"unet_256","ngf":1e400,"dropout":-0.0,"norm":3}')
    put("metadata", "large", b'{"arch":"vqvae","hidden":2147483647,"codes":65536,"code_dim":4096}')
    put("metadata", "settings", b"kind=vqvae\nsize=32\nbatch=2\nseed=3\nlr=0.001\nhidden=16\n")
    put("metadata", "settings-2", b"kind=pix2pix\narch=unet_32\nngf=8\nseed=3\n")


def make_models():
    for path in sorted((DATA / "version-1").glob("*.safetensors")):
        put("model", path.stem, path.read_bytes())


def entry(kind, name, content=b""):
    return struct.pack("<BBH", kind, len(name), len(content)) + name + content


def make_datasets():
    grey = save(Image.new("L", (4, 4), 7), "PNG")
    wide = save(Image.new("RGB", (8, 4), (1, 2, 3)), "PNG")
    put("dataset", "folders", b"".join(entry(0, name, grey) for name in
                                       (b"A/1.png", b"B/1.png", b"A/2.png", b"B/2.jpg", b"A/3.png")))
    put("dataset", "suffixes", b"".join(entry(0, name, grey) for name in
                                        (b"x_a.png", b"x_b.png", b"y_input.png", b"y_target.png")))
    put("dataset", "wide", entry(0, b"1.png", wide) + entry(0, b"2.png", wide) + entry(0, b"3.png", b""))
    put("dataset", "links", entry(1, b"A") + entry(2, b"A/loop", b"A") + entry(2, b"B", b"A")
        + entry(0, b"A/1.png", grey) + entry(2, b"A/2.png", b"nowhere"))
    put("dataset", "names", entry(0, b"A/\xff\xfe.png", grey) + entry(0, b"B/\xff\xfe.png", grey)
        + entry(0, b"A/new\nline.png", grey) + entry(0, b"B/new\nline.png", grey))
    put("dataset", "splits", b"".join(entry(0, folder + name, grey) for folder in
                                      (b"train/A/", b"train/B/", b"val/A/", b"val/B/") for name in
                                      (b"1.png", b"2.png")))


for make in (make_safetensors, make_pickles, make_checkpoints, make_pictures, make_metadata, make_models,
             make_datasets, make_vqi):
    make()
