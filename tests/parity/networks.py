"""All of Atelier's networks as plain PyTorch modules.

The generators and discriminators have the structure and the parameter names of
pytorch-CycleGAN-and-pix2pix (UnetGenerator, ResnetGenerator,
NLayerDiscriminator, PixelDiscriminator); the VQ-VAEs those that
core/models/vqvae.c and vqvae2.c write down.  `build` takes the JSON of
`atelier.config`, so that a model file can be rebuilt and loaded strictly:

    config = json.loads(metadata["atelier.config"])
    network = networks.build(config)
    network.load_state_dict(safetensors.torch.load_file(path), strict=True)
"""

import torch
from torch import nn
from torch.nn import functional as F


class UpsampleConv2d(nn.Conv2d):
    """Resize by 2, then a 3x3 convolution: one module, so that it has the name
    of the transposed convolution in whose place it stands."""

    def __init__(self, inputs, outputs, bias, mode):
        super().__init__(inputs, outputs, 3, 1, 1, bias=bias)
        self.mode = mode

    def forward(self, x):
        if self.mode == "bilinear":
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        else:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        return super().forward(x)


class ShuffleConv2d(nn.Conv2d):
    """1x1 convolution to four times the channels, then depth-to-space."""

    def __init__(self, inputs, outputs, bias):
        super().__init__(inputs, 4 * outputs, 1, bias=bias)

    def forward(self, x):
        return F.pixel_shuffle(super().forward(x), 2)


def upsampling(config, inputs, outputs, kernel, bias):
    mode = config["upsample"]
    if mode == "transposed":
        return nn.ConvTranspose2d(inputs, outputs, kernel, 2, 1,
                                  output_padding=1 if kernel == 3 else 0, bias=bias)
    if mode == "shuffle":
        return ShuffleConv2d(inputs, outputs, bias)
    return UpsampleConv2d(inputs, outputs, bias, mode)


def norm_layer(config, channels):
    if config["norm"] == "batch":
        return nn.BatchNorm2d(channels)
    if config["norm"] == "instance":
        return nn.InstanceNorm2d(channels, affine=False, track_running_stats=False)
    return nn.Identity()


def inner_bias(config):
    return config["norm"] == "instance"


# U-Net

class UnetBlock(nn.Module):
    def __init__(self, config, depth):
        super().__init__()
        levels, ngf = config["levels"], config["ngf"]
        inner = ngf * 2 ** min(depth, 3)
        outer = ngf * 2 ** min(depth - 1, 3)
        bias = inner_bias(config)
        innermost = depth == levels - 1
        self.outermost = depth == 0
        self.residual = config["residual"]

        if self.outermost:
            layers = [nn.Conv2d(config["input_channels"], inner, 4, 2, 1, bias=bias),
                      UnetBlock(config, 1),
                      nn.ReLU(),
                      upsampling(config, 2 * inner, config["output_channels"], 4, True)]
            if not self.residual:
                layers.append(nn.Tanh())
        else:
            layers = [nn.LeakyReLU(0.2), nn.Conv2d(outer, inner, 4, 2, 1, bias=bias)]
            if not innermost:
                layers += [norm_layer(config, inner), UnetBlock(config, depth + 1)]
            layers += [nn.ReLU(),
                       upsampling(config, inner if innermost else 2 * inner, outer, 4,
                                  bias),
                       norm_layer(config, outer)]
            if depth >= 4 and not innermost and config["dropout"] > 0:
                layers.append(nn.Dropout(config["dropout"]))
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        y = self.model(x)
        if not self.outermost:
            return torch.cat([x, y], 1)
        return x + y if self.residual else y


class Unet(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.model = UnetBlock(config, 0)

    def forward(self, x):
        return self.model(x)


# ResNet

class ResnetBlock(nn.Module):
    def __init__(self, config, channels):
        super().__init__()
        bias = inner_bias(config)
        layers = [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3, bias=bias),
                  norm_layer(config, channels), nn.ReLU()]
        if config["dropout"] > 0:
            layers.append(nn.Dropout(config["dropout"]))
        layers += [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3, bias=bias),
                   norm_layer(config, channels)]
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv_block(x)


