"""Every sub-command does what its help says.

    test-commands.py ATELIER
"""

import json
import os
import shutil
import subprocess
import sys

import parity

parity.need("numpy", "PIL")

import numpy as np
from PIL import Image

from command import (SAMPLE, Folder, compressor, create, picture, pixels,
                     read_header, refuses, run, translator)

COMMANDS = ["translate", "compress", "decompress", "roundtrip", "models", "info",
            "create", "import", "export", "pairs", "train", "prime", "evaluate",
            "bench"]


def help_lists_every_command():
    text = run("--help")
    for name in COMMANDS:
        assert f"  {name} " in text, name
        assert "Usage:" in run(name, "--help")


def wrong_command_lines_end_with_status_2():
    for args in ([], ["nonsense"], ["create"], ["create", "--arch", "resnet_6"],
                 ["info"], ["info", "a", "b"], ["translate", "-o", "x", "y"],
                 ["bench", "m", "--size", "0x5"], ["bench", "m", "--size", "-3"],
                 ["bench", "m", "--repeat", "0"], ["translate", "--nonsense"],
                 ["translate", "-m", "m", "-o", "o", "i", "--strength", "2"],
                 ["translate", "-m", "m", "-o", "o", "i", "--threads", "-1"],
                 ["translate", "-m", "m", "-o", "o", "i", "--statistics", "x"]):
        run(*args, status=2)


def create_is_the_same_for_the_same_seed():
    with Folder() as folder:
        a = create(folder / "a.safetensors", "unet_128", "ngf=4", seed=7)
        b = create(folder / "b.safetensors", "unet_128", "ngf=4", seed=7)
        c = create(folder / "c.safetensors", "unet_128", "ngf=4", seed=8)
        assert a.read_bytes() == b.read_bytes()
        assert a.read_bytes() != c.read_bytes()


def create_refuses_what_it_does_not_know():
    with Folder() as folder:
        out = folder / "m.safetensors"
        refuses("create", "--arch", "gan9000", "-o", out, says="unet_256")
        refuses("create", "--arch", "unet_256", "--set", "nfg=3", "-o", out,
                says="nfg")
        refuses("create", "--arch", "unet_256", "--set", "ngf=-3", "-o", out,
                says="ngf")
        refuses("create", "--arch", "vqvae", "--set", "codes=1e9", "-o", out,
                says="codes")
        assert not os.listdir(folder)


def info_tells_architecture_and_parameters():
    with Folder() as folder:
        model = create(folder / "m.safetensors", "unet_256")
        info = json.loads(run("info", model, "--json"))
        assert info["parameters"] == 54413955, info["parameters"]
        assert info["arch"] == "unet_256" and info["kind"] == "pix2pix"
        assert info["config"]["ngf"] == 64 and len(info["hash"]) == 64
        assert info["bytes"] == model.stat().st_size
        assert "54413955" in run("info", model)


def half_precision_halves_the_file():
    with Folder() as folder:
        full = create(folder / "a.safetensors", "resnet_6", "ngf=16")
        run("create", "--arch", "resnet_6", "--set", "ngf=16", "--seed", 1,
            "--half", "-o", folder / "b.safetensors")
        size = (folder / "b.safetensors").stat().st_size
        assert size < 0.55 * full.stat().st_size
        assert json.loads(run("info", folder / "b.safetensors", "--json"))[
            "arch"] == "resnet_6"


def import_takes_a_pytorch_checkpoint():
    try:
        import torch
        from safetensors.torch import load_file
    except ImportError as error:
        raise parity.Skip(str(error))
    with Folder() as folder:
        model = create(folder / "a.safetensors", "unet_128", "ngf=8")
        for legacy in (False, True):
            torch.save(load_file(model), folder / "net_G.pth",
                       _use_new_zipfile_serialization=not legacy)
            run("import", folder / "net_G.pth", "-o", folder / "b.safetensors")
            info = json.loads(run("info", folder / "b.safetensors", "--json"))
            assert info["arch"] == "unet_128", info["arch"]
            assert info["config"]["image_statistics"] is True
            assert info["config"]["dropout_applied"] is False
            original = json.loads(run("info", model, "--json"))
            assert info["hash"] == original["hash"]
            run("import", folder / "net_G.pth", "--statistics", "running",
                "--dropout", "on", "-o", folder / "c.safetensors")
            config = json.loads(run("info", folder / "c.safetensors",
                                    "--json"))["config"]
            assert config["image_statistics"] is False
            assert config["dropout_applied"] is True


# In a process of its own: PyTorch and ONNX Runtime bring the same library.
RUN_ONNX = """
import sys, numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1])
zeros = numpy.zeros((1, 3, 32, 32), numpy.float32)
print(session.run(None, {session.get_inputs()[0].name: zeros})[0].shape)
"""


