"""How alike two pictures are, and reading and writing them.

Pictures are float arrays, height x width x 3, in [0, 1], as they come out of 8-bit
files.  PSNR, SSIM and MS-SSIM are those of core/apply/metrics.h (Wang 2004 and
2003: Gaussian window 11, sigma 1.5, valid positions, mean over channels; five
scales), but that halving leaves an odd last row or column out, where core repeats
it; tests/parity checks core's against others.
"""

import numpy as np
from PIL import Image
from scipy.ndimage import correlate1d

WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])
WINDOW = np.exp(-0.5 * ((np.arange(11) - 5) / 1.5) ** 2)
WINDOW /= WINDOW.sum()


def read(path):
    return np.asarray(Image.open(path).convert("RGB"), np.float32) / 255


def write(path, picture):
    Image.fromarray(to_bytes(picture)).save(path, compress_level=1)


def to_bytes(picture):
    return np.uint8(np.clip(np.round(picture * 255), 0, 255))


def rounded(picture):
    """As an 8-bit file would hold it."""
    return to_bytes(picture).astype(np.float32) / 255


def psnr(a, b):
    error = np.mean((np.float64(a) - b) ** 2)
    return 99.0 if error == 0 else -10 * np.log10(error)


def blur(x):
    x = correlate1d(correlate1d(x, WINDOW, 0), WINDOW, 1)
    return x[5:-5, 5:-5]


def ssim_terms(a, b):
    """Means of SSIM and of its contrast and structure, each a channel's."""
    c1, c2 = 0.01 ** 2, 0.03 ** 2
    mean_a, mean_b = blur(a), blur(b)
    var_a = blur(a * a) - mean_a ** 2
    var_b = blur(b * b) - mean_b ** 2
    both = blur(a * b) - mean_a * mean_b
    structure = (2 * both + c2) / (var_a + var_b + c2)
    light = (2 * mean_a * mean_b + c1) / (mean_a ** 2 + mean_b ** 2 + c1)
    return (structure * light).mean((0, 1)), structure.mean((0, 1))


def halve(x):
    x = x[:x.shape[0] // 2 * 2, :x.shape[1] // 2 * 2]
    return (x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]) / 4


def similarity(a, b):
    """PSNR, SSIM, MS-SSIM."""
    x, y = np.float32(a), np.float32(b)
    scales = 1
    while scales < 5 and min(x.shape[:2]) >> scales >= 11:
        scales += 1
    weights = WEIGHTS[:scales] / WEIGHTS[:scales].sum()
    product, first = 1.0, None
    for i, weight in enumerate(weights):
        whole, structure = ssim_terms(x, y)
        first = whole.mean() if first is None else first
        term = whole if i == scales - 1 else structure
        product = product * np.maximum(term, 0) ** weight
        x, y = halve(x), halve(y)
    return psnr(a, b), first, product.mean()


def colour_difference(a, b):
    """Mean CIEDE2000."""
    from skimage.color import deltaE_ciede2000, rgb2lab

    return float(deltaE_ciede2000(rgb2lab(a), rgb2lab(b)).mean())


def normals_of(picture):
    n = np.float64(picture) * 2 - 1
    return n / np.maximum(np.linalg.norm(n, axis=2, keepdims=True), 1e-6)


def mean_angle(a, b):
    """Between two fields of normals, in degrees."""
    return float(np.degrees(np.arccos(np.clip((a * b).sum(2), -1, 1))).mean())