class Resnet(nn.Module):
    def __init__(self, config):
        super().__init__()
        ngf, bias = config["ngf"], inner_bias(config)
        self.residual = config["residual"]
        layers = [nn.ReflectionPad2d(3),
                  nn.Conv2d(config["input_channels"], ngf, 7, bias=bias),
                  norm_layer(config, ngf), nn.ReLU()]
        for width in (2 * ngf, 4 * ngf):
            layers += [nn.Conv2d(width // 2, width, 3, 2, 1, bias=bias),
                       norm_layer(config, width), nn.ReLU()]
        layers += [ResnetBlock(config, 4 * ngf) for _ in range(config["blocks"])]
        for width in (4 * ngf, 2 * ngf):
            layers += [upsampling(config, width, width // 2, 3, bias),
                       norm_layer(config, width // 2), nn.ReLU()]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(ngf, config["output_channels"], 7)]
        if not self.residual:
            layers.append(nn.Tanh())
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        y = self.model(x)
        return x + y if self.residual else y


# Residual U-Net

class DrunetBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.block = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1), nn.ReLU(),
                                   nn.Conv2d(width, width, 3, 1, 1))

    def forward(self, x):
        return x + self.block(x)


class Drunet(nn.Module):
    def __init__(self, config):
        super().__init__()
        patch, blocks, levels = config["patch"], config["blocks"], config["levels"]
        widths = [config["ngf"] << level for level in range(levels)]
        self.patch, self.residual = patch, config["residual"]

        def run(width):
            return [DrunetBlock(width) for _ in range(blocks)]

        self.head = nn.Conv2d(config["input_channels"] * patch ** 2, widths[0], 3, 1, 1)
        self.down = nn.ModuleList(
            [nn.Sequential(*run(w), nn.Conv2d(w, 2 * w, 4, 2, 1)) for w in widths[:-1]])
        self.body = nn.Sequential(*run(widths[-1]))
        self.up = nn.ModuleList(
            [nn.Sequential(upsampling(config, 2 * w, w, 4, True), *run(w))
             for w in widths[:-1]])
        self.tail = nn.Conv2d(widths[0], config["output_channels"] * patch ** 2, 3, 1, 1)

    def forward(self, x):
        node = self.head(F.pixel_unshuffle(x, self.patch))
        skips = []
        for down in self.down:
            skips.append(down[:-1](node))
            node = down[-1](skips[-1])
        node = self.body(node)
        for up in reversed(self.up):
            node = up[1:](skips.pop() + up[0](node))
        node = F.pixel_shuffle(self.tail(node), self.patch)
        return x + node if self.residual else torch.tanh(node)


# Discriminators

class PatchGan(nn.Module):
    def __init__(self, config):
        super().__init__()
        ndf, n_layers, bias = config["ndf"], config["n_layers"], inner_bias(config)
        width = ndf
        layers = [nn.Conv2d(config["input_channels"], ndf, 4, 2, 1), nn.LeakyReLU(0.2)]
        for i in range(1, n_layers + 1):
            before, width = width, ndf * min(2 ** i, 8)
            layers += [nn.Conv2d(before, width, 4, 2 if i < n_layers else 1, 1, bias=bias),
                       norm_layer(config, width), nn.LeakyReLU(0.2)]
        layers.append(nn.Conv2d(width, config["output_channels"], 4, 1, 1))
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x)


class Pixel(nn.Module):
    def __init__(self, config):
        super().__init__()
        ndf, bias = config["ndf"], inner_bias(config)
        self.net = nn.Sequential(
            nn.Conv2d(config["input_channels"], ndf, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(ndf, 2 * ndf, 1, bias=bias),
            norm_layer(config, 2 * ndf),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * ndf, config["output_channels"], 1, bias=bias))

    def forward(self, x):
        return self.net(x)


# VQ-VAE

class Quantiser(nn.Module):
    """Residual quantisation: stage s codes what the earlier stages left."""

    def __init__(self, config):
        super().__init__()
        self.codebook = nn.ParameterList(
            [nn.Parameter(torch.zeros(config["codes"], config["code_dim"]))
             for _ in range(config["stages"])])
        self.used = None  # how many stages are used; None: all
        self.codes = None  # of the last forward: [N, H, W, stages]

    def forward(self, z):
        rest = z.permute(0, 2, 3, 1)
        total = torch.zeros_like(rest)
        self.codes = []
        for entries in list(self.codebook)[:self.used]:
            score = (entries * entries).sum(1) - 2 * rest @ entries.T
            index = score.argmin(-1)
            chosen = entries[index]
            self.codes.append(index)
            total, rest = total + chosen, rest - chosen
        self.codes = torch.stack(self.codes, -1)
        return total.permute(0, 3, 1, 2)


class Block(nn.Module):
    def __init__(self, config, width):
        super().__init__()
        inner = width
        if config["residual_hidden"]:
            inner = max(1, config["residual_hidden"] * width // config["hidden"])
        self.block = nn.Sequential(nn.ReLU(), nn.Conv2d(width, inner, 3, 1, 1),
                                   nn.ReLU(), nn.Conv2d(inner, width, 1))

    def forward(self, x):
        return x + self.block(x)


def halvings(factor):
    return factor.bit_length() - 1


def encoder(config, inputs, factor, patch):
    hidden = config["hidden"]
    steps = halvings(factor // patch)
    if patch > 1:
        width = hidden // 2 if steps else hidden
        layers = [nn.PixelUnshuffle(patch),
                  nn.Conv2d(inputs * patch * patch, width, 3, 1, 1)]
        for _ in range(steps):
            layers += [nn.ReLU(), nn.Conv2d(width, hidden, 4, 2, 1)]
            width = hidden
    else:
        width, layers = inputs, []
        for i in range(steps):
            after = hidden if i else hidden // 2
            layers += [nn.Conv2d(width, after, 4, 2, 1), nn.ReLU()]
            width = after
        layers.append(nn.Conv2d(width, hidden, 3, 1, 1))
    layers += [Block(config, hidden) for _ in range(config["residual_blocks"])]
    return nn.Sequential(*layers, nn.ReLU())


def decoder(config, inputs, outputs, factor, patch, outer_blocks):
    width = config["hidden"]
    steps = halvings(factor // patch)
    inner = steps if patch > 1 else max(0, steps - 1)
    layers = [nn.Conv2d(inputs, width, 3, 1, 1)]
    layers += [Block(config, width)
               for _ in range(config["decoder_blocks"] or config["residual_blocks"])]
    for i in range(inner):
        after = config["hidden"] // 2 if i == inner - 1 else config["hidden"]
        layers += [nn.ReLU(), upsampling(config, width, after, 4, True)]
        width = after
    layers += [Block(config, width) for _ in range(outer_blocks)]
    layers.append(nn.ReLU())
    if patch > 1:
        layers += [nn.Conv2d(width, outputs * patch * patch, 3, 1, 1),
                   nn.PixelShuffle(patch)]
    elif steps:
        layers.append(upsampling(config, width, outputs, 4, True))
    else:
        layers.append(nn.Conv2d(width, outputs, 3, 1, 1))
    return nn.Sequential(*layers)


class Skip(nn.Module):
    """Linear maps of factor x factor blocks."""

    def __init__(self, config):
        super().__init__()
        self.factor = config["downsample"]
        area = self.factor ** 2
        self.encode = nn.Conv2d(config["input_channels"] * area, config["code_dim"], 1)
        self.decode = nn.Conv2d(config["code_dim"], config["output_channels"] * area, 1)

    def to_z(self, x):
        return self.encode(F.pixel_unshuffle(x, self.factor))

    def to_picture(self, codes):
        return F.pixel_shuffle(self.decode(codes), self.factor)


class VqVae(nn.Module):
    def __init__(self, config):
        super().__init__()
        factor, patch, dim = config["downsample"], config["patch"], config["code_dim"]
        self.encoder = encoder(config, config["input_channels"], factor, patch)
        self.pre_quantise = nn.Conv2d(config["hidden"], dim, 1)
        self.quantise = Quantiser(config)
        self.decoder = decoder(config, dim, config["output_channels"], factor, patch,
                               config["outer_blocks"])
        self.skip = Skip(config) if config["linear_skip"] else None

    def z(self, x):
        z = self.pre_quantise(self.encoder(x))
        return z + self.skip.to_z(x) if self.skip else z

    def decode(self, codes):
        y = self.decoder(codes)
        return y + self.skip.to_picture(codes) if self.skip else y

    def forward(self, x):
        return self.decode(self.quantise(self.z(x)))


class VqVae2(nn.Module):
    def __init__(self, config):
        super().__init__()
        factor, patch, dim = config["downsample"], config["patch"], config["code_dim"]
        hidden = config["hidden"]
        self.encoder_bottom = encoder(config, config["input_channels"], factor, patch)
        self.encoder_top = encoder(config, hidden, 2, 1)
        self.pre_quantise_top = nn.Conv2d(hidden, dim, 1)
        self.quantise_top = Quantiser(config)
        self.decoder_top = decoder(config, dim, dim, 2, 1, 0)
        self.pre_quantise = nn.Conv2d(dim + hidden, dim, 1)
        self.quantise = Quantiser(config)
        self.upsample_top = upsampling(config, dim, dim, 4, True)
        self.decoder = decoder(config, 2 * dim, config["output_channels"], factor, patch,
                               config["outer_blocks"])
        self.skip = Skip(config) if config["linear_skip"] else None

    def forward(self, x):
        bottom = self.encoder_bottom(x)
        top = self.quantise_top(self.pre_quantise_top(self.encoder_top(bottom)))
        z = self.pre_quantise(torch.cat([self.decoder_top(top), bottom], 1))
        if self.skip:
            z = z + self.skip.to_z(x)
        codes = self.quantise(z)
        y = self.decoder(torch.cat([self.upsample_top(top), codes], 1))
        return y + self.skip.to_picture(codes) if self.skip else y


def build(config):
    """The network of an `atelier.config` (a dict)."""
    arch = config["arch"]
    if arch.startswith("unet_"):
        return Unet(config)
    if arch.startswith("resnet_"):
        return Resnet(config)
    return {"drunet": Drunet, "patchgan": PatchGan, "pixel": Pixel, "vqvae": VqVae,
            "vqvae2": VqVae2}[arch](config)


def set_statistics(network, image):
    """Norms with the image's own statistics (what train() does to them, without
    moving the running ones) or with the running ones; everything else as when
    applied."""
    network.eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train(image)
            if image:
                module.momentum = 0.0
    return network
