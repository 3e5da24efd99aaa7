"""PSNR, SSIM, MS-SSIM and L1 against PyTorch, written from the papers.

    test-metrics.py METRICS-VALUES [WORD-OF-A-CASE...]
"""

import subprocess
import sys

import parity

parity.need("torch")

import torch
import torch.nn.functional as F

WEIGHTS = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]


def window():
    x = torch.arange(11, dtype=torch.float64) - 5
    g = torch.exp(-x * x / (2 * 1.5 * 1.5))
    g = g / g.sum()
    return torch.outer(g, g)


def ssim_maps(a, b):
    """[C, H, W] in float64: the means of SSIM and of its structure factor."""
    kernel = window()[None, None]

    def blur(x):
        return F.conv2d(x[:, None], kernel)[:, 0]

    mu_a, mu_b = blur(a), blur(b)
    var_a = blur(a * a) - mu_a**2
    var_b = blur(b * b) - mu_b**2
    cov = blur(a * b) - mu_a * mu_b
    structure = (2 * cov + 0.03**2) / (var_a + var_b + 0.03**2)
    luminance = (2 * mu_a * mu_b + 0.01**2) / (mu_a**2 + mu_b**2 + 0.01**2)
    return (structure * luminance).mean((1, 2)), structure.mean((1, 2))


def halve(x):
    pad = (0, x.shape[2] % 2, 0, x.shape[1] % 2)
    return F.avg_pool2d(F.pad(x[None], pad, mode="replicate"), 2)[0]


def ms_ssim(a, b):
    product = 1
    for i, weight in enumerate(WEIGHTS):
        ssim, structure = ssim_maps(a, b)
        last = i == len(WEIGHTS) - 1
        product = product * (ssim if last else structure).clamp(min=0) ** weight
        a, b = halve(a), halve(b)
    return product.mean()


def ours(a, b):
    c, h, w = a.shape
    with parity.Folder() as folder:
        names = [folder.path("a"), folder.path("b")]
        for name, x in zip(names, (a, b)):
            with open(name, "wb") as file:
                file.write(x.permute(1, 2, 0).contiguous().numpy().tobytes())
        out = subprocess.run([sys.argv[1], str(w), str(h), str(c)] + names, check=True,
                             capture_output=True, text=True).stdout
    return [float(v) for v in out.split()]


def smooth(shape):
    """Something like a picture: noise at several scales."""
    c, h, w = shape
    x = torch.zeros(1, c, h, w)
    for scale in (1, 4, 16, 64):
        noise = torch.rand(1, c, h // scale + 1, w // scale + 1) - 0.5
        x += F.interpolate(noise, (h, w), mode="bilinear") * scale**0.5
    x = x - x.amin()
    return (x / x.amax())[0]


def case(shape, noise):
    def check():
        torch.manual_seed(1)
        a = smooth(shape)
        b = (a + noise * (torch.rand(shape) - 0.5)).clamp(0, 1)
        da, db = a.double(), b.double()
        expected = [
            -10 * torch.log10(((da - db) ** 2).mean()).item(),
            ssim_maps(da, db)[0].mean().item(),
            ms_ssim(da, db).item(),
            (da - db).abs().mean().item(),
        ]
        worst = parity.assert_close(ours(a, b), expected, "psnr, ssim, ms_ssim, l1", 1e-5)
        return f"largest difference {worst:.1e}"

    return f"{shape[2]}x{shape[1]}, {shape[0]} channels, noise {noise}", check


parity.run([case(shape, noise)
            for shape in [(1, 176, 176), (3, 256, 300), (3, 333, 217), (3, 512, 768)]
            for noise in [0.01, 0.1, 0.6]])
