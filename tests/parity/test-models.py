"""Whole networks: our model files in PyTorch, our ONNX in ONNX Runtime, and our
own output, all with the same weights.

    test-models.py MODEL-TOOL [WORD-OF-A-CASE...]
"""

import subprocess
import sys

import parity

parity.need("torch", "safetensors", "numpy")

import numpy as np
import torch
from safetensors.torch import save_file

import networks

torch.manual_seed(1)
torch.set_num_threads(1)

# name, architecture, settings, height, width
CASES = [
    ("unet_128, batch norm", "unet_128", "ngf=8", 128, 128),
    ("unet_128, instance norm", "unet_128", "ngf=8 norm=instance", 128, 256),
    ("unet_128, no norm", "unet_128", "ngf=8 norm=none", 128, 128),
    ("unet_256, 54,413,955 parameters", "unet_256", "", 256, 256),
    ("unet_256, running statistics", "unet_256", "ngf=8 image_statistics=no", 256, 256),
    ("unet_512, wide picture", "unet_512", "ngf=4", 512, 1024),
    ("unet of 5 levels, no dropout, 1 -> 2 channels", "unet_32",
     "ngf=8 dropout=0 colour=luma_to_chroma", 64, 96),
    ("unet, nearest resize convolution", "unet_128", "ngf=8 upsample=nearest", 128, 128),
    ("unet, bilinear resize convolution", "unet_128", "ngf=8 upsample=bilinear", 128, 256),
    ("unet, residual", "unet_32", "ngf=8 residual=yes norm=instance", 64, 64),
    ("resnet_6, batch norm", "resnet_6", "ngf=16", 64, 48),
    ("resnet_6, running statistics", "resnet_6", "ngf=16 image_statistics=no", 64, 48),
    ("resnet_9, instance norm", "resnet_9", "ngf=16 norm=instance", 60, 92),
    ("resnet_9, no norm", "resnet_9", "ngf=8 norm=none", 32, 32),
    ("resnet of 2 blocks, dropout", "resnet_2", "ngf=8 dropout=0.5", 40, 40),
    ("resnet of no blocks", "resnet_0", "ngf=8", 40, 40),
    ("resnet, nearest resize convolution", "resnet_2",
     "ngf=8 upsample=nearest norm=instance", 40, 40),
    ("resnet, bilinear resize convolution, residual", "resnet_2",
     "ngf=8 upsample=bilinear residual=yes", 40, 44),
    ("resnet, odd widths, 4 -> 2 channels", "resnet_1",
     "ngf=7 input_channels=4 output_channels=2 image_statistics=no", 36, 36),
    ("drunet, residual", "drunet", "ngf=8 residual=yes", 64, 48),
    ("drunet, 4 levels of a block, no patch, 1 -> 2 channels", "drunet",
     "ngf=8 levels=4 blocks=1 patch=1 colour=luma_to_chroma", 40, 48),
    ("drunet, one level, patch of 4", "drunet", "ngf=16 levels=1 patch=4", 32, 20),
    ("drunet, transposed", "drunet", "ngf=8 upsample=transposed", 32, 64),
    ("patchgan 70x70", "patchgan", "image_statistics=no", 96, 96),
    ("patchgan, image statistics", "patchgan", "ndf=16 image_statistics=yes", 70, 83),
    ("patchgan, instance norm, 5 layers", "patchgan", "ndf=8 n_layers=5 norm=instance",
     300, 260),
    ("patchgan of one layer", "patchgan", "ndf=8 n_layers=1 norm=none", 33, 33),
    ("pixel discriminator", "pixel", "ndf=16 image_statistics=no", 17, 19),
    ("pixel discriminator, instance norm", "pixel", "norm=instance ndf=8", 16, 16),
    ("vqvae of the paper", "vqvae", "", 64, 64),
    ("vqvae, 4 stages", "vqvae", "hidden=32 stages=4 codes=64 code_dim=16", 64, 32),
    ("vqvae, zero code", "vqvae",
     "hidden=32 stages=3 codes=64 code_dim=16 zero_code=yes", 64, 32),
    ("vqvae, factor 1", "vqvae", "hidden=16 downsample=1 code_dim=8", 21, 13),
    ("vqvae, factor 2", "vqvae", "hidden=16 downsample=2 code_dim=8", 22, 14),
    ("vqvae, factor 16", "vqvae", "hidden=16 downsample=16 code_dim=8", 64, 48),
    ("vqvae, narrow blocks", "vqvae", "hidden=32 residual_hidden=8 residual_blocks=3",
     32, 32),
    ("vqvae, no blocks", "vqvae", "hidden=16 residual_blocks=0", 32, 32),
    ("vqvae, nearest", "vqvae", "hidden=16 upsample=nearest", 32, 32),
    ("vqvae, bilinear", "vqvae", "hidden=16 upsample=bilinear", 32, 32),
    ("vqvae, shuffle", "vqvae", "hidden=16 upsample=shuffle outer_blocks=1", 32, 32),
    ("vqvae, all patch", "vqvae", "hidden=16 patch=4 outer_blocks=1", 32, 32),
    ("vqvae, linear skip", "vqvae", "hidden=16 linear_skip=yes", 32, 40),
    ("vqvae, linear skip at factor 1", "vqvae",
     "hidden=16 linear_skip=yes downsample=1", 8, 8),
    ("vqvae of the codec experiment", "vqvae",
     "hidden=128 downsample=8 patch=4 decoder_blocks=3 outer_blocks=1 upsample=shuffle "
     "linear_skip=yes code_dim=32 stages=4 zero_code=yes", 64, 96),
    ("vqvae, grey", "vqvae", "hidden=16 input_channels=1 output_channels=1", 16, 16),
    ("vqvae2", "vqvae2", "", 64, 64),
    ("vqvae2, 2 stages, patch, linear skip", "vqvae2",
     "hidden=32 stages=2 patch=2 linear_skip=yes codes=64 code_dim=8", 64, 32),
    ("vqvae2, nearest", "vqvae2", "hidden=32 upsample=nearest codes=64", 32, 64),
]