def export_writes_onnx_that_onnx_runtime_takes():
    with Folder() as folder:
        model = translator(folder / "m.safetensors")
        run("export", model, "--onnx", folder / "m.onnx")
        done = subprocess.run([sys.executable, "-c", RUN_ONNX, folder / "m.onnx"],
                              capture_output=True, text=True)
        if "ModuleNotFoundError" in done.stderr:
            raise parity.Skip("no ONNX Runtime")
        assert done.stdout.strip() == "(1, 3, 32, 32)", done.stderr[-500:]


def translate_keeps_size_alpha_and_format():
    with Folder() as folder:
        model = translator(folder / "m.safetensors")
        for mode, name, size in (("RGB", "a.png", (64, 48)),
                                 ("RGBA", "b.png", (33, 17)),
                                 ("L", "c.png", (1, 1)),
                                 ("LA", "d.png", (5, 3)),
                                 ("RGB", "e.jpg", (50, 70)),
                                 ("RGBA", "f.webp", (40, 40)),
                                 ("RGBA", "g.tif", (21, 40))):
            options = {"lossless": True} if name.endswith("webp") else {}
            source = picture(folder / name, *size, mode, **options)
            target = folder / f"out-{name}"
            run("translate", "-m", model, "-o", target, source)
            result = Image.open(target)
            assert result.size == size, name
            assert ("A" in result.mode) == ("A" in mode), (name, result.mode)
            if "A" in mode:
                assert (pixels(target)[..., -1] == pixels(source)[..., -1]).all()


def strength_0_leaves_the_picture_as_it_is():
    with Folder() as folder:
        model = translator(folder / "m.safetensors")
        source = picture(folder / "a.png", 61, 47)
        run("translate", "-m", model, "--strength", 0, "-o", folder / "b.png",
            source)
        run("translate", "-m", model, "-o", folder / "c.png", source)
        assert (pixels(folder / "b.png") == pixels(source)).all()
        assert (pixels(folder / "c.png") != pixels(source)).any()


def translate_writes_several_pictures_into_a_folder():
    with Folder() as folder:
        model = translator(folder / "m.safetensors")
        a = picture(folder / "a.png")
        b = picture(folder / "b with spaces and é.jpg")
        run("translate", "-m", model, "-o", folder / "out", a, b)
        assert sorted(os.listdir(folder / "out")) == [a.name, b.name]


def a_bad_picture_among_several_is_left_out():
    with Folder() as folder:
        model = translator(folder / "m.safetensors")
        a = picture(folder / "a.png")
        (folder / "bad.png").write_bytes(b"nothing")
        c = picture(folder / "c.png")
        refuses("translate", "-m", model, "-o", folder / "out", a,
                folder / "bad.png", c, says="bad.png")
        assert sorted(os.listdir(folder / "out")) == ["a.png", "c.png"]


def the_same_picture_with_1_thread_and_2():
    with Folder() as folder:
        model = create(folder / "m.safetensors", "unet_128", "ngf=4")
        source = picture(folder / "a.png", 150, 130)
        for threads in (1, 2):
            run("translate", "-m", model, "--threads", threads, "-o",
                folder / f"{threads}.png", source)
        assert (folder / "1.png").read_bytes() == (folder / "2.png").read_bytes()


def a_small_budget_gives_the_same_picture():
    with Folder() as folder:
        model = create(folder / "m.safetensors", "resnet_6", "ngf=16",
                       "norm=batch")
        source = picture(folder / "a.png", 1200, 900)
        for memory in (1024, 96):
            run("translate", "-m", model, "--memory", memory, "-o",
                folder / f"{memory}.png", source)
        a, b = pixels(folder / "1024.png"), pixels(folder / "96.png")
        worst = np.abs(a.astype(int) - b.astype(int)).max()
        assert worst <= 1, f"differs by {worst} of 255"


def roundtrip_measures_what_it_writes():
    with Folder() as folder:
        model = compressor(folder / "m.safetensors", "stages=2")
        out = folder / "out.png"
        figures = json.loads(run("roundtrip", "-m", model, "-o", out, SAMPLE,
                                 "--json"))
        a, b = pixels(SAMPLE) / 255.0, pixels(out) / 255.0
        psnr = -10 * np.log10(((a - b) ** 2).mean())
        assert abs(figures["psnr"] - psnr) < 0.05, (figures["psnr"], psnr)
        assert 0 < figures["ms_ssim"] < 1 and 0 < figures["ssim"] < 1
        text = run("roundtrip", "-m", model, "--quality", 1, "-o", out, SAMPLE)
        assert "psnr" in text and "ms_ssim" in text
        refuses("roundtrip", "-m", model, "--quality", 3, "-o", out, SAMPLE,
                says="quality")


