"""atelier train, evaluate and bench --train, from end to end, over MPI too.

    test-training.py ATELIER
"""

import base64
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import time

import parity

parity.need("numpy", "PIL")

from command import COMMAND, Folder, picture, read_header, refuses, run

VQVAE = ["--arch", "vqvae", "--size", "32", "--batch", "2", "--steps", "12", "--set", "hidden=16",
         "--set", "codes=16", "--set", "code_dim=8", "--set", "stages=2", "--set", "zero_code=yes",
         "--set", "unquantised=4", "--set", "measure_steps=6", "--seed", "3"]
PIX2PIX = ["--arch", "unet_32", "--size", "32", "--batch", "2", "--steps", "12", "--set", "ngf=8",
           "--set", "ndf=8", "--set", "n_layers=1", "--set", "measure_steps=6", "--seed", "3"]


def pictures(folder, n=10):
    folder.mkdir(parents=True)
    for i in range(n):
        picture(folder / f"p {i}.png", 48 + i, 40)
    return folder


def pairs(folder):
    pictures(folder / "A")
    shutil.copytree(folder / "A", folder / "B")
    return folder


def card(path):
    return json.loads(read_header(path)[0]["__metadata__"]["atelier.card"])


def both_kinds_are_trained_and_evaluated():
    with Folder() as folder:
        for kind, options, data in (("vqvae", VQVAE, pictures(folder / "pictures")),
                                    ("pix2pix", PIX2PIX, pairs(folder / "pairs"))):
            model = folder / f"{kind}.safetensors"
            said = run("train", kind, data, "-o", model, *options)
            assert "step 12 of 12" in said and "waiting for pictures" in said, said
            # Of the best model, which need not be the last.
            assert card(model)["steps"] in (6, 12) and "PSNR" in card(model)["figures"]
            report = folder / f"{kind}.report"
            rows = (report / "history.csv").read_text().splitlines()
            assert len(rows) == 13 and rows[0].startswith("step,"), rows
            assert (report / "report.html").stat().st_size > 5000
            figures = json.loads(run("evaluate", "-m", model, data, "--json"))
            assert figures["n"] == 10 == len(figures["pictures"])
            assert 0 < figures["l1"] < 1 and 0 < figures["psnr"] < 99
            mean = sum(p["psnr"] for p in figures["pictures"]) / 10
            assert abs(mean - figures["psnr"]) < 1e-6
            thumbnail = base64.b64decode(read_header(model)[0]["__metadata__"]["atelier.thumbnail"])
            assert thumbnail[:8] == b"\x89PNG\r\n\x1a\n"
            assert struct.unpack(">II", thumbnail[16:24]) == (192, 96)
        # What a VQ-VAE's codes come to.
        figures = json.loads(run("evaluate", "-m", folder / "vqvae.safetensors", data, "--json"))
        assert [b["stage"] for b in figures["codebooks"]] == [1, 2]
        for book in figures["codebooks"]:
            assert 1 <= book["perplexity"] <= book["used"] + 1e-9 <= book["entries"] + 1e-9 == 16 + 1e-9
        assert figures["bits_per_pixel"] > 0
        assert "perplexity" in run("evaluate", "-m", folder / "vqvae.safetensors", data)
        # What training keeps for the entropy coder.
        header = read_header(folder / "vqvae.safetensors")[0]["__metadata__"]
        counts = json.loads(header["atelier.codes"])["counts"]["quantise"]
        assert len(counts) == 2 and len(counts[0]) == 16


def damage_makes_pairs_of_single_pictures():
    with Folder() as folder:
        data = pictures(folder / "pictures")
        model = folder / "m.safetensors"
        run("train", "pix2pix", data, "-o", model, *PIX2PIX, "--corrupt", "noise:10-30",
            "--set", "residual=yes", "--set", "gan_weight=0")
        assert "noise:10-30" in card(model)["data"]
        figures = json.loads(run("evaluate", "-m", model, data, "--corrupt", "noise:20", "--json"))
        assert figures["n"] == 10


def nothing_to_resume_starts_afresh():
    with Folder() as folder:
        data = pictures(folder / "pictures")
        said = run("train", "vqvae", data, "-o", folder / "m.safetensors", *VQVAE, "--resume")
        assert "afresh" in said
        again = run("train", "vqvae", data, "-o", folder / "m.safetensors", *VQVAE, "--resume")
        assert "Going on after step 12" in again


def a_signal_keeps_everything():
    with Folder() as folder:
        data = pictures(folder / "pictures")
        model = folder / "m.safetensors"
        options = [*VQVAE]
        options[options.index("12")] = "100000"
        child = subprocess.Popen([COMMAND, "train", "vqvae", str(data), "-o", str(model), *options],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while not model.exists():
            assert child.poll() is None
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60)
        assert child.returncode == 130, child.returncode
        assert "--resume" in out, out
        assert (folder / "m.checkpoint").exists() and card(model)["steps"] > 0
        left = {p.name for p in folder.iterdir()}
        assert left == {"pictures", "m.safetensors", "m.checkpoint", "m.report"}, left


