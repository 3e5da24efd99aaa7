"""Pictures to .vqi files and back by the command.

    test-vqi.py ATELIER
"""

import json
import subprocess

import parity

parity.need("numpy", "PIL")

import numpy as np
from PIL import Image

from command import (COMMAND, SAMPLE, Folder, compressor, create, picture, pixels,
                     refuses, run, translator)


def compress(folder, *args, name="x.vqi", model=None, source=SAMPLE):
    out = folder / name
    run("compress", "-m", model or folder / "m.safetensors", "-o", out, source, *args)
    return out


def code_bytes(file):
    return sum(p["bytes"] for p in json.loads(run("info", file, "--json"))["planes"])


def there_and_back_is_what_roundtrip_says():
    with Folder() as folder:
        model = compressor(folder / "m.safetensors", "stages=2")
        for quality in (1, 2):
            file = compress(folder, "-q", quality)
            run("decompress", "-m", model, "-o", folder / "a.png", file)
            figures = json.loads(run("roundtrip", "-m", model, "-q", quality, "-o",
                                     folder / "b.png", SAMPLE, "--json"))
            assert (pixels(folder / "a.png") == pixels(folder / "b.png")).all()
            size = file.stat().st_size
            width, height = Image.open(SAMPLE).size
            assert figures["bytes"] == size
            assert abs(figures["bits_per_pixel"] - 8 * size / width / height) < 1e-9


def the_file_says_what_it_is():
    with Folder() as folder:
        compressor(folder / "m.safetensors", "stages=2")
        said = json.loads(run("compress", "-m", folder / "m.safetensors", "-o",
                              folder / "x.vqi", SAMPLE, "--json"))
        info = json.loads(run("info", folder / "x.vqi", "--json"))
        assert said == info
        assert info["bytes"] == (folder / "x.vqi").stat().st_size
        assert (info["width"], info["height"]) == Image.open(SAMPLE).size
        assert info["quality"] == info["qualities"] == 2 and not info["cut_short"]
        assert "bits per pixel" in run("info", folder / "x.vqi")


def the_model_is_found_by_what_it_is_or_named():
    with Folder() as folder:
        (folder / "models").mkdir()
        model = compressor(folder / "models/m.safetensors")
        file = compress(folder, model=model)
        env = {"ATELIER_MODEL_PATH": str(folder / "models"),
               "XDG_DATA_HOME": str(folder / "home")}
        run("decompress", "-o", folder / "a.png", file, env=env)
        model.rename(folder / "models/renamed.safetensors")
        run("decompress", "-o", folder / "b.png", file, env=env)
        assert (pixels(folder / "a.png") == pixels(folder / "b.png")).all()
        (folder / "models/renamed.safetensors").unlink()
        refuses("decompress", "-o", folder / "c.png", file, env=env,
                says=('"m"', "home/atelier/models"))
        other = create(folder / "o.safetensors", "vqvae", "hidden=16", "codes=32",
                       seed=2)
        refuses("decompress", "-m", other, "-o", folder / "c.png", file,
                says="was made with")


def cut_files_open_in_a_lower_quality():
    with Folder() as folder:
        model = compressor(folder / "m.safetensors", "stages=3")
        file = compress(folder)
        planes = json.loads(run("info", file, "--json"))["planes"]
        data = file.read_bytes()
        run("decompress", "-m", model, "-q", 2, "-o", folder / "two.png", file)
        (folder / "cut.vqi").write_bytes(data[:-planes[2]["bytes"]])
        done = subprocess.run([COMMAND, "decompress", "-m", model, "-o",
                               folder / "cut.png", folder / "cut.vqi"],
                              capture_output=True, text=True)
        assert done.returncode == 0 and "quality 2 of 3" in done.stderr, done.stderr
        assert (pixels(folder / "cut.png") == pixels(folder / "two.png")).all()
        assert "2 of 3" in run("info", folder / "cut.vqi")
        (folder / "cut.vqi").write_bytes(data[:120])
        refuses("decompress", "-m", model, "-o", folder / "x.png",
                folder / "cut.vqi", says="damaged")
        (folder / "cut.vqi").write_bytes(b"")
        refuses("decompress", "-m", model, "-o", folder / "x.png",
                folder / "cut.vqi", says="cut.vqi")


def alpha_is_exact_unless_levels_are_asked_for():
    with Folder() as folder:
        model = compressor(folder / "m.safetensors")
        source = picture(folder / "a.png", 90, 70, "RGBA")
        file = compress(folder, source=source)
        run("decompress", "-m", model, "-o", folder / "b.png", file)
        before, after = pixels(source)[:, :, 3], pixels(folder / "b.png")[:, :, 3]
        assert (before == after).all()
        small = compress(folder, "--alpha-levels", 2, source=source, name="s.vqi")
        assert small.stat().st_size < file.stat().st_size
        run("decompress", "-m", model, "-o", folder / "b.png", small)
        assert set(np.unique(pixels(folder / "b.png")[:, :, 3])) == {0, 255}


