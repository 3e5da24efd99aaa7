"""Checkpoints that PyTorch writes, imported: the architecture is recognised and
every weight arrives exactly.

    test-import.py MODEL-TOOL [WORD-OF-A-CASE...]
"""

import parity

parity.need("torch", "safetensors", "numpy")

import torch
from safetensors.torch import save_file

import networks

torch.manual_seed(2)

DEFAULTS = dict(input_channels=3, output_channels=3, ngf=64, ndf=64, norm="batch",
                dropout=0.0, upsample="transposed", residual=False)


def config_of(arch, **settings):
    config = dict(DEFAULTS, arch=arch, **settings)
    if arch.startswith("unet_"):
        config.setdefault("levels", int(arch[5:]).bit_length() - 1)
        config["dropout"] = settings.get("dropout", 0.5)
    elif arch.startswith("resnet_"):
        config.setdefault("blocks", int(arch[7:]))
    else:
        config.setdefault("n_layers", 0 if arch == "pixel" else 3)
    return config


def randomised(config):
    network = networks.build(config)
    with torch.no_grad():
        for t in [*network.parameters(), *network.buffers()]:
            if t.is_floating_point():
                t.copy_(torch.rand_like(t) + 0.1)
    return network


def save_zip(value, path):
    torch.save(value, path)


def save_legacy(value, path):
    torch.save(value, path, _use_new_zipfile_serialization=False)


def imported(folder, path, *more):
    out = folder.path("imported.safetensors")
    parity.tool("import", path, out, *more)
    return parity.read_model(out)


def check_same(config, state, found, tensors):
    for key, value in found.items():
        if key in ("image_statistics", "dropout_applied", "colour"):
            continue
        assert config[key] == value, f"{key} is {value}, not {config[key]}"
    if "image_statistics" in found:
        assert found["image_statistics"] is True
    if "dropout_applied" in found:
        assert found["dropout_applied"] is False
    wanted = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    assert set(wanted) == set(tensors), set(wanted) ^ set(tensors)
    for name, value in wanted.items():
        assert torch.equal(value.float(), tensors[name]), f"{name} differs"


def round_trip(config, save, wrap=lambda state: state, change=lambda state: state):
    def check():
        state = change(randomised(config).state_dict())
        with parity.Folder() as folder:
            path = folder.path("checkpoint.pth")
            save(wrap(state), path)
            found, _, tensors = imported(folder, path)
            check_same(config, state, found, tensors)
    return check


def same_output(config, save):
    """Imported, the network computes what PyTorch does with it when it is applied
    as the reference applies it: the picture's own statistics, here without
    dropout."""
    def check():
        network = networks.set_statistics(scaled(config), image=True)
        size = 2 ** config.get("levels", 5)
        x = torch.rand(1, 3, size, size) * 2 - 1
        with parity.Folder() as folder, torch.no_grad():
            path, out = folder.path("checkpoint.pth"), folder.path("imported.safetensors")
            save(network.state_dict(), path)
            found, _, tensors = imported(folder, path)
            check_same(config, network.state_dict(), found, tensors)
            wanted = network(x).numpy()
            assert wanted.std((2, 3)).min() > 0.01, "the network's output is flat"
            ours, _ = parity.run_ours(folder, out, input=x)
            return f"{parity.assert_close(ours, wanted, 'imported'):.1e}"
    return check


def scaled(config):
    """Random weights under which the output is alive."""
    network = randomised(config)
    with torch.no_grad():
        for p in network.parameters():
            if p.dim() == 4:
                p.normal_(0, 1.2 / (p[0].numel() ** 0.5))
    return network


def with_prefix(state):
    return {"module." + name: value for name, value in state.items()}


def in_trainer(state):
    """What a training script saves: everything, the discriminator first."""
    judge = randomised(config_of("patchgan", ndf=8, input_channels=6, output_channels=1))
    moments = {0: {"step": torch.tensor(3.0), "exp_avg": torch.zeros(4, 4)}}
    return {"epoch": 12, "discriminator": judge.state_dict(),
            "generator": with_prefix(state),
            "optimizer": {"state": moments, "param_groups": [{"lr": 2e-4}]}}


def transposed_memory(state):
    """The same values, but laid out otherwise in memory."""
    return {k: v.to(memory_format=torch.channels_last) if v.dim() == 4 else v
            for k, v in state.items()}


def halves(state):
    return {k: v.half() if v.is_floating_point() else v for k, v in state.items()}


def old_instance_norm(state):
    """PyTorch 0.3 kept running statistics in instance norms."""
    more = {}
    for name in state:
        if name.endswith(".1.bias") and name.startswith("model.10."):
            base = name.replace(".1.bias", ".2.")
            more[base + "running_mean"] = torch.zeros(4)
            more[base + "running_var"] = torch.ones(4)
    return {**state, **more}


def refused(name, value, *words):
    def check():
        with parity.Folder() as folder:
            path = folder.path("checkpoint.pth")
            torch.save(value() if callable(value) else value, path)
            try:
                imported(folder, path)
            except RuntimeError as error:
                text = str(error)
                missing = [word for word in words if word not in text]
                assert not missing, f"{missing} not in: {text}"
                assert "\n" not in text, text
                return None
            raise AssertionError("was taken")
    return name, check


def check_old_instance_norm():
    config = config_of("resnet_6", ngf=8, norm="instance")
    state = randomised(config).state_dict()
    with parity.Folder() as folder:
        path = folder.path("checkpoint.pth")
        torch.save(old_instance_norm(state), path)
        found, _, tensors = imported(folder, path)
        check_same(config, state, found, tensors)


