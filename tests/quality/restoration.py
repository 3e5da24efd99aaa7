"""Restoration models against filters, each at its best setting for each picture.

Damage is made here, from the picture's name as seed, on the middle 384 x 384
pixels of every picture, and rounded to 8 bits as a file would hold it; so is what
models and filters make of it.  The rivals know the truth when they choose their
settings: no artist could choose better.
"""

import subprocess
import zlib
from pathlib import Path

import numpy as np
from scipy import ndimage

import measures

SIDE = 384
MARGIN = 24  # around each picture in the mosaic that GIMP gets


def middle(picture):
    h, w = picture.shape[:2]
    y, x = max(0, (h - SIDE) // 2), max(0, (w - SIDE) // 2)
    return picture[y:y + SIDE, x:x + SIDE]


# --- Damage ---

def noise(picture, random, sigma):
    return picture + random.normal(0, sigma / 255, picture.shape)


def salt(picture, random, share):
    out = picture.copy()
    where = random.random(picture.shape[:2]) < share
    white = random.random(picture.shape[:2]) < 0.5
    out[where & white], out[where & ~white] = 1, 0
    return out


def motion(picture, random, length):
    """A straight line of that length at any angle, anti-aliased."""
    angle = random.uniform(0, np.pi)
    half = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1))
    for t in np.linspace(-(length - 1) / 2, (length - 1) / 2, 16 * length):
        x, y = half + t * np.cos(angle), half + t * np.sin(angle)
        i, j = int(np.floor(y)), int(np.floor(x))
        for di, wy in ((0, 1 - y + i), (1, y - i)):
            for dj, wx in ((0, 1 - x + j), (1, x - j)):
                kernel[i + di, j + dj] += wy * wx
    kernel /= kernel.sum()
    return np.stack([ndimage.convolve(picture[..., c], kernel, mode="mirror")
                     for c in range(3)], -1)


def defocus(picture, _random, sigma):
    return ndimage.gaussian_filter(picture, (sigma, sigma, 0), mode="mirror")


# --- Rivals: each yields what it makes of the picture at every setting ---

def gaussian(damaged, _strength):
    for sigma in (0.5, 0.7, 0.9, 1.1, 1.3, 1.6, 2.0, 2.5):
        yield ndimage.gaussian_filter(damaged, (sigma, sigma, 0), mode="mirror")


def wavelets(damaged, strength):
    from skimage.restoration import denoise_wavelet

    for method in ("BayesShrink", "VisuShrink"):
        for share in (0.5, 0.75, 1.0, 1.25):
            yield denoise_wavelet(damaged, sigma=share * strength / 255, channel_axis=2,
                                  convert2ycbcr=True, method=method,
                                  rescale_sigma=True)


def non_local_means(damaged, strength):
    from skimage.restoration import denoise_nl_means

    sigma = strength / 255
    for share in (0.5, 0.65, 0.8, 1.0):
        yield denoise_nl_means(damaged, patch_size=5, patch_distance=6, h=share * sigma,
                               sigma=sigma, fast_mode=True, channel_axis=2)


def median(damaged, _strength):
    for size in (3, 5, 7):
        yield ndimage.median_filter(damaged, (size, size, 1), mode="mirror")


def adaptive_median(damaged, _strength):
    """Only pixels that are wholly black or white, by the median of the others
    around them: what salt and pepper calls for."""
    bad = np.all((damaged <= 0) | (damaged >= 1), axis=2)
    for size in (3, 5):
        masked = np.where(bad[..., None], np.nan, damaged)
        pad = size // 2
        wide = np.pad(masked, ((pad, pad), (pad, pad), (0, 0)), mode="reflect")
        stack = np.stack([wide[y:y + damaged.shape[0], x:x + damaged.shape[1]]
                          for y in range(size) for x in range(size)])
        with np.errstate(all="ignore"):
            near = np.nanmedian(stack, 0)
        yield np.where(bad[..., None], np.where(np.isnan(near), damaged, near), damaged)


