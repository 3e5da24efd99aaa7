"""Models that have pairs of their own, or none: colour, normal maps, relief."""

import subprocess
from pathlib import Path

import numpy as np

import measures


def translate(atelier, model, inputs, folder):
    """{stem: picture} of what the model makes."""
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    subprocess.run([*atelier, "translate", "-m", str(model), "-o", str(out),
                    *map(str, inputs)], check=True, capture_output=True)
    made = {path.stem: measures.read(next(out.glob(path.stem + ".*")))
            for path in map(Path, inputs)}
    for path in out.iterdir():
        path.unlink()
    return made


def grey(picture):
    """Luma of Rec. 709, as the model's input is."""
    return np.repeat((picture @ np.float32([0.2126, 0.7152, 0.0722]))[..., None], 3, 2)


def colours(atelier, model, pictures, scratch):
    """Mean CIEDE2000 from the truth: of the grey picture and of the model's."""
    folder = Path(scratch) / "colours"
    folder.mkdir(exist_ok=True)
    truths = {p.stem: measures.read(p)[::2, ::2] for p in pictures}
    inputs = []
    for stem, truth in truths.items():
        inputs.append(folder / f"{stem}.png")
        measures.write(inputs[-1], grey(truth))
    made = translate(atelier, model, inputs, folder / "made")
    rows = {}
    for stem, truth in truths.items():
        plain = measures.rounded(grey(truth))
        rows[stem] = {"grey": measures.colour_difference(truth, plain),
                      "model": measures.colour_difference(truth, made[stem]),
                      "luma": float(np.abs(grey(made[stem]) - plain).mean() * 255)}
    mean = {k: float(np.mean([r[k] for r in rows.values()]))
            for k in ("grey", "model", "luma")}
    return {"mean": mean, "pictures": rows,
            "better": sum(r["model"] < r["grey"] for r in rows.values())}


def colours_text(result):
    m = result["mean"]
    return (f"colourise: mean CIEDE2000 from the truth {m['model']:.2f}; grey "
            f"{m['grey']:.2f}; that is {100 * (1 - m['model'] / m['grey']):.1f} % lower, "
            f"and lower for {result['better']} of {len(result['pictures'])} pictures; "
            f"luma moves by {m['luma']:.2f} of 255")


def sobel(picture, strength, sigma):
    """A normal map of the brightness taken for height; green is up."""
    from scipy import ndimage

    height = ndimage.gaussian_filter(np.float64(picture.mean(2)), sigma, mode="wrap")
    right = ndimage.sobel(height, 1, mode="wrap") / 8
    down = ndimage.sobel(height, 0, mode="wrap") / 8
    n = np.dstack([-strength * right, strength * down, np.ones_like(height)])
    return n / np.linalg.norm(n, axis=2, keepdims=True)


SOBEL = [(sign * strength, sigma) for sigma in (0, 0.7, 1.5) for sign in (1, -1)
         for strength in (0.5, 1, 2, 4, 8, 16)]


def normal_maps(atelier, model, folder, scratch):
    """Mean angle from the artist's normals, in degrees.  Sobel is given twice:
    with the one strength, sign and smoothing that are best for all textures, and
    with those that are best for each."""
    inputs = sorted((Path(folder) / "val" / "A").glob("*.png"))
    made = translate(atelier, model, inputs, Path(scratch) / "normals")
    rows = {}
    for path in inputs:
        # A part, as some are large.
        where = np.s_[:256, :256]
        truth = measures.normals_of(
            measures.read(Path(folder) / "val" / "B" / path.name))[where]
        texture = measures.read(path)[where]
        flat = np.zeros_like(truth)
        flat[..., 2] = 1
        rows[path.stem] = {
            "model": measures.mean_angle(truth,
                                         measures.normals_of(made[path.stem])[where]),
            "rivals": [measures.mean_angle(truth, sobel(texture, *s)) for s in SOBEL],
            "flat": measures.mean_angle(truth, flat)}
    everywhere = np.array([r["rivals"] for r in rows.values()])
    chosen = int(everywhere.mean(0).argmin())
    for r in rows.values():
        rivals = r.pop("rivals")
        r["sobel"], r["sobel, each"] = rivals[chosen], min(rivals)
    mean = {k: float(np.mean([r[k] for r in rows.values()]))
            for k in ("model", "sobel", "sobel, each", "flat")}
    return {"mean": mean, "pictures": rows, "strength": SOBEL[chosen],
            "better": sum(r["model"] < r["sobel"] for r in rows.values())}


def normal_maps_text(result):
    m = result["mean"]
    return (f"normal-map: mean angle error {m['model']:.2f} degrees; Sobel at the "
            f"strength that is best for all textures {m['sobel']:.2f}, at that which is "
            f"best for each {m['sobel, each']:.2f}; a flat map {m['flat']:.2f}; the model "
            f"is {100 * (1 - m['model'] / m['sobel']):.1f} % under Sobel, and under it "
            f"for {result['better']} of {len(result['pictures'])} textures")


def pairs(atelier, model, folder, scratch, name):
    """PSNR, SSIM, MS-SSIM on held-out pairs; beside the input left as it is, and
    the input with the target's own mean and spread of each channel."""
    inputs = sorted((Path(folder) / "val" / "A").glob("*.png"))
    made = translate(atelier, model, inputs, Path(scratch) / name)
    figures = {"model": [], "input": [], "input, colours matched": []}
    for path in inputs:
        truth = measures.read(Path(folder) / "val" / "B" / path.name)
        picture = measures.read(path)
        spread = truth.std((0, 1)) / np.maximum(picture.std((0, 1)), 1e-6)
        matched = np.clip((picture - picture.mean((0, 1))) * spread
                          + truth.mean((0, 1)), 0, 1)
        for who, what in zip(figures, (made[path.stem], picture, matched)):
            figures[who].append(measures.similarity(truth, what))
    return {who: dict(zip(("psnr", "ssim", "ms_ssim"), map(float, np.mean(f, 0))))
            for who, f in figures.items()}


def pairs_text(name, result):
    return f"{name}, held-out pairs: " + "; ".join(
        f"{who} {f['psnr']:.2f} dB, SSIM {f['ssim']:.3f}, MS-SSIM {f['ms_ssim']:.3f}"
        for who, f in result.items())
