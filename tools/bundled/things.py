# Paints single things with named colours: boats, houses, lighthouses, balloons, palms, pines,
# birds, roads.
import numpy as np

from brushes import CLOUD, SIZE, Patch, X, Y, colour, crop, lay, mix, smooth

NAMED = {
    "red": (0.86, 0.08, 0.07),
    "white": (0.96, 0.96, 0.94),
    "blue": (0.10, 0.28, 0.85),
    "yellow": (0.98, 0.82, 0.10),
    "green": (0.10, 0.58, 0.20),
    "orange": (0.98, 0.48, 0.06),
    "purple": (0.52, 0.16, 0.70),
}
SIDE_CENTRES = {"left": (40, 84), "center": (112, 144), "right": (172, 216)}


def side_x(rng, side):
    low, high = SIDE_CENTRES[side]
    return float(rng.uniform(low, high))


def tinted(name, sky, floor=0.25):
    """A named colour in the scene's light, kept bright enough to stay recognisable."""
    return np.array(NAMED[name], np.float32) * mix(sky.light, 1.0, floor)


def boat(rng, sky, name):
    """Sailing boat with hull and two sails; returns patch and the row of its water line."""
    size = rng.uniform(44, 80)
    patch = Patch(int(size) + 4, int(size) + 4)
    paint, s = tinted(name, sky), size
    dark = colour(0.28, 0.20, 0.16) * mix(sky.light, 1.0, 0.15)
    if rng.random() < 0.5:
        dark = paint * 0.55
    patch.line(0.50 * s, 0.04 * s, 0.50 * s, 0.82 * s, max(1.5, s * 0.03), dark * 0.8)
    patch.polygon([(0.53 * s, 0.05 * s), (0.92 * s, 0.72 * s), (0.53 * s, 0.74 * s)], paint)
    patch.polygon([(0.47 * s, 0.14 * s), (0.47 * s, 0.74 * s), (0.16 * s, 0.72 * s)], paint * 0.84)
    patch.polygon(
        [(0.08 * s, 0.79 * s), (0.94 * s, 0.79 * s), (0.80 * s, 0.95 * s), (0.22 * s, 0.95 * s)],
        dark,
    )
    patch.box(0.08 * s, 0.79 * s, 0.94 * s, 0.82 * s, paint * 0.7)
    if rng.random() < 0.5:
        patch.rgb, patch.alpha = patch.rgb[:, ::-1], patch.alpha[:, ::-1]
    return patch, int(0.95 * s)


def house(rng, sky, name, lit):
    """House with a gable roof, door and windows; returns patch and its foot row."""
    s = rng.uniform(54, 86)
    patch = Patch(int(s) + 4, int(s * 1.1) + 4)
    wall = tinted(name, sky)
    roof_rgb = (0.32, 0.18, 0.14) if name == "red" else (0.60, 0.22, 0.16)
    roof = np.array(roof_rgb, np.float32) * mix(sky.light, 1.0, 0.12)
    glow = colour(1.0, 0.82, 0.40) if lit else colour(0.30, 0.38, 0.48) * mix(sky.light, 1.0, 0.1)
    patch.box(0.76 * s, 0.14 * s, 0.86 * s, 0.42 * s, roof * 0.7)
    patch.box(0.10 * s, 0.46 * s, 0.98 * s, 0.96 * s, wall)
    patch.box(0.66 * s, 0.46 * s, 0.98 * s, 0.96 * s, wall * 0.80)
    patch.polygon(
        [(0.26 * s, 0.14 * s), (0.86 * s, 0.14 * s), (1.05 * s, 0.48 * s), (0.03 * s, 0.48 * s)],
        roof,
    )
    patch.box(0.03 * s, 0.45 * s, 1.05 * s, 0.48 * s, roof * 0.65)
    for left in (0.18, 0.74):
        patch.box(
            (left - 0.015) * s, 0.56 * s, (left + 0.175) * s, 0.76 * s, mix(wall, 1.0, 0.5) * 0.9
        )
        patch.box(left * s, 0.575 * s, (left + 0.16) * s, 0.745 * s, glow)
    patch.box(0.44 * s, 0.62 * s, 0.60 * s, 0.96 * s, roof * 0.8)
    return patch, int(0.96 * s)