def quantisers(network):
    return [m for m in network.modules() if isinstance(m, networks.Quantiser)]


def spread_codebooks(network, x):
    """Entries that the picture uses: its own vectors, stage after stage."""
    def fill(module, inputs):
        rest = inputs[0].detach().permute(0, 2, 3, 1).flatten(0, 2)
        for s, entries in enumerate(module.codebook):
            picks = torch.randint(len(rest), (len(entries),))
            noise = 0.3 * rest.std() * torch.randn_like(entries)
            entries.data = rest[picks] + noise
            if s > 0:
                entries.data[0] = 0
            score = (entries * entries).sum(1) - 2 * rest @ entries.T
            rest = rest - entries[score.argmin(-1)].detach()

    hooks = [q.register_forward_pre_hook(fill) for q in quantisers(network)]
    network(x)
    for hook in hooks:
        hook.remove()


def randomise(network, config, x):
    """Weights under which every part of the network matters, and of which the
    values stay in proportion where no norm sees to it."""
    gain = 0.5 if isinstance(network, networks.Drunet) else 1.2
    with torch.no_grad():
        for name, p in network.named_parameters():
            if "codebook" in name:
                continue
            if p.dim() == 4:
                p.normal_(0, gain / (p[0].numel() ** 0.5))
            elif name.endswith("bias"):
                p.normal_(0, 0.1)
            else:
                p.normal_(1, 0.1)
        for name, b in network.named_buffers():
            if name.endswith("running_mean"):
                b.normal_(0, 0.3)
            elif name.endswith("running_var"):
                b.uniform_(0.5, 2)
        spread_codebooks(network, x)


def n_parameters(network):
    return sum(p.numel() for name, p in network.named_parameters()
               if "codebook" not in name)


def make(folder, arch, settings, height, width, batch=1):
    """Creates a model with our tool, loads it strictly in PyTorch, gives it
    random weights and saves those as a model again."""
    created, path = folder.path("created.safetensors"), folder.path("model.safetensors")
    parity.tool("create", arch, 7, created, *settings.split())
    config, metadata, tensors = parity.read_model(created)
    network = networks.build(config)
    network.load_state_dict(tensors, strict=True)
    networks.set_statistics(network, config.get("image_statistics", False))
    x = torch.rand(batch, config["input_channels"], height, width) * 2 - 1
    randomise(network, config, x)
    state = {name: t.contiguous() for name, t in network.state_dict().items()
             if not name.endswith("num_batches_tracked")}
    assert set(state) == set(tensors), "names differ"
    save_file(state, path, metadata)
    return config, network, x, path


