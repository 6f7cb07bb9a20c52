# Gives the painter its noise textures, soft-edged shapes and compositing on 256x256 float pictures.
"""Pictures are float32 [256, 256, 3] in 0..1, masks float32 [256, 256]; y grows downwards."""

import numpy as np

SIZE = 256
TEXTURE = 1024
Y, X = (axis.astype(np.float32) for axis in np.mgrid[0:SIZE, 0:SIZE])
COLUMNS = np.arange(SIZE, dtype=np.float32)


def spectral_texture(seed, power, stretch=1.0):
    """Tileable noise [1024, 1024] with a 1/f^power amplitude, mean 0.5, deviation 0.18; stretch
    widens it."""
    rng = np.random.default_rng(seed)
    fy = np.fft.fftfreq(TEXTURE)[:, None] * TEXTURE
    fx = np.fft.rfftfreq(TEXTURE)[None, :] * TEXTURE * stretch
    radius = np.hypot(fy, fx)
    radius[0, 0] = 1.0
    amplitude = radius**-power * (radius > 3.0)
    phase = rng.random(radius.shape) * 2 * np.pi
    field = np.fft.irfft2(amplitude * np.exp(1j * phase), s=(TEXTURE, TEXTURE))
    return (0.5 + 0.18 * field / field.std()).astype(np.float32)


CLOUD = spectral_texture(11, 1.75)
WIDE = spectral_texture(12, 1.7, 3.0)
ROUGH = spectral_texture(13, 1.25)
FINE = spectral_texture(14, 0.6)
WAVES = spectral_texture(15, 1.1, 3.5)


def crop(texture, rng, height=SIZE, width=SIZE):
    """A random part of a texture, mirrored half of the time."""
    top = rng.integers(TEXTURE - height + 1)
    left = rng.integers(TEXTURE - width + 1)
    part = texture[top : top + height, left : left + width]
    return part[:, ::-1] if rng.random() < 0.5 else part


def smooth(low, high, x):
    """Smoothstep from 0 at low to 1 at high."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def colour(*rgb):
    return np.array(rgb, np.float32)


def mix(a, b, t):
    return a + (b - a) * t


def luma(picture):
    return picture @ colour(0.299, 0.587, 0.114)


def lay(picture, mask, paint):
    """Lays paint (a colour or a picture) over the picture where the mask is; in place."""
    picture += mask[..., None] * (paint - picture)


def ridge(rng, power, low, high):
    """A random horizon line [256] between the rows low (deepest) and high (highest)."""
    count = 512
    frequency = np.arange(count // 2 + 1, dtype=np.float32)
    amplitude = np.where(frequency > 1, np.maximum(frequency, 1) ** -power, 0)
    line = np.fft.irfft(amplitude * np.exp(2j * np.pi * rng.random(len(frequency))), n=count)
    start = rng.integers(count - SIZE)
    line = line[start : start + SIZE].astype(np.float32)
    line = (line - line.min()) / max(float(line.max() - line.min()), 1e-6)
    return low + (high - low) * line


def below(line, top=0):
    """Mask of everything under a horizon line, for the rows from top on."""
    return np.clip(Y[top:] - line[None, :] + 0.5, 0, 1)


def gradient(stops):
    """Rows [256, 3] interpolated between (row, colour) stops."""
    rows = [stop[0] for stop in stops]
    table = np.array([stop[1] for stop in stops], np.float32)
    return np.stack(
        [np.interp(COLUMNS, rows, table[:, channel]) for channel in range(3)], -1
    ).astype(np.float32)


class Patch:
    """A small picture with a mask, in which a thing is drawn before it is placed."""

    def __init__(self, height, width):
        self.rgb = np.zeros((height, width, 3), np.float32)
        self.alpha = np.zeros((height, width), np.float32)
        self.y, self.x = (axis.astype(np.float32) + 0.5 for axis in np.mgrid[0:height, 0:width])

    def fill(self, mask, paint):
        """Paints a mask over what the patch holds."""
        self.rgb += mask[..., None] * (paint - self.rgb)
        self.alpha = np.maximum(self.alpha, mask)

    def polygon(self, points, paint):
        """Paints a convex polygon of (x, y) points in clockwise order on the screen."""
        inside = np.full(self.alpha.shape, 1e3, np.float32)
        for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1]):
            length = max(np.hypot(x1 - x0, y1 - y0), 1e-6)
            np.minimum(
                inside, ((x1 - x0) * (self.y - y0) - (y1 - y0) * (self.x - x0)) / length, out=inside
            )
        self.fill(np.clip(inside + 0.5, 0, 1), paint)

    def box(self, left, top, right, bottom, paint):
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], paint)

    def disc(self, x, y, radius, paint, squeeze=1.0):
        distance = np.hypot(self.x - x, (self.y - y) * squeeze)
        self.fill(np.clip(radius - distance + 0.5, 0, 1), paint)

    def line(self, x0, y0, x1, y1, width, paint):
        """Paints a stroke with round ends."""
        dx, dy = x1 - x0, y1 - y0
        along = ((self.x - x0) * dx + (self.y - y0) * dy) / max(dx * dx + dy * dy, 1e-6)
        along = np.clip(along, 0, 1)
        distance = np.hypot(self.x - x0 - along * dx, self.y - y0 - along * dy)
        self.fill(np.clip(width / 2 - distance + 0.5, 0, 1), paint)

    def place(self, picture, left, top, strength=1.0):
        """Lays the patch over a picture; parts outside are cut off."""
        height, width = self.alpha.shape
        left, top = int(left), int(top)
        y0, y1, x0, x1 = max(top, 0), min(top + height, SIZE), max(left, 0), min(left + width, SIZE)
        if y0 >= y1 or x0 >= x1:
            return
        part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
        lay(picture[y0:y1, x0:x1], self.alpha[part] * strength, self.rgb[part])

    def mirrored(self, tint, weight):
        """The patch upside down and tinted, for its reflection."""
        other = Patch(*self.alpha.shape)
        other.rgb = mix(self.rgb[::-1], tint, weight)
        other.alpha = self.alpha[::-1].copy()
        return other


def box_blur(picture, radius):
    """Mean over a square of 2*radius+1 pixels, edges repeated."""
    if radius < 1:
        return picture
    size = 2 * radius + 1
    for axis in (0, 1):
        pad = [(0, 0)] * picture.ndim
        pad[axis] = (radius + 1, radius)
        total = np.cumsum(np.pad(picture, pad, mode="edge"), axis=axis, dtype=np.float32)
        upper = [slice(None)] * picture.ndim
        lower = [slice(None)] * picture.ndim
        upper[axis], lower[axis] = slice(size, None), slice(None, -size)
        picture = (total[tuple(upper)] - total[tuple(lower)]) / size
    return picture


def shrink(picture, factor):
    """Box filter by a whole factor over the last three axes [height, width, 3]."""
    height, width = picture.shape[-3] // factor, picture.shape[-2] // factor
    return picture.reshape(*picture.shape[:-3], height, factor, width, factor, 3).mean((-4, -2))
