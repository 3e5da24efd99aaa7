"""The two trainers in plain PyTorch: what ours are compared with.

`Pix2Pix.step` is optimize_parameters of pytorch-CycleGAN-and-pix2pix; `VqVae`
is the VQ-VAE with moving averages of van den Oord 2017, appendix A.1, or with
the loss form of the codebook.  Each step returns its losses by name.
"""

import torch
from torch import nn
from torch.nn import functional as F


def gan_loss(kind, logits, role):
    """role: "real" and "fake" for the discriminator, "generator"."""
    real = role != "fake"
    if kind == "vanilla":
        goal = torch.full_like(logits, 1.0 if real else 0.0)
        return F.binary_cross_entropy_with_logits(logits, goal)
    if kind == "lsgan":
        return F.mse_loss(logits, torch.full_like(logits, 1.0 if real else 0.0))
    if role == "generator":
        return -logits.mean()
    return F.relu(1 - logits if real else 1 + logits).mean()


def no_dropout(network):
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0


class Pix2Pix:
    def __init__(self, generator, discriminator, gan="vanilla", l1=100.0, lr=2e-4):
        self.g, self.d, self.gan, self.l1 = generator, discriminator, gan, l1
        self.g.train()
        self.d.train()
        self.opt_g = torch.optim.Adam(generator.parameters(), lr, (0.5, 0.999))
        self.opt_d = torch.optim.Adam(discriminator.parameters(), lr, (0.5, 0.999))

    def step(self, x, target):
        made = self.g(x)
        self.d.requires_grad_(True)
        self.opt_d.zero_grad()
        fake = gan_loss(self.gan, self.d(torch.cat([x, made], 1).detach()), "fake")
        real = gan_loss(self.gan, self.d(torch.cat([x, target], 1)), "real")
        ((fake + real) * 0.5).backward()
        self.opt_d.step()

        self.d.requires_grad_(False)
        self.opt_g.zero_grad()
        gan = gan_loss(self.gan, self.d(torch.cat([x, made], 1)), "generator")
        l1 = F.l1_loss(made, target)
        (gan + self.l1 * l1).backward()
        self.opt_g.step()
        return {"L1": l1.item(), "G": gan.item(), "D_fake": fake.item(),
                "D_real": real.item()}


class TrainingQuantiser(nn.Module):
    """Residual quantisation with a straight-through gradient; remembers what the
    codebook's update and the losses need."""

    def __init__(self, quantiser):
        super().__init__()
        self.codebook = nn.ParameterList(quantiser.codebook)

    def forward(self, z):
        rest = z.permute(0, 2, 3, 1)
        flat = rest.reshape(-1, rest.shape[-1])
        total, self.seen, self.codebook_loss = torch.zeros_like(flat), [], 0
        residual = flat.detach()
        for entries in self.codebook:
            score = (entries * entries).sum(1) - 2 * residual @ entries.T
            index = score.argmin(1)
            chosen = entries[index]
            self.codebook_loss = self.codebook_loss + F.mse_loss(chosen, residual)
            self.seen.append((index, residual))
            total = total + chosen.detach()
            residual = residual - chosen.detach()
        self.commitment = F.mse_loss(flat, total)
        out = flat + (total - flat).detach()
        return out.reshape(rest.shape).permute(0, 3, 1, 2)


class VqVae:
    def __init__(self, network, beta=0.25, lr=2e-4, decay=0.99, epsilon=1e-5,
                 l1=False, gradient=False, extra=None):
        """extra: a further loss of (output, target)."""
        self.network, self.beta, self.decay, self.epsilon = network, beta, decay, epsilon
        self.loss = F.l1_loss if l1 else F.mse_loss
        self.gradient, self.extra = gradient, extra
        self.quantisers = []
        for name in ("quantise_top", "quantise"):
            if hasattr(network, name):
                quantiser = TrainingQuantiser(getattr(network, name))
                setattr(network, name, quantiser)
                self.quantisers.append(quantiser)
        books = {id(p) for q in self.quantisers for p in q.codebook}
        rest = [p for p in network.parameters() if id(p) not in books]
        groups = [{"params": rest}]
        if gradient:
            groups.append({"params": [p for q in self.quantisers for p in q.codebook]})
        self.optimiser = torch.optim.Adam(groups, lr)
        self.averages = [[(torch.ones(len(e)), e.detach().clone()) for e in q.codebook]
                         for q in self.quantisers]

    def step(self, x, target):
        made = self.network(x)
        reconstruction = self.loss(made, target)
        commitment = sum(q.commitment for q in self.quantisers)
        total = reconstruction + self.beta * commitment
        if self.gradient:
            total = total + sum(q.codebook_loss for q in self.quantisers)
        figures = {"reconstruction": reconstruction.item(),
                   "commitment": commitment.item()}
        if self.extra:
            extra = self.extra(made, target)
            figures["ms_ssim"] = extra.item()
            total = total + extra
        self.optimiser.zero_grad()
        total.backward()
        self.optimiser.step()
        if not self.gradient:
            self.move_codebooks()
        return figures

    @torch.no_grad()
    def move_codebooks(self):
        for quantiser, averages in zip(self.quantisers, self.averages):
            for s, (entries, (counts, sums)) in enumerate(zip(quantiser.codebook, averages)):
                index, vectors = quantiser.seen[s]
                hot = F.one_hot(index, len(entries)).to(vectors.dtype)
                counts = self.decay * counts + (1 - self.decay) * hot.sum(0)
                sums = self.decay * sums + (1 - self.decay) * hot.T @ vectors
                averages[s] = (counts, sums)
                n = counts.sum()
                smoothed = (counts + self.epsilon) / (n + len(entries) * self.epsilon) * n
                entries.copy_(sums / smoothed[:, None])


def ms_ssim(a, b):
    """MS-SSIM of Wang 2003 of pictures in [-1, 1]: each plane's own, then the
    mean; as many scales as fit, weights renormalised."""
    weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
    a, b = ((t * 0.5 + 0.5).flatten(0, 1)[:, None] for t in (a, b))
    n, side = 0, min(a.shape[2:])
    while n < 5 and side >= 11:
        n, side = n + 1, side // 2
    weights = torch.tensor(weights[:n], dtype=a.dtype)
    weights = weights / weights.sum()
    g = torch.exp(-(torch.arange(11, dtype=a.dtype) - 5) ** 2 / (2 * 1.5 ** 2))
    g = (g / g.sum()).reshape(1, 1, 11, 1)
    blur = lambda t: F.conv2d(F.conv2d(t, g), g.transpose(2, 3))
    value = 1
    for j in range(n):
        ma, mb = blur(a), blur(b)
        va, vb, ab = blur(a * a) - ma * ma, blur(b * b) - mb * mb, blur(a * b) - ma * mb
        term = (2 * ab + 0.03 ** 2) / (va + vb + 0.03 ** 2)
        if j == n - 1:
            term = term * (2 * ma * mb + 0.01 ** 2) / (ma * ma + mb * mb + 0.01 ** 2)
        value = value * term.flatten(1).mean(1).clamp_min(1e-4) ** weights[j]
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return value.mean()