def check_safetensors():
    config = config_of("resnet_2", ngf=8)
    state = randomised(config).state_dict()
    with parity.Folder() as folder:
        path = folder.path("foreign.safetensors")
        save_file({"netG." + k: v for k, v in state.items()}, path)
        found, _, tensors = imported(folder, path)
        check_same(config, state, found, tensors)


def check_asked_for():
    """Asked for, the discriminator is found beside the generator; a wrong
    wish is refused."""
    config = config_of("resnet_2", ngf=8)
    state = in_trainer(randomised(config).state_dict())
    with parity.Folder() as folder:
        path = folder.path("checkpoint.pth")
        torch.save(state, path)
        found, _, tensors = imported(folder, path, "patchgan")
        assert found["arch"] == "patchgan" and found["ndf"] == 8
        assert torch.equal(tensors["model.0.weight"],
                           state["discriminator"]["model.0.weight"])
        try:
            imported(folder, path, "unet_256")
        except RuntimeError as error:
            assert "unet_256" in str(error), error
        else:
            raise AssertionError("unet_256 was found")


def extended():
    state = randomised(config_of("unet_128", ngf=4)).state_dict()
    return {**state, "model.model.1.attention.weight": torch.zeros(4, 4)}


def without(name):
    def make():
        state = randomised(config_of("unet_128", ngf=4)).state_dict()
        del state[name]
        return state
    return make


def with_nan():
    state = randomised(config_of("resnet_1", ngf=4)).state_dict()
    state["model.4.weight"][0, 0, 0, 0] = float("nan")
    return state


def misshapen():
    state = randomised(config_of("resnet_1", ngf=4)).state_dict()
    state["model.4.weight"] = torch.zeros(8, 5, 3, 3)
    return state


CASES = []
for arch in ("unet_128", "unet_256", "resnet_6", "resnet_9"):
    for norm in ("batch", "instance"):
        for form, save in (("zip", save_zip), ("legacy", save_legacy)):
            CASES.append((f"{arch}, {norm} norm, {form}",
                          same_output(config_of(arch, norm=norm, ngf=16), save)))
CASES += [
    ("unet_256 of full width", round_trip(config_of("unet_256"), save_zip)),
    ("unet_512, other channels",
     round_trip(config_of("unet_512", ngf=4, input_channels=1, output_channels=2),
                save_zip)),
    ("unet, no norm", round_trip(config_of("unet_128", ngf=8, norm="none"), save_zip)),
    ("unet, resize convolution",
     round_trip(config_of("unet_128", ngf=8, upsample="nearest"), save_zip)),
    ("resnet, resize convolution",
     round_trip(config_of("resnet_3", ngf=8, upsample="nearest"), save_zip)),
    ("resnet with dropout, batch norm",
     round_trip(config_of("resnet_6", ngf=8, dropout=0.5), save_zip)),
    ("resnet with dropout, instance norm",
     round_trip(config_of("resnet_6", ngf=8, dropout=0.5, norm="instance"), save_zip)),
    ("resnet, no norm", round_trip(config_of("resnet_2", ngf=8, norm="none"), save_zip)),
    ("patchgan",
     round_trip(config_of("patchgan", ndf=16, input_channels=6, output_channels=1),
                save_zip)),
    ("patchgan of 5 layers, instance norm",
     round_trip(config_of("patchgan", ndf=8, n_layers=5, norm="instance",
                          input_channels=3, output_channels=1), save_zip)),
    ("pixel discriminator",
     round_trip(config_of("pixel", ndf=16, input_channels=6, output_channels=1),
                save_zip)),
    ("DataParallel's prefix, zip",
     round_trip(config_of("unet_128", ngf=8), save_zip, with_prefix)),
    ("DataParallel's prefix, legacy",
     round_trip(config_of("resnet_6", ngf=8), save_legacy, with_prefix)),
    ("a trainer's checkpoint, zip",
     round_trip(config_of("unet_128", ngf=8), save_zip, in_trainer)),
    ("a trainer's checkpoint, legacy",
     round_trip(config_of("resnet_6", ngf=8), save_legacy, in_trainer)),
    ("weights in channels-last memory",
     round_trip(config_of("resnet_2", ngf=8), save_zip, change=transposed_memory)),
    ("half-precision weights",
     round_trip(config_of("resnet_2", ngf=8), save_zip, change=halves)),
    ("half-precision weights, legacy",
     round_trip(config_of("unet_128", ngf=8), save_legacy, change=halves)),
    ("instance norms of old versions", check_old_instance_norm),
    ("foreign safetensors", check_safetensors),
    ("an architecture that is asked for", check_asked_for),
    refused("a network with a further tensor is refused", extended,
            "unet_128", "model.model.1.attention.weight"),
    refused("a network without a tensor is refused",
            without("model.model.1.model.3.model.1.weight"), "unet"),
    refused("a network without a bias is refused",
            without("model.model.3.bias"), "model.model.3.bias", "missing"),
    refused("a NaN is refused", with_nan, "model.4.weight"),
    refused("another shape is refused", misshapen, "model.4.weight", "8x5x3x3"),
    refused("another network is refused",
            lambda: torch.nn.Linear(3, 4).state_dict(), "knows"),
    refused("an empty checkpoint is refused", {}, "checkpoint.pth"),
]

parity.run(CASES)