def unsharp(damaged, _strength):
    for radius in (1, 2, 3, 5, 8):
        smooth = ndimage.gaussian_filter(damaged, (radius, radius, 0), mode="mirror")
        for amount in (0.25, 0.5, 1.0, 1.5, 2.5):
            yield damaged + amount * (damaged - smooth)


# GIMP's own filters, as GEGL has them: operation, settings.
GIMP_NOISE = [("gegl:noise-reduction", f"iterations {n}") for n in (1, 2, 4, 8, 16)] \
    + [("gegl:gaussian-blur-selective", f"blur-radius {r} max-delta {d}")
       for r in (3, 6) for d in (0.15, 0.25, 0.4)] \
    + [("gegl:bilateral-filter", f"blur-radius {r} edge-preservation {e}")
       for r in (2, 4) for e in (4, 8)] \
    + [("gegl:median-blur", f"radius {r}") for r in (1, 2)] \
    + [("gegl:mean-curvature-blur", f"iterations {n}") for n in (5, 15)]
GIMP_SALT = [("gegl:median-blur", f"radius {r}") for r in (1, 2, 3, 4)]

SCRIPT = """(script-fu-use-v3)
(define (one in out operation . settings)
  (let* ((image (gimp-file-load RUN-NONINTERACTIVE in))
         (drawable (vector-ref (gimp-image-get-layers image) 0))
         (f (gimp-drawable-filter-new drawable operation "")))
    (apply gimp-drawable-filter-configure
           (append (list f LAYER-MODE-REPLACE 1.0) settings))
    (gimp-drawable-merge-filter drawable f)
    (gimp-file-save RUN-NONINTERACTIVE image out -1)
    (gimp-image-delete image)))
"""