def lighthouse(rng, sky, name, lit):
    """Tower with lamp on a rock, striped when red; returns patch, foot row and lamp place."""
    s = rng.uniform(90, 128)
    patch = Patch(int(s) + 4, int(s * 0.62) + 4)
    centre = 0.31 * s
    white = tinted("white", sky)
    rock = colour(0.30, 0.27, 0.25) * mix(sky.light, 1.0, 0.1)
    patch.disc(centre, 1.02 * s, 0.27 * s, rock, 1.6)
    patch.disc(centre - 0.12 * s, 1.0 * s, 0.15 * s, rock * 1.15, 1.3)
    for stripe in range(5):
        top, bottom = 0.22 + 0.135 * stripe, 0.22 + 0.135 * (stripe + 1)
        half = [0.055 + 0.05 * (row - 0.22) / 0.68 for row in (top, bottom)]
        paint = tinted("red", sky) if name == "red" and stripe % 2 == 0 else white
        corners = [(-half[0], top), (half[0], top), (half[1], bottom), (-half[1], bottom)]
        patch.polygon([(centre + x * s, y * s) for x, y in corners], paint)
    patch.box(centre - 0.085 * s, 0.20 * s, centre + 0.085 * s, 0.225 * s, rock)
    lamp = colour(1.0, 0.93, 0.60) if lit else colour(0.75, 0.82, 0.85) * mix(sky.light, 1.0, 0.2)
    patch.box(centre - 0.045 * s, 0.13 * s, centre + 0.045 * s, 0.20 * s, lamp)
    roof = tinted("red", sky) * 0.8
    patch.polygon(
        [(centre, 0.05 * s), (centre + 0.065 * s, 0.135 * s), (centre - 0.065 * s, 0.135 * s)], roof
    )
    return patch, int(0.98 * s), (centre, 0.165 * s)


def balloon(rng, sky, name):
    """Hot-air balloon with vertical gores in two shades and a basket."""
    s = rng.uniform(46, 84)
    patch = Patch(int(s * 1.35) + 4, int(s) + 4)
    paint = tinted(name, sky, 0.35)
    r, cx, cy = 0.48 * s, 0.5 * s + 1, 0.5 * s + 1
    across = (patch.x - cx) / np.maximum(np.sqrt(np.clip(r * r - (patch.y - cy) ** 2, 1, None)), 1)
    gores = 0.86 + 0.14 * np.cos(np.arcsin(np.clip(across, -1, 1)) * 6)
    light = np.clip(
        1.08 - 0.30 * across * (1 if not sky.position else np.sign(128 - sky.position[0] + 0.1)),
        0.7,
        1.2,
    )
    shaded = np.clip(paint * (gores * light)[..., None], 0, 1)
    patch.disc(cx, cy, r, shaded)
    funnel = np.clip(
        (r * 0.80 - (patch.y - cy - 0.42 * r) * 0.72) - np.abs(patch.x - cx) + 0.5, 0, 1
    )
    funnel = funnel * (patch.y > cy + 0.42 * r) * (patch.y < cy + 1.32 * r)
    patch.fill(funnel, shaded * 0.92)
    rope = colour(0.25, 0.2, 0.15) * mix(sky.light, 1.0, 0.1)
    for side in (-1, 1):
        patch.line(
            cx + side * 0.16 * r, cy + 1.3 * r, cx + side * 0.12 * r, cy + 1.55 * r, 1.2, rope
        )
    patch.box(cx - 0.15 * r, cy + 1.52 * r, cx + 0.15 * r, cy + 1.75 * r, rope * 1.5)
    return patch


def palm(rng, sky):
    """Palm with a bent trunk; returns patch, foot column and foot row."""
    s = rng.uniform(105, 150)
    patch = Patch(int(s) + 4, int(s) + 4)
    trunk = colour(0.36, 0.26, 0.17) * mix(sky.light, 1.0, 0.08)
    leaf = colour(0.12, 0.36, 0.12) * mix(sky.light, 1.0, 0.06)
    bend = rng.uniform(-0.16, 0.16) * s
    foot, crown = 0.5 * s, (0.5 * s + bend, 0.30 * s)
    previous = (foot, 0.99 * s)
    for step in range(1, 7):
        t = step / 6
        point = (foot + bend * t**1.7, 0.99 * s + (crown[1] - 0.99 * s) * t)
        patch.line(*previous, *point, s * (0.055 - 0.022 * t), trunk * (0.9 + 0.2 * (step % 2)))
        previous = point
    for angle in np.linspace(-2.95, 0.35, 9) + rng.uniform(-0.1, 0.1, 9):
        reach = 0.34 * s * rng.uniform(0.85, 1.1)
        previous = crown
        for step in range(1, 5):
            t = step / 4
            x = crown[0] + np.cos(angle) * reach * t
            y = crown[1] + np.sin(angle) * reach * t * 0.7 + 0.24 * s * t * t
            patch.line(*previous, x, y, s * 0.052 * (1.05 - t * 0.8), leaf * (0.8 + 0.35 * t))
            previous = (x, y)
    return patch, foot, int(0.99 * s)


