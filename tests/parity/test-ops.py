"""Every op, forward and backward, against PyTorch on random shapes.

The reference runs in double precision.  Errors are relative to the largest
value: 1e-5, and 1e-4 where Winograd may be used.
"""

import json
import random

from parity import Folder, need, run, tool

need("torch", "safetensors")

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

ACTIVATIONS = [lambda x, s: x, lambda x, s: F.relu(x),
               lambda x, s: F.leaky_relu(x, s), lambda x, s: torch.tanh(x)]


def picture(n, c, h, w):
    return torch.randn(n, c, h, w, dtype=torch.float64)


def weights(*dims):
    return torch.randn(*dims, dtype=torch.float64) / (dims[1] * dims[2] * dims[3]) ** 0.5


def random_size(low=1, high=40):
    """A picture's size; some are a single row, column or pixel."""
    h, w = random.randint(low, high), random.randint(low, high)
    return random.choice([(h, w), (h, w), (h, w), (low, w), (h, low), (low, low)])


def conv(rng_kernel=None):
    k, s = rng_kernel or random.choice([(1, 1), (3, 1), (3, 2), (4, 2), (4, 1), (5, 1),
                                        (7, 1), (2, 2), (8, 8)])
    p = random.randint(0, (k - 1) // 2)
    h, w = random_size(max(1, k - 2 * p))
    c, oc = random.choice([1, 3, 8, 16, 20, 64, 130]), random.choice([1, 3, 16, 33, 64, 96])
    x, weight, bias = picture(random.randint(1, 3), c, h, w), weights(oc, c, k, k), \
        torch.randn(oc, dtype=torch.float64)
    case = dict(op="conv2d", kernel=k, stride=s, padding=p, channels=oc)
    return case, dict(x=x, weight=weight, bias=bias), \
        lambda t: F.conv2d(t["x"], t["weight"], t["bias"], s, p)


def conv_transpose():
    k, s = random.choice([(4, 2), (3, 2), (2, 2), (3, 1), (1, 1), (8, 8), (5, 2)])
    p = random.randint(0, (k - 1) // 2)
    op = random.randint(0, s - 1)
    h, w = random_size(3, 20)
    c, oc = random.choice([1, 3, 16, 48, 64]), random.choice([1, 3, 16, 33, 64, 80])
    x, bias = picture(random.randint(1, 2), c, h, w), torch.randn(oc, dtype=torch.float64)
    weight = weights(c, oc, k, k)
    case = dict(op="conv_transpose2d", kernel=k, stride=s, padding=p, output_padding=op,
                channels=oc)
    return case, dict(x=x, weight=weight, bias=bias), \
        lambda t: F.conv_transpose2d(t["x"], t["weight"], t["bias"], s, p, op)


def reflect_conv():
    k = random.choice([3, 7])
    f = k // 2
    h, w = random_size(f + 1)
    c, oc = random.choice([3, 16, 64]), random.choice([3, 16, 64])
    tensors = dict(x=picture(2, c, h, w), weight=weights(oc, c, k, k),
                   bias=torch.randn(oc, dtype=torch.float64))
    case = dict(op="reflect_conv", kernel=k, stride=1, channels=oc, factor=f)
    return case, tensors, \
        lambda t: F.conv2d(F.pad(t["x"], [f] * 4, "reflect"), t["weight"], t["bias"])


def upsample_conv():
    h, w = random_size(1, 16)
    c, oc = random.choice([3, 16, 64]), random.choice([3, 16, 64])
    tensors = dict(x=picture(2, c, h, w), weight=weights(oc, c, 3, 3),
                   bias=torch.randn(oc, dtype=torch.float64))
    case = dict(op="upsample_conv", kernel=3, stride=1, padding=1, channels=oc, factor=2)
    return case, tensors, lambda t: F.conv2d(
        F.interpolate(F.relu(t["x"]), scale_factor=2), t["weight"], t["bias"], 1, 1)


def norm(kind, running=False):
    h, w = random_size(2)
    c = random.choice([1, 3, 16, 50, 128])
    tensors = dict(x=picture(random.randint(1, 3), c, h, w) + 2,
                   weight=torch.randn(c, dtype=torch.float64),
                   bias=torch.randn(c, dtype=torch.float64))
    if kind == "batch_norm":
        tensors["running_mean"] = torch.randn(c, dtype=torch.float64)
        tensors["running_var"] = torch.rand(c, dtype=torch.float64) + 0.5
        function = lambda t: F.batch_norm(
            t["x"], t["running_mean"].clone(), t["running_var"].clone(), t["weight"],
            t["bias"], not running)
    else:
        function = lambda t: F.instance_norm(t["x"], None, None, t["weight"], t["bias"])
    return dict(op=kind, running=running), tensors, function


def activation():
    kind, slope = random.randint(0, 3), random.choice([0.01, 0.2])
    h, w = random_size()
    return dict(op="activation", activation=kind, slope=slope), \
        dict(x=3 * picture(2, random.choice([1, 3, 17, 64]), h, w)), \
        lambda t: ACTIVATIONS[kind](t["x"], slope)


def two(kind):
    h, w = random_size()
    c, n = random.choice([1, 3, 16, 40]), random.randint(1, 3)
    c2 = c if kind == "add" else random.choice([1, 3, 16, 40])
    return dict(op=kind), dict(x=picture(n, c, h, w), x2=picture(n, c2, h, w)), \
        (lambda t: t["x"] + t["x2"]) if kind == "add" \
        else lambda t: torch.cat([t["x"], t["x2"]], 1)


def move(kind):
    f = random.choice([2, 4]) if kind != "reflect_pad" else random.randint(1, 3)
    c = random.choice([1, 3, 8]) * (f * f if kind == "depth_to_space" else 1)
    h, w = random_size(f + 1, 12)
    bilinear = random.randint(0, 1)
    if kind == "space_to_depth":
        h, w = h * f, w * f
    functions = dict(
        upsample=lambda t: F.interpolate(t["x"], scale_factor=f,
                                         mode="bilinear" if bilinear else "nearest"),
        space_to_depth=lambda t: F.pixel_unshuffle(t["x"], f),
        depth_to_space=lambda t: F.pixel_shuffle(t["x"], f),
        reflect_pad=lambda t: F.pad(t["x"], [f] * 4, "reflect"))
    return dict(op=kind, factor=f, bilinear=bilinear), dict(x=picture(2, c, h, w)), \
        functions[kind]


def quantise():
    d, k = random.choice([2, 8, 64]), random.choice([2, 30, 64, 500])
    h, w = random_size()
    tensors = {"x": picture(2, d, h, w),
               "codebook.0": torch.randn(k, d, dtype=torch.float64)}

    def function(t):
        rows = t["x"].permute(0, 2, 3, 1).reshape(-1, d)
        chosen = t["codebook.0"][torch.cdist(rows, t["codebook.0"]).argmin(1)]
        chosen = chosen.reshape(2, h, w, d).permute(0, 3, 1, 2)
        return t["x"] + (chosen - t["x"]).detach()

    return dict(op="quantise", codes=k), tensors, function


KINDS = [
    ("conv2d-direct", conv, 60, 1), ("conv2d-fastest", conv, 60, 0),
    ("conv2d-winograd", lambda: conv(random.choice([(3, 1), (4, 2), (4, 1)])), 60, 2),
    ("conv_transpose2d-direct", conv_transpose, 40, 1),
    ("conv_transpose2d-winograd", conv_transpose, 40, 2),
    ("reflect_pad-then-conv", reflect_conv, 20, 0),
    ("relu-upsample-then-conv", upsample_conv, 20, 0),
    ("batch_norm", lambda: norm("batch_norm"), 20, 0),
    ("batch_norm-running", lambda: norm("batch_norm", True), 20, 0),
    ("instance_norm", lambda: norm("instance_norm"), 20, 0),
    ("activation", activation, 20, 0),
    ("add", lambda: two("add"), 10, 0), ("concat", lambda: two("concat"), 10, 0),
    ("upsample", lambda: move("upsample"), 20, 0),
    ("space_to_depth", lambda: move("space_to_depth"), 10, 0),
    ("depth_to_space", lambda: move("depth_to_space"), 10, 0),
    ("reflect_pad", lambda: move("reflect_pad"), 20, 0),
    ("vector_quantise", quantise, 20, 0),
]


def nhwc(t):
    return t.permute(0, 2, 3, 1).contiguous().float()


def reference(case, tensors, function):
    """Rounds to single precision first, so that both sides start alike."""
    tensors = {name: t.float().double() for name, t in tensors.items()}
    for name, t in tensors.items():
        if not name.startswith(("running", "codebook")):
            t.requires_grad_(True)
    y = function(tensors)
    dy = torch.randn_like(y).float().double()
    y.backward(dy)
    return tensors, y.detach(), dy


def relative(found, wanted, floor=1e-30):
    return float((found.double() - wanted).abs().max() / max(wanted.abs().max(), floor))


def check(make, count, algorithm):
    tolerance = 1e-5 if algorithm == 1 else 1e-4
    cases, inputs, wanted = [], {}, []
    for i in range(count):
        case, tensors, function = make()
        case["algorithm"] = algorithm
        tensors, y, dy = reference(case, tensors, function)
        for name, t in tensors.items():
            t = t.detach()
            inputs[f"{i}.{name}"] = nhwc(t) if name in ("x", "x2") else t.float()
        inputs[f"{i}.dy"] = nhwc(dy)
        cases.append(case)
        wanted.append((tensors, y))
    with Folder() as folder:
        save_file(inputs, folder.path("in"), dict(cases=json.dumps(cases)))
        tool(folder.path("in"), folder.path("out"))
        found = load_file(folder.path("out"))
    worst = 0
    for i, (tensors, y) in enumerate(wanted):
        # a sum of n numbers that cancel is as exact as its summands allow
        scale = float(y.abs().max())
        errors = {"y": relative(found[f"{i}.y"], nhwc64(y))}
        if not cases[i].get("running"):
            for name in ("x", "x2"):
                if name in tensors:
                    errors["d" + name] = relative(found[f"{i}.d{name}"],
                                                  nhwc64(tensors[name].grad), 1e-3 * scale)
            for name in ("weight", "bias"):
                if f"{i}.d.{name}" in found:
                    errors[name] = relative(found[f"{i}.d.{name}"], tensors[name].grad,
                                            0.03 * (y.numel() / y.shape[1]) ** 0.5)
        for what, error in errors.items():
            assert error <= tolerance, f"{what} is off by {error:.2g}: {cases[i]}, " \
                                       f"{tuple(tensors['x'].shape)}"
            worst = max(worst, error)
    return f"{count} cases, {worst:.1e} at most"


def nhwc64(t):
    return t.permute(0, 2, 3, 1).contiguous()


torch.manual_seed(1)
random.seed(1)
run([(name, lambda m=make, n=count, a=algorithm: check(m, n, a))
     for name, make, count, algorithm in KINDS])
