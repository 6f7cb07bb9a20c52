# Turns a painted picture into another manner: watercolor, pixel art, oil painting, black and
# white, or degraded.
import numpy as np

from brushes import CLOUD, FINE, ROUGH, SIZE, WAVES, X, Y, box_blur, crop, luma, mix, shrink, smooth


def watercolor(rng, picture):
    """Pale washes on paper: wobbling edges, pigment gathered at edges, paper grain, white borders
    bleeding in."""
    wobble_x = (crop(CLOUD, rng) - 0.5) * 14 + (crop(ROUGH, rng) - 0.5) * 5
    wobble_y = (crop(CLOUD, rng) - 0.5) * 14 + (crop(ROUGH, rng) - 0.5) * 5
    source_y = np.clip(Y + wobble_y, 0, SIZE - 1).astype(np.int32)
    source_x = np.clip(X + wobble_x, 0, SIZE - 1).astype(np.int32)
    picture = box_blur(picture[source_y, source_x], 2)
    edges = np.abs(picture - box_blur(picture, 3)).mean(-1, keepdims=True)
    picture = picture**0.72
    grey = luma(picture)[..., None]
    picture = np.clip(grey + (picture - grey) * 1.35, 0, 1)
    picture = mix(picture, 1.0, 0.16)
    wash = (crop(CLOUD, rng) - 0.5) * 0.38 + (crop(FINE, rng) - 0.5) * 0.13
    picture = picture - edges * 1.8 + (wash * (0.35 + 0.65 * (1 - luma(picture))))[..., None]
    border = (
        np.minimum(np.minimum(X, SIZE - 1 - X), np.minimum(Y, SIZE - 1 - Y))
        + (crop(ROUGH, rng) - 0.5) * 26
    )
    paper = np.array((0.97, 0.96, 0.92), np.float32)
    return mix(paper, picture, smooth(4, 12, border)[..., None])


def pixel_art(picture):
    """Blocks of 8x8 pixels in a reduced palette, finer in the dark."""
    small = shrink(picture, 8)
    grey = luma(small)[..., None]
    small = np.clip(grey + (small - grey) * 1.3, 0, 1)
    small = (np.round(np.sqrt(small) * 9) / 9) ** 2
    return small.repeat(8, 0).repeat(8, 1)


def oil_painting(rng, picture):
    """Short thick strokes: colours picked along a flow, ridges that catch light."""
    flow = (crop(WAVES, rng) - 0.5) * 30
    source_y = np.clip(Y + flow * 0.35, 0, SIZE - 1).astype(np.int32)
    source_x = np.clip(X + flow, 0, SIZE - 1).astype(np.int32)
    picture = box_blur(picture, 1)[source_y, source_x]
    grey = luma(picture)[..., None]
    picture = grey + (picture - grey) * 1.35
    ridges = np.roll(flow, 1, 0) - flow
    return picture * (1 + np.clip(ridges * 0.035, -0.25, 0.25))[..., None]


def black_and_white(picture):
    grey = luma(picture)
    low, high = np.quantile(grey[::4, ::4], (0.01, 0.99))
    grey = np.clip((grey - low * 0.8) / max(high - low * 0.8, 0.45), 0, 1)
    return np.repeat(grey[..., None], 3, -1)


def degrade(rng, picture, amount):
    """Strong blur, washed contrast and grain; amount 0 to 1."""
    radius = 2 + int(round(3 * amount))
    picture = box_blur(box_blur(picture, radius), radius)
    picture = mix(picture, picture.mean(), 0.12 * amount)
    grain = (
        rng.standard_normal((SIZE // 2, SIZE // 2, 1)).astype(np.float32).repeat(2, 0).repeat(2, 1)
    )
    return picture + grain * 0.018 * amount


def apply(rng, picture, scene):
    """The finished picture in the scene's manner, 0..1."""
    if scene.manner == "watercolor":
        picture = watercolor(rng, picture)
    elif scene.manner == "pixel art":
        picture = pixel_art(picture)
    elif scene.manner == "oil painting":
        picture = oil_painting(rng, picture)
    elif scene.manner == "black and white":
        picture = black_and_white(picture)
    if scene.degraded:
        picture = degrade(rng, np.clip(picture, 0, 1), scene.degraded)
    return np.clip(picture, 0, 1)
