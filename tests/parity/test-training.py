"""Training against PyTorch: the losses with their gradients, and the first 20
steps of both trainers from the same weights on the same batches, dropout off.

Pix2Pix runs at a tenth of its usual learning rate here, or less.  At 2e-4 its first
steps are chaotic: Adam blows gradients of rounding noise up to whole steps, and
PyTorch in float32 leaves its own float64 run by 1e-3 to 1e-2 within 10 steps
(unet_256; ours by as much).  Hinge does so at a tenth still: G, a mean of logits that
cancel, by 1.3e-3 at step 19; at a fortieth it stays within 2e-5.

    test-training.py TRAINING-TOOL [WORD-OF-A-CASE...]

model-tool, which makes the models, is looked for beside TRAINING-TOOL.
"""

import os
import subprocess
import sys

import parity

parity.need("torch", "safetensors", "numpy")

import numpy as np
import torch
from safetensors.torch import load_file, save_file

import networks
import trainers

torch.manual_seed(1)
torch.set_num_threads(1)

STEPS = 20
RELATIVE = 1e-3
LR = 2e-5
MODEL_TOOL = os.path.join(os.path.dirname(sys.argv[1]), "model-tool")


def create(path, arch, *settings):
    subprocess.run([MODEL_TOOL, "create", arch, "1", path, *settings], check=True,
                   capture_output=True)
    config, _, tensors = parity.read_model(path)
    network = networks.build(config)
    network.load_state_dict(tensors, strict=True)
    return network


