"""Writes the checkpoints beside this file, with PyTorch; they are committed so
that the tests of core need no PyTorch.

    zip.pth        torch.save
    protocol4.pth  the same with pickle protocol 4
    legacy.pth     torch.save as before 1.6
    python2.pth    legacy.pth with the byte strings that Python 2 wrote
    expected.safetensors   what all of them hold
"""

import collections
import io
import os
import pickletools

import torch
from safetensors.torch import save_file

here = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(1)


def tensors():
    base = torch.randn(4, 6)
    pixels = torch.randn(2, 3, 4, 5)
    return collections.OrderedDict([
        ("plain", torch.randn(2, 3, 4)),
        ("scalar", torch.tensor(7.5)),
        ("empty", torch.zeros(0, 5)),
        ("half", torch.randn(5).half()),
        ("bfloat16", torch.randn(5).bfloat16()),
        ("double", torch.randn(3, 2).double()),
        ("long", torch.tensor([1, -2, 1 << 40])),
        ("int", torch.tensor([3, -4], dtype=torch.int32)),
        ("byte", torch.tensor([0, 255], dtype=torch.uint8)),
        ("bool", torch.tensor([True, False, True])),
        ("base", base),
        ("transposed", base.t()),
        ("row", base[1]),
        ("column", base[:, 2]),
        ("every second", base[::2, 1::3]),
        ("channels_last", pixels.to(memory_format=torch.channels_last)),
        ("permuted", pixels.permute(2, 0, 3, 1)[1:3]),
        ("expanded", torch.tensor([1.25]).expand(3)),
        ("one", torch.randn(1, 3, 1).transpose(0, 2)),
        ("parameter", torch.nn.Parameter(torch.randn(3))),
        ("模型.größe", torch.randn(1)),
    ])


def checkpoint():
    inner = tensors()
    inner._metadata = collections.OrderedDict([("", {"version": 1})])
    parameter = torch.nn.Parameter(torch.randn(3))
    optimizer = torch.optim.Adam([parameter], lr=1e-3)
    parameter.sum().backward()
    optimizer.step()
    return {
        "epoch": 12,
        "loss": 0.25,
        "best": None,
        "big": 1 << 80,
        "negative": -70000,
        "name": "x" * 300,
        "raw": [1, 2, (3, "a"), {"b": 4}],
        "pictures": [torch.ones(2)],
        "state_dict": inner,
        "optimizer": optimizer.state_dict(),
    }


def expected(value, prefix=""):
    found = {}
    for key, item in value.items():
        name = prefix + str(key)
        if isinstance(item, dict):
            found |= expected(item, name + ".")
        elif isinstance(item, torch.Tensor):
            item = item.detach()
            if item.dtype == torch.bool:
                item = item.to(torch.uint8)
            found[name] = item.clone(memory_format=torch.contiguous_format)
    return found


def python2(data):
    """Texts of the object and of the list of keys as SHORT_BINSTRING."""
    out = bytearray()
    stream = io.BytesIO(data)
    for _ in range(5):
        for opcode, _argument, position in pickletools.genops(stream):
            stop = stream.tell()
            text = data[position:stop]
            if opcode.name == "BINUNICODE" and len(text) < 5 + 256:
                text = b"U" + bytes([len(text) - 5]) + text[5:]
            out += text
    return bytes(out) + data[stream.tell():]


value = checkpoint()
save_file(expected(value), os.path.join(here, "expected.safetensors"))
torch.save(value, os.path.join(here, "zip.pth"))
torch.save(value, os.path.join(here, "protocol4.pth"), pickle_protocol=4)
legacy = os.path.join(here, "legacy.pth")
torch.save(value, legacy, _use_new_zipfile_serialization=False)
with open(legacy, "rb") as file:
    data = file.read()
with open(os.path.join(here, "python2.pth"), "wb") as file:
    file.write(python2(data))
