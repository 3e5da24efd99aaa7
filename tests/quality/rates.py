"""VQ-VAEs against JPEG, WebP and AVIF at the same bytes.

Every quality of a model makes real .vqi files, whose bytes count, all of them.
A rival is tried at neighbouring qualities until two of its files lie on either
side of that size, and its figures are taken between them, linearly in the
logarithm of the bytes.  Where a rival can't make so small a file, its smallest
counts, and the share of such pictures is told.
"""

import json
import math
import os
import subprocess
from pathlib import Path

import numpy as np

import measures


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise SystemExit(f"tests/quality: {' '.join(map(str, command))}: "
                         f"{done.stderr.strip() or done.returncode}")
    return done.stdout


def jpeg(png, folder, quality):
    """libjpeg-turbo: optimised, progressive, 4:2:0."""
    ppm, out = folder / "in.ppm", folder / "out.jpg"
    if not ppm.exists():
        measures.Image.open(png).convert("RGB").save(ppm)
    run("cjpeg", "-quality", quality, "-optimize", "-progressive", "-sample", "2x2",
        "-outfile", out, ppm)
    return out


def webp(png, folder, quality):
    out = folder / "out.webp"
    run("cwebp", "-quiet", "-m", 6, "-q", quality, png, "-o", out)
    return out


def avif(png, folder, quality):
    out = folder / "out.avif"
    run("avifenc", "-q", quality, "-s", 8, "-j", 1, "-y", 420, png, out)
    return out


RIVALS = {"JPEG": (jpeg, 1), "WebP": (webp, 0), "AVIF": (avif, 0)}


class Rival:
    """One picture through one coder: each quality tried once at most, and looked
    at only where its figures count."""

    def __init__(self, name, png, truth, folder):
        self.encode, self.least = RIVALS[name]
        self.png, self.truth, self.folder = png, truth, folder
        self.sizes, self.alike = {}, {}

    def size(self, quality):
        if quality not in self.sizes:
            self.sizes[quality] = os.path.getsize(
                self.encode(self.png, self.folder, quality))
        return self.sizes[quality]

    def at(self, quality):
        if quality not in self.alike:
            out = self.encode(self.png, self.folder, quality)
            if out.suffix == ".avif":
                back = self.folder / "back.png"
                run("avifdec", "-j", 1, out, back)
                out = back
            self.alike[quality] = measures.similarity(self.truth, measures.read(out))
        return self.alike[quality]

    def figures(self, size):
        """PSNR, SSIM, MS-SSIM at that size, and whether it can be so small."""
        low, high = self.least, 100
        if self.size(low) >= size:
            return (*self.at(low), False)
        while high - low > 1:
            middle = (low + high) // 2
            if self.size(middle) <= size:
                low = middle
            else:
                high = middle
        a, b = self.size(low), self.size(high)
        share = 0.0 if b == a else math.log(size / a) / math.log(b / a)
        share = min(max(share, 0.0), 1.0)
        return (*((1 - share) * x + share * y
                  for x, y in zip(self.at(low), self.at(high))), True)


def one_picture(atelier, model, png, stages, rivals, folder):
    """Rows of the picture: {"bytes", "pixels", model and rivals: figures}."""
    truth = measures.read(png)
    coders = {name: Rival(name, png, truth, folder) for name in rivals}
    rows = []
    for quality in range(1, stages + 1):
        vqi, back = folder / "out.vqi", folder / "back.png"
        run(*atelier, "compress", "-m", model, "-q", quality, "-o", vqi, png)
        run(*atelier, "decompress", "-m", model, "-o", back, vqi)
        size = vqi.stat().st_size
        row = {"bytes": size, "pixels": truth.shape[0] * truth.shape[1],
               "model": (*measures.similarity(truth, measures.read(back)), True)}
        row.update({name: coder.figures(size) for name, coder in coders.items()})
        rows.append(row)
    for leftover in folder.iterdir():
        leftover.unlink()
    return rows


def stages_of(atelier, model):
    info = json.loads(run(*atelier, "info", "--json", model))
    config = info.get("config") or info["configuration"]
    return config["stages"]


def table(atelier, model, pictures, scratch, rivals=tuple(RIVALS)):
    """A row a quality: means over the pictures."""
    folder = Path(scratch) / "rates"
    folder.mkdir(exist_ok=True)
    stages = stages_of(atelier, model)
    per_picture = [one_picture(atelier, model, png, stages, rivals, folder)
                   for png in pictures]
    rows = []
    for q in range(stages):
        of_quality = [rows_of[q] for rows_of in per_picture]
        row = {"quality": q + 1,
               "bpp": float(np.mean([8 * r["bytes"] / r["pixels"] for r in of_quality]))}
        for name in ("model", *rivals):
            psnr, ssim, ms_ssim, fits = np.mean([r[name] for r in of_quality], 0)
            row[name] = {"psnr": psnr, "ssim": ssim, "ms_ssim": ms_ssim,
                         "too_large": 1 - fits}
        rows.append(row)
    return rows


def text(name, rows, rivals=tuple(RIVALS)):
    lines = [f"{name}: bits per pixel of the whole .vqi file; rivals at the same bytes",
             "",
             "| quality | bpp | " + " | ".join(
                 f"{n} PSNR | MS-SSIM" for n in (name, *rivals)) + " |",
             "|" + "---|" * (4 + 2 * len(rivals))]
    for row in rows:
        cells = [str(row["quality"]), f"{row['bpp']:.3f}"]
        for n in ("model", *rivals):
            star = "*" if row[n]["too_large"] > 0.005 else ""
            cells += [f"{row[n]['psnr']:.2f}{star}", f"{row[n]['ms_ssim']:.4f}"]
        lines.append("| " + " | ".join(cells) + " |")
    lines.append("")
    for n in rivals:
        shares = [f"{100 * row[n]['too_large']:.0f} %" for row in rows]
        if any(row[n]["too_large"] > 0.005 for row in rows):
            lines.append(f"\\* {n} can't make files so small of {', '.join(shares)} of "
                         "the pictures; its smallest counts there.")
    return "\n".join(lines)