def open_onnx(path):
    """A function from input to output."""
    try:
        import onnxruntime
    except ImportError as error:
        raise parity.Skip(str(error))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    return lambda x: session.run(None, {"input": x.numpy()})[0]


def run_onnx(path, x):
    return open_onnx(path)(x)


def assert_codes(network, codes):
    """The codes are PyTorch's, one by one."""
    wanted = {f"codes.{name}": module.codes.to(torch.int32)
              for name, module in network.named_modules()
              if isinstance(module, networks.Quantiser)}
    assert set(wanted) == set(codes), f"{set(wanted)} against {set(codes)}"
    for name, value in wanted.items():
        assert len(value.unique()) > 1, f"{name}: all codes are the same"
        wrong = (value != codes[name]).sum().item()
        assert wrong == 0, f"{name}: {wrong} of {value.numel()} codes differ"


def check_case(name, arch, settings, height, width):
    def check():
        with parity.Folder() as folder, torch.no_grad():
            config, network, x, path = make(folder, arch, settings, height, width)
            if "54,413,955" in name:
                assert n_parameters(network) == 54413955, n_parameters(network)
            wanted = network(x).numpy()
            assert wanted.std((2, 3)).min() > 0.01, "the network's output is flat"

            parity.tool("onnx", path, folder.path("model.onnx"))
            ours, codes = parity.run_ours(folder, path, input=x)
            assert_codes(network, codes)
            d = parity.assert_close(ours, wanted, "Atelier against PyTorch")
            theirs = run_onnx(folder.path("model.onnx"), x)
            e = parity.assert_close(theirs, wanted, "ONNX Runtime against PyTorch")
            return f"Atelier {d:.1e}, ONNX Runtime {e:.1e}"
    return check


def check_batch(arch, settings, batch=3):
    """Several pictures at once, as PyTorch does it (a batch norm with its own
    statistics takes them over the whole batch)."""
    def check():
        with parity.Folder() as folder, torch.no_grad():
            config, network, x, path = make(folder, arch, settings, 32, 64, batch)
            wanted = network(x).numpy()
            ours, codes = parity.run_ours(folder, path, input=x)
            assert_codes(network, codes)
            d = parity.assert_close(ours, wanted, "Atelier against PyTorch")
            if config.get("image_statistics") and config["norm"] == "batch":
                return f"Atelier {d:.1e}"
            parity.tool("onnx", path, folder.path("model.onnx"))
            theirs = run_onnx(folder.path("model.onnx"), x)
            e = parity.assert_close(theirs, wanted, "ONNX Runtime against PyTorch")
            return f"Atelier {d:.1e}, ONNX Runtime {e:.1e}"
    return check


def check_decoder(arch, settings):
    """The decoder alone, from the quantisers' values."""
    def check():
        with parity.Folder() as folder, torch.no_grad():
            _, network, x, path = make(folder, arch, settings, 32, 64)
            given = {}
            hooks = [module.register_forward_hook(
                         lambda module, args, out, name=name: given.update({name: out}))
                     for name, module in network.named_modules()
                     if isinstance(module, networks.Quantiser)]
            wanted = network(x).numpy()
            for hook in hooks:
                hook.remove()
            ours, codes = parity.run_ours(folder, path, **given)
            assert not codes, "the encoder ran"
            return f"{parity.assert_close(ours, wanted, 'decoder'):.1e}"
    return check


def check_stages():
    """The first stages of a residual quantiser alone: fewer bits, another
    picture."""
    with parity.Folder() as folder, torch.no_grad():
        _, network, x, path = make(folder, "vqvae",
                                   "hidden=32 stages=4 codes=64 code_dim=16", 64, 32)
        outputs = []
        for used in (1, 2, 3, 4):
            network.quantise.used = used
            wanted = network(x).numpy()
            ours, codes = parity.run_ours(folder, path, stages=used, input=x)
            outputs.append(ours)
            parity.assert_close(ours, wanted, f"{used} stages")
            found = codes["codes.quantise"][..., :used]
            assert torch.equal(found.long(), network.quantise.codes), f"{used} stages"
        for a, b in zip(outputs, outputs[1:]):
            assert parity.difference(a, b) > 0.01, "a stage changes nothing"