def what_cannot_be_is_refused():
    with Folder() as folder:
        data = pictures(folder / "pictures")
        out = folder / "m.safetensors"
        (folder / "empty").mkdir()
        refuses("train", "vqvae", folder / "empty", "-o", out, says="empty")
        refuses("train", "vqvae", folder / "none", "-o", out, says="none")
        refuses("train", "vqvae", data, "-o", folder / "no" / "m.safetensors", says="no")
        refuses("train", "vqvae", data, "-o", out, "--preset", "huge", says="quick")
        refuses("train", "vqvae", data, "-o", out, "--arch", "unet_256", says="unet_256")
        refuses("train", "vqvae", data, "-o", out, "--set", "nonsense=1", says="lr")
        refuses("train", "pix2pix", data, "-o", out, "--corrupt", "wool", says="noise")
        refuses("train", "pix2pix", folder / "empty", "-o", out, "--corrupt", "wool", says="noise")
        refuses("train", "pix2pix", pairs(folder / "many"), "-o", out, "--size", "4096", "--batch",
                "256", says="memory")
        refuses("train", "pix2pix", pairs(folder / "pairs"), "-o", out, "--arch", "unet_256",
                "--size", "100", says="256")
        refuses("evaluate", "-m", out, data, says="m.safetensors")
        run("train", "gan", data, "-o", out, status=2)
        run("train", "vqvae", data, status=2)
        run("train", "vqvae", data, "-o", out, "--seed", "x", status=2)
        assert not out.exists()


def a_forecast_trains_nothing():
    with Folder() as folder:
        data = pictures(folder / "pictures")
        said = run("train", "vqvae", data, "-o", folder / "m.safetensors", *VQVAE, "--forecast")
        assert "12 steps" in said and "GB" in said, said
        assert {p.name for p in folder.iterdir()} == {"pictures"}


def training_steps_can_be_measured():
    for kind, options in (("vqvae", ["--set", "hidden=16"]),
                          ("pix2pix", ["--arch", "resnet_2", "--set", "ngf=8"])):
        figures = json.loads(run("bench", "--train", kind, *options, "--size", "32", "--batch", "2",
                                 "--threads", "1", "--repeat", "3", "--json"))
        assert figures["median_ms"] >= figures["min_ms"] > 0
        assert figures["peak_rss_mib"] > 5 and figures["threads"] == 1


def mpirun(*args, n=2):
    if not shutil.which("mpirun"):
        raise parity.Skip("there is no mpirun")
    if not (pathlib.Path(COMMAND).parent / "atelier-mpi.so").exists():
        raise parity.Skip("built without MPI")
    env = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
           "OMPI_MCA_rmaps_base_oversubscribe": "1", "PRTE_MCA_rmaps_default_mapping_policy":
           ":oversubscribe", "OMPI_MCA_btl": "self,sm"}
    return subprocess.Popen(["mpirun", "-n", str(n), COMMAND, *map(str, args)], env=env,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def two_processes_give_the_model_of_one():
    from safetensors.numpy import load_file

    worst = 0
    with Folder() as folder:
        for kind, options, data in (("vqvae", VQVAE, pictures(folder / "pictures")),
                                    ("pix2pix", PIX2PIX, pairs(folder / "pairs"))):
            # Dropout masks differ between processes.
            if kind == "pix2pix":
                options = [*options, "--set", "train_dropout=no", "--set", "lr=0.00002"]
            one, two = folder / f"{kind}1.safetensors", folder / f"{kind}2.safetensors"
            run("train", kind, data, "-o", one, *options)
            child = mpirun("train", kind, data, "-o", two, "--threads", "1", *options)
            out, err = child.communicate(timeout=300)
            assert child.returncode == 0, err
            assert out.count("step 12 of 12") == 1, out
            a, b = load_file(one), load_file(two)
            # The codec's tables are whole numbers: the nearest to what is as near.
            assert a.keys() == b.keys()
            worst = max(worst, *(parity.difference(a[name], b[name]) for name in a
                                 if not name.startswith("codec.")))
    assert worst <= 1e-4, worst
    return f"within {worst:.1e}"


def processes_that_cannot_find_each_other_are_refused():
    with Folder() as folder:
        alone = folder / "atelier"
        shutil.copy(COMMAND, alone)
        out = folder / "m.safetensors"
        done = subprocess.run([alone, "train", "vqvae", pictures(folder / "p"), "-o", out, *VQVAE],
                              env={**os.environ, "OMPI_COMM_WORLD_SIZE": "2"},
                              capture_output=True, text=True)
        assert done.returncode == 1 and "mpirun" in done.stderr, done.stderr
        assert not out.exists()


def children_of(pid):
    result = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            result.append(int(stat.parent.name))
    return result


def a_lost_process_ends_the_run_with_the_checkpoint_intact():
    with Folder() as folder:
        data = pictures(folder / "pictures")
        options = [*VQVAE]
        options[options.index("12")] = "100000"
        child = mpirun("train", "vqvae", data, "-o", folder / "m.safetensors", "--threads", "1",
                       "--set", "checkpoint_seconds=0", *options)
        while not (folder / "m.checkpoint").exists():
            assert child.poll() is None, child.communicate()
            time.sleep(0.05)
        ranks = [pid for pid in children_of(child.pid)
                 if "atelier" in pathlib.Path(f"/proc/{pid}/cmdline").read_text()]
        assert len(ranks) == 2, ranks
        os.kill(max(ranks), signal.SIGKILL)
        child.communicate(timeout=120)
        assert child.returncode != 0
        options[options.index("100000")] = "40"
        said = run("train", "vqvae", data, "-o", folder / "m.safetensors", "--resume", *options)
        assert "Going on after step" in said, said


parity.run([(case.__name__.replace("_", " "), case) for case in (
    both_kinds_are_trained_and_evaluated,
    damage_makes_pairs_of_single_pictures,
    nothing_to_resume_starts_afresh,
    a_signal_keeps_everything,
    what_cannot_be_is_refused,
    a_forecast_trains_nothing,
    training_steps_can_be_measured,
    two_processes_give_the_model_of_one,
    processes_that_cannot_find_each_other_are_refused,
    a_lost_process_ends_the_run_with_the_checkpoint_intact,
)])