def mosaic(pictures):
    """All pictures in one, each with a mirrored margin; and where each lies."""
    cell = SIDE + 2 * MARGIN
    columns = int(np.ceil(np.sqrt(len(pictures))))
    rows = -(-len(pictures) // columns)
    sheet = np.zeros((rows * cell, columns * cell, 3), np.float32)
    places = {}
    for number, (name, picture) in enumerate(pictures.items()):
        y, x = number // columns * cell, number % columns * cell
        h, w = picture.shape[:2]
        margins = ((MARGIN, cell - MARGIN - h), (MARGIN, cell - MARGIN - w), (0, 0))
        sheet[y:y + cell, x:x + cell] = np.pad(picture, margins, mode="symmetric")
        places[name] = np.s_[y + MARGIN:y + MARGIN + h, x + MARGIN:x + MARGIN + w]
    return sheet, places


def gimp(filters, damaged, folder):
    """What GIMP's filters make of the pictures: {name: [pictures]}.  One run of
    GIMP, on one picture that holds them all."""
    sheet, places = mosaic(damaged)
    measures.write(folder / "sheet.png", sheet)
    lines, outs = [SCRIPT], []
    for number, (operation, settings) in enumerate(filters):
        outs.append(folder / f"gimp-{number}.png")
        words = settings.split()
        given = " ".join(f'"{k}" {v}' for k, v in zip(words[::2], words[1::2]))
        lines.append(f'(one "{folder}/sheet.png" "{outs[-1]}" "{operation}" {given})')
    script = folder / "gimp.scm"
    script.write_text("\n".join(lines))
    home = folder / "home"
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        ["gimp-console-3.0", "-idfs", "--batch-interpreter", "plug-in-script-fu-eval",
         "-b", f'(load "{script}")', "--quit"],
        env={"HOME": str(home), "GIMP3_DIRECTORY": str(home / "gimp"),
             "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True, text=True, check=False)
    for out in outs:
        if not out.exists():
            raise SystemExit(f"tests/quality: GIMP made no {out.name}:\n"
                             + done.stderr[-600:])
    sheets = [measures.read(out) for out in outs]
    return {name: [made[where] for made in sheets] for name, where in places.items()}


# --- Tables ---

TASKS = {
    "denoise": [
        ("Gaussian noise, sigma 25", noise, 25), ("Gaussian noise, sigma 50", noise, 50)],
    "despeckle": [
        ("salt and pepper, 10 %", salt, 0.10), ("salt and pepper, 30 %", salt, 0.30)],
    "deblur": [
        ("motion of 15 px", motion, 15), ("motion of 9 px", motion, 9),
        ("Gaussian blur, sigma 2", defocus, 2.0)],
    "deshake": [
        ("motion of 15 px", motion, 15), ("motion of 9 px", motion, 9)],
}
RIVALS = {
    "denoise": {"Gaussian": gaussian, "wavelets": wavelets,
                "non-local means": non_local_means},
    "despeckle": {"median": median, "adaptive median": adaptive_median},
    "deblur": {"unsharp mask": unsharp},
    "deshake": {"unsharp mask": unsharp},
}
GIMP = {"denoise": GIMP_NOISE, "despeckle": GIMP_SALT}


def best(truth, candidates):
    """The figures of the candidate with the highest PSNR."""
    chosen = max((measures.rounded(c) for c in candidates),
                 key=lambda c: measures.psnr(truth, c))
    return measures.similarity(truth, chosen)


def row(atelier, model, kind, damage, strength, pictures, scratch):
    """Means over the pictures: {who: PSNR, SSIM, MS-SSIM}."""
    folder = Path(scratch) / "restoration"
    for sub in ("damaged", "made"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    truths, damaged = {}, {}
    for png in pictures:
        truth = middle(measures.read(png))
        random = np.random.default_rng(zlib.crc32(f"{png.stem} {strength}".encode()))
        truths[png.stem] = truth
        damaged[png.stem] = measures.rounded(
            damage(np.float64(truth), random, strength))
        measures.write(folder / "damaged" / png.name, damaged[png.stem])
    paths = {p.stem: folder / "damaged" / p.name for p in pictures}
    subprocess.run([*atelier, "translate", "-m", str(model), "-o", str(folder / "made"),
                    *map(str, paths.values())], check=True, capture_output=True)
    figures = {"damaged": [], "model": []}
    for name, truth in truths.items():
        figures["damaged"].append(measures.similarity(truth, damaged[name]))
        made = next((folder / "made").glob(name + ".*"))
        figures["model"].append(measures.similarity(truth, measures.read(made)))
    for rival, settings in RIVALS[kind].items():
        figures[rival] = [best(truth, settings(damaged[name], strength))
                          for name, truth in truths.items()]
    if kind in GIMP:
        made = gimp(GIMP[kind], damaged, folder)
        figures["GIMP"] = [best(truth, made[name]) for name, truth in truths.items()]
    for path in list(folder.glob("*.png")) + list((folder / "made").glob("*")):
        path.unlink()
    return {who: dict(zip(("psnr", "ssim", "ms_ssim"), map(float, np.mean(f, 0))))
            for who, f in figures.items()}


def table(atelier, model, kind, pictures, scratch):
    rows = []
    for title, damage, strength in TASKS[kind]:
        figures = row(atelier, model, kind, damage, strength, pictures, scratch)
        rivals = {k: v["psnr"] for k, v in figures.items() if k not in ("model", "damaged")}
        over = max(rivals, key=rivals.get)
        rows.append({"task": title, "figures": figures, "best_rival": over,
                     "gain": figures["model"]["psnr"] - rivals[over]})
    return rows


def text(name, rows):
    whos = list(rows[0]["figures"])
    lines = [f"{name}: PSNR (SSIM); every rival at its best setting for each picture", "",
             "| damage | " + " | ".join(name if w == "model" else w for w in whos)
             + " | over the best rival |", "|" + "---|" * (len(whos) + 2)]
    for r in rows:
        cells = [f"{f['psnr']:.2f} ({f['ssim']:.3f})" for f in r["figures"].values()]
        lines.append("| " + " | ".join([r["task"], *cells, f"{r['gain']:+.2f} dB"]) + " |")
    return "\n".join(lines)