def check_half(arch, settings):
    """A file with half-precision weights, against PyTorch with them."""
    def check():
        with parity.Folder() as folder, torch.no_grad():
            config, network, x, path = make(folder, arch, settings, 64, 64)
            halved = folder.path("half.safetensors")
            parity.tool("save", path, halved, "half")
            _, _, tensors = parity.read_model(halved)
            kinds = {t.dtype for t in tensors.values()}
            assert kinds == {torch.float16, torch.float32}, kinds
            for name, value in network.state_dict().items():
                if name in tensors and tensors[name].dtype == torch.float16:
                    assert torch.equal(value.half(), tensors[name]), name
            network.load_state_dict(tensors, strict=True)
            ours, _ = parity.run_ours(folder, halved, input=x)
            return f"{parity.assert_close(ours, network(x).numpy(), 'half'):.1e}"
    return check


def check_dropout():
    """Dropout on: ONNX Runtime's results vary from run to run as PyTorch's do."""
    with parity.Folder() as folder, torch.no_grad():
        _, network, x, path = make(folder, "resnet_2",
                                   "ngf=8 dropout=0.5 dropout_applied=yes norm=instance",
                                   32, 32)
        parity.tool("onnx", path, folder.path("model.onnx"))
        network_onnx = open_onnx(folder.path("model.onnx"))
        theirs = np.stack([network_onnx(x) for _ in range(64)])
        for module in network.modules():
            if isinstance(module, torch.nn.Dropout):
                module.train()
        wanted = np.stack([network(x).numpy() for _ in range(64)])
        spread, wanted_spread = theirs.std(0).mean(), wanted.std(0).mean()
        assert wanted_spread > 0.01
        assert abs(spread / wanted_spread - 1) < 0.1, f"{spread}, not {wanted_spread}"
        apart = np.abs(theirs.mean(0) - wanted.mean(0)).mean()
        assert apart < wanted_spread / 3, f"means are {apart} apart"


def check_onnx_checker():
    """onnx's own checker, with shapes inferred, in a process of its own."""
    program = ("import onnx, sys\n"
               "for path in sys.argv[1:]:\n"
               "    onnx.checker.check_model(path, full_check=True)\n")
    wishes = [("unet_128", "ngf=4 dropout_applied=yes"), ("unet_32", "ngf=4 norm=none"),
              ("resnet_2", "ngf=4 upsample=bilinear norm=instance"),
              ("patchgan", "ndf=4 image_statistics=no"), ("pixel", "ndf=4"),
              ("vqvae", "hidden=8 stages=2 linear_skip=yes patch=2"),
              ("vqvae2", "hidden=8 upsample=shuffle")]
    with parity.Folder() as folder:
        paths = []
        for number, (arch, settings) in enumerate(wishes):
            model = folder.path("model.safetensors")
            paths.append(folder.path(f"{number}.onnx"))
            parity.tool("create", arch, 1, model, *settings.split())
            parity.tool("onnx", model, paths[-1])
        done = subprocess.run([sys.executable, "-c", program, *paths],
                              capture_output=True, text=True)
        if "No module named" in done.stderr:
            raise parity.Skip("no onnx")
        assert done.returncode == 0, done.stderr


OTHERS = [
    ("a batch, batch norm over all of it", check_batch("unet_32", "ngf=8")),
    ("a batch, running statistics", check_batch("unet_32", "ngf=8 image_statistics=no")),
    ("a batch, instance norm", check_batch("resnet_1", "ngf=8 norm=instance")),
    ("a batch, vqvae", check_batch("vqvae", "hidden=16 stages=2 codes=64")),
    ("a batch, vqvae2", check_batch("vqvae2", "hidden=16 codes=64")),
    ("decoder alone", check_decoder("vqvae", "hidden=16 stages=2")),
    ("decoder alone, linear skip and patch",
     check_decoder("vqvae", "hidden=16 linear_skip=yes patch=2 upsample=shuffle")),
    ("decoder alone, vqvae2", check_decoder("vqvae2", "hidden=16 linear_skip=yes")),
    ("the first stages of a residual quantiser", check_stages),
    ("half precision, unet", check_half("unet_32", "ngf=16")),
    ("half precision, resnet", check_half("resnet_2", "ngf=16 image_statistics=no")),
    ("half precision, drunet", check_half("drunet", "ngf=16 residual=yes")),
    ("half precision, vqvae", check_half("vqvae", "hidden=32")),
    ("dropout in ONNX", check_dropout),
    ("onnx's own checker takes every architecture", check_onnx_checker),
]

parity.run([(case[0], check_case(*case)) for case in CASES] + OTHERS)