def pine(rng, sky, winter):
    """Single pine in tiers; returns patch and its foot row."""
    s = rng.uniform(64, 112)
    patch = Patch(int(s) + 4, int(s * 0.56) + 4)
    centre = 0.28 * s
    green = colour(0.09, 0.27, 0.13) * mix(sky.light, 1.0, 0.05)
    patch.box(
        centre - 0.03 * s,
        0.85 * s,
        centre + 0.03 * s,
        0.99 * s,
        colour(0.26, 0.18, 0.12) * sky.light,
    )
    t = patch.y / s
    tier = (t * 5.5) % 1.0
    half = s * (0.02 + 0.24 * np.clip(t - 0.02, 0, 1)) * (0.70 + 0.42 * tier)
    mask = np.clip(half - np.abs(patch.x - centre) + 0.5, 0, 1) * (t > 0.02) * (t < 0.88)
    tone = (
        0.80
        + 0.45 * (1 - tier)
        + 0.25
        * (patch.x - centre)
        / (0.28 * s)
        * (-1 if not sky.position else np.sign(sky.position[0] - 128))
    )
    paint = green * tone[..., None]
    if winter:
        cap = smooth(0.45, 0.10, tier)[..., None]
        paint = mix(paint, colour(0.93, 0.95, 0.98) * mix(sky.light, 1.0, 0.2), cap * 0.9)
    patch.fill(mask, np.clip(paint, 0, 1))
    return patch, int(0.98 * s)


def birds(rng, sky, picture, side, horizon):
    """A loose flock of dark flying birds."""
    x0, y0 = side_x(rng, side), rng.uniform(30, max(horizon * 0.6, 45))
    ink = sky.light * 0.12
    if sky.scene.time == "night":
        ink = colour(0.35, 0.38, 0.48)
    for _ in range(int(rng.integers(4, 9))):
        s = rng.uniform(9, 15)
        patch = Patch(int(s) + 3, int(2 * s) + 3)
        lift = rng.uniform(0.25, 0.6) * s
        for direction in (-1, 1):
            patch.line(s, 0.6 * s, s + direction * 0.45 * s, 0.6 * s - lift, 1.9, ink)
            patch.line(
                s + direction * 0.45 * s,
                0.6 * s - lift,
                s + direction * 0.95 * s,
                0.55 * s - 0.5 * lift,
                1.5,
                ink,
            )
        patch.place(picture, x0 + rng.uniform(-44, 34) - s / 2, y0 + rng.uniform(-22, 24))


def road(rng, sky, picture, side, start):
    """A road from the bottom that winds to the row `start`."""
    depth = np.clip((Y - start) / max(SIZE - start, 1), 0, 1)
    aim = {"left": 62, "center": 128, "right": 194}[side]
    bend = rng.uniform(-30, 30)
    centre = aim + (128 - aim) * depth + bend * np.sin(depth * 3.1) * (1 - depth)
    half = 1.2 + 56 * depth**1.35
    across = np.abs(X - centre)
    mask = np.clip(half - across + 0.5, 0, 1) * (Y > start)
    lay(
        picture,
        mask,
        mix(colour(0.36, 0.35, 0.36) * sky.light, sky.haze, 0.1)
        * (0.92 + 0.16 * crop(CLOUD, rng)[..., None]),
    )
    lines = np.exp(-(((across - half * 0.90) / (0.7 + 1.6 * depth)) ** 2)) * (Y > start + 4)
    dash = (
        (np.log(depth + 0.06) * 9 % 1.0 < 0.5)
        * np.clip(half * 0.05 - across + 0.6, 0, 1)
        * (Y > start + 6)
    )
    lay(picture, np.clip(lines * 0.8 + dash, 0, 1), tinted("white", sky, 0.1) * 0.92)


def beam(sky, picture, x, y):
    """The lamp of a lighthouse at night: glow and two beams."""
    dx, dy = X - x, Y - y
    distance = np.hypot(dx, dy) + 1
    rays = (
        np.exp(-(((dy - dx * 0.06) / (2.5 + 0.10 * np.abs(dx))) ** 2))
        * np.exp(-distance / 110)
        * 0.65
    )
    lay(picture, np.clip(rays + 0.9 * np.exp(-distance / 7), 0, 1), colour(1.0, 0.93, 0.66))