def smooth(n, c, h, w, seed):
    """Something picture-like in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(n, c, 6, 6, generator=generator)
    fine = torch.randn(n, c, h, w, generator=generator)
    return torch.tanh(torch.nn.functional.interpolate(
        coarse, (h, w), mode="bicubic", align_corners=False) + 0.1 * fine)


def write_batches(path, xs, ts):
    nhwc = lambda batches: torch.stack([b.permute(0, 2, 3, 1) for b in batches]).contiguous()
    save_file({"input": nhwc(xs), "target": nhwc(ts)}, path)


def compare(ours, names, theirs, of):
    """The largest relative difference over all steps of the figures `of`."""
    worst = 0.0
    for name in of:
        a = ours[:, names.index(name)]
        b = np.array([figures[name] for figures in theirs])
        assert np.isfinite(a).all()
        relative = np.abs(a - b) / np.maximum(np.abs(b), 1e-4)
        assert relative.max() <= RELATIVE, \
            f"{name} at step {relative.argmax()}: {a[relative.argmax()]:.6g} against " \
            f"{b[relative.argmax()]:.6g}"
        worst = max(worst, relative.max())
    return f"largest relative difference {worst:.1e}"


def train_ours(folder, kind, model, discriminator, settings):
    names = parity.tool(kind, folder.path(model),
                        folder.path(discriminator) if discriminator else "-",
                        folder.path("batches"), folder.path("out"), *settings).split()
    return load_file(folder.path("out"))["figures"].numpy(), names


def pix2pix(arch, size, batch, settings, gan="vanilla", l1=100.0, lr=LR):
    def case():
        with parity.Folder() as folder:
            g = create(folder.path("g"), arch, *settings)
            norm = [s for s in settings if s.startswith("norm=")]
            d = create(folder.path("d"), "patchgan", "ndf=16", "n_layers=2", *norm)
            trainers.no_dropout(g)
            xs = [smooth(batch, 3, size, size, i) for i in range(STEPS)]
            ts = [smooth(batch, 3, size, size, 100 + i) * 0.5 + x.flip(1) * 0.5
                  for i, x in enumerate(xs)]
            write_batches(folder.path("batches"), xs, ts)
            ours, names = train_ours(
                folder, "pix2pix", "g", "d",
                ["train_dropout=no", "throttle=0", "ema=0", f"gan={gan}",
                 f"l1_weight={l1}", "schedule=constant", f"lr={lr}"])
            theirs = trainers.Pix2Pix(g, d, gan, l1, lr=lr)
            figures = [theirs.step(x, t) for x, t in zip(xs, ts)]
            return compare(ours, names, figures, ["L1", "G", "D_fake", "D_real"])
    return case


def vqvae(arch, size, batch, settings, training=(), **options):
    def case():
        with parity.Folder() as folder:
            network = create(folder.path("m"), arch, *settings)
            xs = [smooth(batch, 3, size, size, i) for i in range(STEPS)]
            write_batches(folder.path("batches"), xs, xs)
            ours, names = train_ours(
                folder, "vqvae", "m", None,
                ["kmeans=no", "dead=0", "stage_dropout=no", "rate_from=0", "rate_to=0",
                 "weight_decay=0", "lr=0.0002", "warmup=0", "schedule=constant",
                 "ema=0", *training])
            theirs = trainers.VqVae(network, **options)
            figures = [theirs.step(x, x) for x in xs]
            return compare(ours, names, figures, list(figures[0]))
    return case


def losses():
    worst = 0.0
    with parity.Folder() as folder:
        for seed, shape in enumerate([(2, 3, 96, 80), (1, 1, 33, 47), (3, 2, 176, 180)]):
            x = smooth(*shape, seed).requires_grad_()
            t = (x.detach() * 0.7 + 0.3 * smooth(*shape, seed + 50))
            nhwc = lambda v: v.detach().permute(0, 2, 3, 1).contiguous()
            save_file({"prediction": nhwc(x), "target": nhwc(t)}, folder.path("in"))
            parity.tool("losses", folder.path("in"), folder.path("out"))
            ours = load_file(folder.path("out"))
            theirs = {"l1": torch.nn.functional.l1_loss(x, t),
                      "l2": torch.nn.functional.mse_loss(x, t),
                      "ms_ssim": 1 - trainers.ms_ssim(x, t)}
            for gan in ("vanilla", "lsgan", "hinge"):
                for role in ("real", "fake", "generator"):
                    theirs[f"{gan}.{role}"] = trainers.gan_loss(gan, x, role)
            for name, loss in theirs.items():
                gradient, = torch.autograd.grad(loss, x)
                value = abs(ours[name].item() - loss.item()) / max(abs(loss.item()), 1e-3)
                scale = gradient.abs().max().item()
                d = parity.difference(ours[name + ".gradient"], nhwc(gradient)) / scale
                assert value < 2e-5, f"{name}: {ours[name].item()} against {loss.item()}"
                assert d < 2e-4, f"{name}: the gradient differs by {d:.2g} of its largest"
                worst = max(worst, d)
    return f"gradients within {worst:.1e} of their largest value"


SSIM = dict(extra=lambda made, target: 1 - trainers.ms_ssim(made, target))

parity.run([
    ("losses and their gradients", losses),
    ("pix2pix, unet, vanilla", pix2pix("unet_64", 64, 1, ["ngf=16"])),
    ("pix2pix, unet, batch of 3", pix2pix("unet_64", 64, 3, ["ngf=16"])),
    ("pix2pix, resnet, instance norm, lsgan",
     pix2pix("resnet_3", 64, 4, ["ngf=16", "norm=instance"], "lsgan", lr=LR / 4)),
    ("pix2pix, resnet, resize convolution, hinge",
     pix2pix("resnet_2", 48, 2, ["ngf=8", "upsample=nearest"], "hinge", lr=LR / 4)),
    ("pix2pix, GAN only", pix2pix("resnet_2", 48, 2, ["ngf=8"], l1=0.0)),
    ("vqvae, moving averages", vqvae("vqvae", 32, 4, ["hidden=32", "codes=64", "code_dim=16"])),
    ("vqvae, gradient form, L1",
     vqvae("vqvae", 32, 4, ["hidden=32", "codes=64", "code_dim=16"],
           ["codebook=gradient", "reconstruction=l1"], gradient=True, l1=True)),
    ("vqvae, MS-SSIM",
     vqvae("vqvae", 48, 2, ["hidden=32", "codes=64", "code_dim=16"], ["ms_ssim=1"], **SSIM)),
    ("vqvae, three stages, linear skip, patches",
     vqvae("vqvae", 48, 4, ["hidden=32", "codes=32", "code_dim=16", "stages=3", "downsample=8",
                            "patch=4", "linear_skip=yes", "upsample=shuffle"])),
    ("vqvae-2", vqvae("vqvae2", 48, 4, ["hidden=32", "residual_hidden=16", "codes=32",
                                         "code_dim=16"])),
])
