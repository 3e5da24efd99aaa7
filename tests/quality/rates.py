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
    run("avifenc", "-q", quality, "-s", 6, "-j", 1, "-y", 420, png, out)
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
                 f"{n} PSNR | SSIM | MS-SSIM" for n in (name, *rivals)) + " |",
             "|" + "---|" * (5 + 3 * len(rivals))]
    for row in rows:
        cells = [str(row["quality"]), f"{row['bpp']:.3f}"]
        for n in ("model", *rivals):
            star = "*" if row[n]["too_large"] > 0.005 else ""
            cells += [f"{row[n]['psnr']:.2f}{star}", f"{row[n]['ssim']:.4f}",
                      f"{row[n]['ms_ssim']:.4f}"]
        lines.append("| " + " | ".join(cells) + " |")
    lines.append("")
    for n in rivals:
        shares = [f"{100 * row[n]['too_large']:.0f} %" for row in rows]
        if any(row[n]["too_large"] > 0.005 for row in rows):
            lines.append(f"\\* {n} can't make files so small of {', '.join(shares)} of "
                         "the pictures; its smallest counts there.")
    return "\n".join(lines)


COLOURS = {"model": "#c0392b", "JPEG": "#7f8c8d", "WebP": "#2980b9", "AVIF": "#27ae60"}
PLOT = (300, 220)  # of one plot, without its margins
MARGIN = (52, 34, 14, 40)  # left, top, right, bottom


def one_plot(rows, names, figure, title, digits, left):
    """SVG of one figure over bits per pixel; where a coder can't be so small for
    more than a fifth of the pictures, its line is left out."""
    width, height = PLOT
    points = {n: [(r["bpp"], r[n][figure]) for r in rows if r[n]["too_large"] <= 0.2]
              for n in names}
    xs = [x for line in points.values() for x, _ in line]
    ys = [y for line in points.values() for _, y in line]
    x0, x1 = 0.0, max(xs) * 1.05
    y0, y1 = min(ys), max(ys)
    y0, y1 = y0 - 0.05 * (y1 - y0), y1 + 0.05 * (y1 - y0)
    at = lambda x, y: (left + (x - x0) / (x1 - x0) * width,
                       MARGIN[1] + (y1 - y) / (y1 - y0) * height)
    out = [f'<text x="{left + width / 2:.0f}" y="20" text-anchor="middle">{title}</text>',
           f'<rect x="{left}" y="{MARGIN[1]}" width="{width}" height="{height}" '
           'fill="none" stroke="#bbb"/>']
    for i in range(5):
        y = y0 + (y1 - y0) * i / 4
        out.append(f'<text x="{left - 5}" y="{at(x0, y)[1] + 4:.1f}" '
                   f'text-anchor="end" font-size="11">{y:.{digits}f}</text>')
    for i in range(1, int(x1 / 0.05) + 1):
        x, y = at(0.05 * i, y0)
        out.append(f'<text x="{x:.1f}" y="{y + 16:.1f}" text-anchor="middle" '
                   f'font-size="11">{0.05 * i:.2f}</text>')
    out.append(f'<text x="{left + width / 2:.0f}" y="{MARGIN[1] + height + 33}" '
               'text-anchor="middle" font-size="11">bits per pixel</text>')
    for n, line in points.items():
        path = " ".join("%.1f,%.1f" % at(*p) for p in line)
        out.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[n]}" '
                   'stroke-width="2"/>')
        out += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (*at(*p), COLOURS[n])
                for p in line]
    return out


def curves(name, rows, path, rivals=tuple(RIVALS)):
    """The table as a picture: PSNR, SSIM and MS-SSIM over bits per pixel."""
    names = ("model", *rivals)
    step = MARGIN[0] + PLOT[0] + MARGIN[2]
    height = MARGIN[1] + PLOT[1] + MARGIN[3] + 24
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{3 * step}" '
           f'height="{height}" font-family="sans-serif" font-size="13">',
           '<rect width="100%" height="100%" fill="white"/>']
    for i, (figure, title, digits) in enumerate((("psnr", "PSNR, dB", 1),
                                                 ("ssim", "SSIM", 3),
                                                 ("ms_ssim", "MS-SSIM", 3))):
        out += one_plot(rows, names, figure, title, digits, i * step + MARGIN[0])
    for i, n in enumerate(names):
        x = MARGIN[0] + 110 * i
        out += [f'<rect x="{x}" y="{height - 18}" width="18" height="4" '
                f'fill="{COLOURS[n]}"/>',
                f'<text x="{x + 24}" y="{height - 11}">{name if n == "model" else n}</text>']
    Path(path).write_text("\n".join([*out, "</svg>", ""]))