def targets_are_met():
    with Folder() as folder:
        model = compressor(folder / "m.safetensors", "stages=3")
        sizes = [compress(folder, "-q", q).stat().st_size for q in (1, 2, 3)]
        for target in (sizes[0] + 50, sizes[2] + 10000):
            file = compress(folder, "--target-bytes", target)
            assert file.stat().st_size <= target
        refuses("compress", "-m", model, "--target-bytes", 30, "-o",
                folder / "x.vqi", SAMPLE, says="at least")
        refuses("compress", "-m", model, "--target-psnr", 80, "-o",
                folder / "x.vqi", SAMPLE, says="reaches")
        psnr = json.loads(run("roundtrip", "-m", model, "-q", 1, "-o",
                              folder / "o.png", SAMPLE, "--json"))["psnr"] - 0.5
        file = compress(folder, "--target-psnr", psnr)
        run("decompress", "-m", model, "-o", folder / "o.png", file)
        error = ((pixels(folder / "o.png") / 255.0 - pixels(SAMPLE) / 255.0) ** 2)
        assert -10 * np.log10(error.mean()) > psnr - 0.02


def instruction_sets_and_threads_agree():
    """Codes come from floats and may differ; what is decoded of a file may not."""
    with Folder() as folder:
        model = compressor(folder / "m.safetensors", "stages=2")
        file = compress(folder)
        results = []
        for cpu in ("baseline", "avx2", "avx512"):
            for threads in (1, 2):
                run("decompress", "-m", model, "--threads", threads, "-o",
                    folder / "o.png", file, env={"ATELIER_CPU": cpu})
                results.append(pixels(folder / "o.png").astype(int))
        for result in results[1:]:
            assert np.abs(result - results[0]).max() <= 1


def a_small_budget_gives_the_same_file():
    with Folder() as folder:
        compressor(folder / "m.safetensors", "stages=2")
        source = picture(folder / "a.png", 1200, 900)
        files = [compress(folder, "--memory", memory, source=source).read_bytes()
                 for memory in (1024, 64)]
        assert files[0] == files[1]


def prime_makes_files_smaller_and_is_careful():
    with Folder() as folder:
        model = compressor(folder / "m.safetensors", "stages=2")
        (folder / "pictures").mkdir()
        for i in range(3):
            picture(folder / f"pictures/{i}.png", 300 + 40 * i, 200)
        source = picture(folder / "a.png", 320, 240)
        before = compress(folder, source=source, name="before.vqi")
        run("prime", "-m", model, "-o", folder / "p.safetensors", "--width", 16,
            folder / "pictures")
        after = compress(folder, source=source, name="after.vqi",
                         model=folder / "p.safetensors")
        assert code_bytes(after) < 0.9 * code_bytes(before)
        run("decompress", "-m", folder / "p.safetensors", "-o", folder / "o.png", after)
        refuses("decompress", "-m", model, "-o", folder / "o.png", after,
                says="context tables")
        refuses("prime", "-m", folder / "p.safetensors", folder / "pictures",
                says="--force")
        run("prime", "-m", folder / "p.safetensors", "--force", "--width", 16,
            folder / "pictures")
        again = compress(folder, source=source, name="again.vqi",
                         model=folder / "p.safetensors")
        assert again.read_bytes() == after.read_bytes()


def what_is_wrong_is_said():
    with Folder() as folder:
        model = compressor(folder / "m.safetensors")
        refuses("compress", "-m", translator(folder / "t.safetensors"), "-o",
                folder / "x.vqi", SAMPLE, says="Pix2Pix")
        refuses("compress", "-m", model, "-q", 9, "-o", folder / "x.vqi", SAMPLE,
                says="quality")
        refuses("decompress", "-m", model, "-o", folder / "x.png", SAMPLE,
                says="no .vqi file")
        refuses("prime", "-m", model, folder / "nothing.png", says="too few codes")
        run("compress", "-m", model, "-q", 1, "--target-bytes", 9, "-o",
            folder / "x.vqi", SAMPLE, status=2)
        assert not (folder / "x.vqi").exists()


parity.run([(f.__name__.replace("_", " "), f) for f in (
    there_and_back_is_what_roundtrip_says, the_file_says_what_it_is,
    the_model_is_found_by_what_it_is_or_named, cut_files_open_in_a_lower_quality,
    alpha_is_exact_unless_levels_are_asked_for, targets_are_met,
    instruction_sets_and_threads_agree, a_small_budget_gives_the_same_file,
    prime_makes_files_smaller_and_is_careful, what_is_wrong_is_said)])