def bench_measures():
    with Folder() as folder:
        model = translator(folder / "m.safetensors")
        result = json.loads(run("bench", model, "--size", "64x32", "--batch", 2,
                                "--repeat", 5, "--threads", 1, "--json",
                                "--verbose"))
        for field in ("median_ms", "min_ms", "peak_rss_mib", "gflops",
                      "first_output_ms"):
            assert result[field] > 0, field
        assert result["min_ms"] <= result["median_ms"]
        assert result["first_output_ms"] < 5000
        assert (result["width"], result["height"]) == (64, 32)
        assert result["batch"] == 2 and result["threads"] == 1
        assert result["blas_kernel"] and len(result["steps"]) > 3
        assert "median" in run("bench", model, "--size", 32)


def bench_runs_on_given_tensors():
    parity.need("safetensors")
    from safetensors.numpy import load_file, save_file

    with Folder() as folder:
        model = translator(folder / "m.safetensors")
        x = np.random.default_rng(1).uniform(-1, 1, (2, 3, 24, 40))
        save_file({"input": x.astype(np.float32)}, folder / "in.safetensors")
        for threads in (1, 2):
            run("bench", model, "--input", folder / "in.safetensors",
                "--output", folder / f"{threads}.safetensors", "--threads",
                threads, "--repeat", 1)
        a = load_file(folder / "1.safetensors")["output"]
        assert a.shape == (2, 3, 24, 40) and np.isfinite(a).all()
        assert (a == load_file(folder / "2.safetensors")["output"]).all()


def models_lists_what_is_in_the_folders():
    with Folder() as folder:
        (folder / "mine").mkdir()
        (folder / "home/atelier/models").mkdir(parents=True)
        compressor(folder / "mine/small.safetensors")
        translator(folder / "home/atelier/models/style.safetensors")
        (folder / "mine/broken.safetensors").write_bytes(b"nothing")
        env = {"ATELIER_MODEL_PATH": str(folder / "mine"),
               "XDG_DATA_HOME": str(folder / "home")}
        found = {m["id"]: m for m in json.loads(run("models", "--json", env=env))}
        assert found["small"]["kind"] == "vqvae"
        assert found["style"]["kind"] == "pix2pix"
        assert found["style"]["file"].endswith("style.safetensors")
        assert "card" in found["style"] and found["broken"]["error"]
        assert "style" in run("models", env=env)
        picture(folder / "a.png")
        run("translate", "-m", "style", "-o", folder / "b.png",
            folder / "a.png", env=env)
        refuses("translate", "-m", "nothere", "-o", folder / "b.png",
                folder / "a.png", env=env, says=("nothere", "style"))


def the_folder_for_ones_own_models_is_made():
    """And no other one."""
    with Folder() as folder:
        env = {"XDG_DATA_HOME": str(folder / "home")}
        own = folder / "home/atelier/models"
        small = ["create", "--arch", "resnet_6", "--set", "ngf=8", "--set", "blocks=1"]
        refuses(*small, "-o", folder / "elsewhere/new.safetensors", env=env,
                says=("elsewhere", "folder"))
        run(*small, "-o", own / "new.safetensors", env=env)
        (folder / "A").mkdir()
        (folder / "B").mkdir()
        for side in "AB":
            picture(folder / side / "a.png")
        shutil.rmtree(folder / "home")
        run("train", "pix2pix", folder, "--preset", "quick", "--steps", 1, "--size",
            32, "-o", own / "style.safetensors", env=env)
        assert (own / "style.safetensors").exists()


def set_reaches_the_file():
    with Folder() as folder:
        model = create(folder / "m.safetensors", "vqvae", "hidden=24",
                       "residual_blocks=3", "downsample=8", "codes=48",
                       "code_dim=12", "stages=2")
        header, _ = read_header(model)
        config = json.loads(header["__metadata__"]["atelier.config"])
        assert config["codes"] == 48 and config["code_dim"] == 12
        assert config["stages"] == 2 and config["downsample"] == 8


parity.run([(f.__name__.replace("_", " "), f) for f in (
    help_lists_every_command, wrong_command_lines_end_with_status_2,
    create_is_the_same_for_the_same_seed, create_refuses_what_it_does_not_know,
    set_reaches_the_file, info_tells_architecture_and_parameters,
    half_precision_halves_the_file, import_takes_a_pytorch_checkpoint,
    export_writes_onnx_that_onnx_runtime_takes,
    translate_keeps_size_alpha_and_format,
    strength_0_leaves_the_picture_as_it_is,
    translate_writes_several_pictures_into_a_folder,
    a_bad_picture_among_several_is_left_out,
    the_same_picture_with_1_thread_and_2, a_small_budget_gives_the_same_picture,
    roundtrip_measures_what_it_writes, bench_measures,
    bench_runs_on_given_tensors, models_lists_what_is_in_the_folders,
    the_folder_for_ones_own_models_is_made)])
