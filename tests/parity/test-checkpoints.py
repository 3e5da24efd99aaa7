"""Checkpoints of PyTorch against safetensors of the same tensors, bit for bit,
and pickles that would run something, which must not.

    test-checkpoints.py CHECKPOINT-TOOL [WORD-OF-A-CASE...]
"""

import os
import pickle
import random
import subprocess
import sys

import parity

parity.need("torch", "safetensors", "numpy")

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

TYPES = [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64,
         torch.int32, torch.uint8, torch.bool]
FORMS = {
    "zip": dict(),
    "zip, protocol 3": dict(pickle_protocol=3),
    "zip, protocol 4": dict(pickle_protocol=4),
    "zip, protocol 5": dict(pickle_protocol=5),
    "legacy": dict(_use_new_zipfile_serialization=False),
    "legacy, protocol 4": dict(_use_new_zipfile_serialization=False, pickle_protocol=4),
}


def convert(path, out):
    """The tool's message, or None if all went well."""
    done = subprocess.run([sys.argv[1], path, out], capture_output=True, text=True)
    assert done.returncode in (0, 1), f"status {done.returncode}: {done.stderr}"
    return done.stderr.strip() or None


def random_tensor(draw):
    dims = [draw.randint(1, 6) for _ in range(draw.randint(0, 5))]
    kind = draw.choice(TYPES)
    value = (torch.randn(dims) * 100).to(kind)
    for _ in range(draw.randint(0, 3)):
        if value.dim() == 0:
            break
        dim = draw.randrange(value.dim())
        change = draw.choice(["transpose", "step", "narrow", "select", "flip"])
        if change == "transpose":
            value = value.transpose(dim, draw.randrange(value.dim()))
        elif change == "step":
            value = value[(slice(None),) * dim + (slice(None, None, 2),)]
        elif change == "narrow":
            value = value.narrow(dim, value.size(dim) // 2, value.size(dim) - value.size(dim) // 2)
        elif change == "select":
            value = value.select(dim, value.size(dim) - 1)
        else:
            value = value.flip(dim)
    return value


def random_state(draw, count):
    state = {}
    for i in range(count):
        value = random_tensor(draw)
        if draw.random() < 0.2 and state:  # tied, as two layers may share weights
            value = draw.choice(list(state.values()))
        state[f"layer.{i}.weight"] = value
    return state


def expected(state):
    return {name: (value.to(torch.uint8) if value.dtype == torch.bool else value)
            .clone(memory_format=torch.contiguous_format) for name, value in state.items()}


def same(path, state):
    found = load_file(path)
    wanted = expected(state)
    assert set(found) == set(wanted), "names differ"
    for name, value in wanted.items():
        assert found[name].dtype == value.dtype, name
        assert found[name].shape == value.shape, name
        assert torch.equal(found[name].view(torch.uint8) if value.dim() else found[name],
                           value.view(torch.uint8) if value.dim() else value), name


def tensors_arrive(options):
    def case():
        draw = random.Random(7)
        torch.manual_seed(7)
        with parity.Folder() as folder:
            path, out = folder.path("in.pth"), folder.path("out.safetensors")
            total = 0
            for _ in range(12):
                state = random_state(draw, draw.randint(1, 20))
                torch.save(state, path, **options)
                message = convert(path, out)
                assert message is None, message
                same(out, state)
                total += len(state)
            return f"{total} tensors"
    return case


def safetensors_arrive():
    torch.manual_seed(3)
    draw = random.Random(3)
    with parity.Folder() as folder:
        path, out = folder.path("in.safetensors"), folder.path("out.safetensors")
        state = {name: value for name, value in expected(random_state(draw, 40)).items()}
        metadata = {"quote\"\\": "line\nbreak\t\u0001", "模型": "🎨"}
        save_file(state, path, metadata=metadata)
        assert convert(path, out) is None
        same(out, state)
        with safe_open(out, "pt") as file:
            assert file.metadata() == metadata


class Runs:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def refused(value, name, save):
    def case():
        with parity.Folder() as folder:
            path, out = folder.path("in.pth"), folder.path("out.safetensors")
            mark = folder.path("ran")
            save(value(mark), path)
            message = convert(path, out)
            assert message and name in message, message
            assert "it was not run" in message, message
            assert not os.path.exists(out) and not os.path.exists(mark)
            return message.replace(folder.name, "")
    return case


def save_zip(value, path):
    torch.save({"weight": torch.ones(2), "x": value}, path)


def save_legacy(value, path):
    torch.save({"weight": torch.ones(2), "x": value}, path,
               _use_new_zipfile_serialization=False)


def save_pickle(value, path):
    with open(path, "wb") as file:
        pickle.dump({"x": value}, file)


def save_module(value, path):
    torch.save(value, path)


CASES = [(f"tensors arrive exactly: {name}", tensors_arrive(options))
         for name, options in FORMS.items()]
CASES.append(("safetensors come and go exactly", safetensors_arrive))
for where, save in (("zip", save_zip), ("legacy", save_legacy), ("bare", save_pickle)):
    CASES += [
        (f"os.system is refused: {where}",
         refused(lambda mark: Runs(os.system, f"touch {mark}"), "system", save)),
        (f"eval is refused: {where}",
         refused(lambda mark: Runs(eval, f"open({mark!r}, 'w')"), "eval", save)),
        (f"open is refused: {where}",
         refused(lambda mark: Runs(open, mark, "w"), "open", save)),
    ]
CASES.append(("a whole module is refused by its class",
              refused(lambda mark: torch.nn.Linear(2, 2), "torch.nn.modules.linear.Linear",
                      save_module)))

parity.run(CASES)
