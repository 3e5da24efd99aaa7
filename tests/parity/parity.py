"""What the parity tests share: TAP output, the tools, inputs and comparing."""

import json
import os
import subprocess
import sys
import tempfile
import traceback

TOLERANCE = 1e-4


def need(*modules):
    """Skips the whole program, with the reason, if a module is missing."""
    for module in modules:
        try:
            __import__(module)
        except ImportError as error:
            print(f"1..0 # SKIP {error}")
            sys.exit(0)


class Skip(Exception):
    pass


def run(cases):
    """cases: list of (name, function).  Speaks TAP; the exit status tells."""
    print(f"1..{len(cases)}", flush=True)
    failed = 0
    only = sys.argv[2:]
    for number, (name, function) in enumerate(cases, 1):
        if only and not any(word in name for word in only):
            print(f"ok {number} - {name} # SKIP not asked for", flush=True)
            continue
        try:
            detail = function()
            print(f"ok {number} - {name}" + (f": {detail}" if detail else ""),
                  flush=True)
        except Skip as skip:
            print(f"ok {number} - {name} # SKIP {skip}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {number} - {name}")
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
            sys.stdout.flush()
    sys.exit(1 if failed else 0)


def tool(*args):
    """Runs the helper whose path is the program's first argument."""
    done = subprocess.run([sys.argv[1], *map(str, args)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{os.path.basename(sys.argv[1])} {args[0]}: {done.stderr.strip()}")
    return done.stdout


class Folder(tempfile.TemporaryDirectory):
    def __enter__(self):
        super().__enter__()
        return self

    def path(self, name):
        return os.path.join(self.name, name)


def read_model(path):
    """(config, metadata, tensors) of a model file."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    return json.loads(metadata["atelier.config"]), metadata, tensors


def run_ours(folder, path, stages=0, **inputs):
    """(output, codes by node) of our own engine, given the values of nodes.
    stages: residual stages in use; 0: all."""
    from safetensors.torch import load_file, save_file

    save_file({name: x.contiguous() for name, x in inputs.items()},
              folder.path("inputs.safetensors"))
    tool("run", path, folder.path("inputs.safetensors"),
         folder.path("outputs.safetensors"), stages)
    found = load_file(folder.path("outputs.safetensors"))
    return found.pop("output").numpy(), found


def difference(a, b):
    """The largest absolute difference; shapes must agree, values be finite."""
    import numpy as np

    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape, f"{a.shape} against {b.shape}"
    assert np.isfinite(a).all() and np.isfinite(b).all(), "values are not finite"
    return float(np.abs(a - b).max())


def assert_close(a, b, what, tolerance=TOLERANCE):
    d = difference(a, b)
    assert d <= tolerance, f"{what}: differs by {d:.3g}, allowed is {tolerance:g}"
    return d
