# Paints land and water under a sky: mountains, water with reflections, dunes, forests, meadows,
# cities, snow, beaches.
import numpy as np

from brushes import (
    CLOUD,
    COLUMNS,
    FINE,
    ROUGH,
    SIZE,
    TEXTURE,
    WAVES,
    WIDE,
    X,
    Y,
    below,
    box_blur,
    colour,
    crop,
    lay,
    mix,
    ridge,
    smooth,
)
from scene import choose


def row_depth(horizon):
    """0 at the horizon to 1 at the bottom, for the rows below it, as a column."""
    rows = np.arange(horizon, SIZE, dtype=np.float32)[:, None]
    return (rows - horizon) / max(SIZE - horizon, 1)


def perspective(texture, rng, horizon, flat=1.0):
    """Texture laid on the ground: fine at the horizon, coarse at the bottom."""
    depth = row_depth(horizon)
    near = depth + 0.10
    row = (60.0 * flat / near + rng.integers(TEXTURE)).astype(np.int32)
    column = ((X[horizon:] - 128) / near * 0.75 + rng.integers(TEXTURE) + TEXTURE).astype(np.int32)
    return texture[row % TEXTURE, column % TEXTURE]


def paint_mountains(rng, sky, picture, horizon, layers, height, base, snow_caps):
    """Ranges from far (hazy) to near (dark); returns the nearest ridge line."""
    side = -1.0 if sky.position and sky.position[0] < 128 else 1.0
    line = None
    for index in range(layers):
        near = (index + 1) / layers
        low = horizon + 2 - (1 - near) * height * 0.25
        high = low - height * (1.0 - 0.62 * near * (layers > 1)) * rng.uniform(0.8, 1.1)
        line = ridge(rng, rng.uniform(1.25, 1.55), low, high)
        mask = below(line)
        rough = crop(ROUGH, rng)
        slope = np.gradient(box_blur(line[:, None], 3)[:, 0]) * side
        relief = np.roll(rough, 3 * int(side), 1) - rough
        lit = np.clip(0.62 + 0.22 * np.tanh(slope)[None, :] + relief * 2.4, 0.2, 1.1)
        paint = base * sky.light * lit[..., None]
        if snow_caps and index < max(layers - 1, 1):
            limit = high + (low - high) * rng.uniform(0.42, 0.55)
            cap = smooth(7, -7, Y - limit - (rough - 0.5) * 60)
            white = (
                colour(0.97, 0.98, 1.0)
                * mix(sky.light, 1.0, 0.30)
                * np.clip(lit + 0.34, 0.6, 1.06)[..., None]
            )
            lay(paint, cap, white)
        distance = (1 - near) * 0.62 + 0.08
        fade = np.clip(distance + 0.30 * smooth(line[None, :], horizon + 4, Y), 0, 0.92)
        paint = mix(paint, sky.haze, fade[..., None])
        lay(picture, mask, paint)
    return line


WATER = {
    "noon": (0.03, 0.26, 0.50),
    "sunset": (0.16, 0.13, 0.26),
    "sunrise": (0.24, 0.32, 0.44),
    "dusk": (0.05, 0.06, 0.16),
    "night": (0.006, 0.014, 0.045),
    "overcast": (0.22, 0.29, 0.34),
}


def paint_water(rng, sky, picture, horizon, calm):
    """Water from the horizon down: mirrored picture, own colour, waves and the light's path; calm 0
    to 1."""
    depth = row_depth(horizon)
    count = SIZE - horizon
    waves = perspective(WAVES, rng, horizon) - 0.5
    rows = horizon - 1 - np.arange(count)[:, None] * (horizon / max(count, 1) if not calm else 1.0)
    shake = (3.0 + 10.0 * (1 - calm)) * (0.35 + depth) * waves * 2
    source_y = np.clip(rows + shake * (1.0 + 2.0 * (1 - calm)), 0, horizon - 1).astype(np.int32)
    source_x = np.clip(X[horizon:] + shake, 0, SIZE - 1).astype(np.int32)
    mirror = picture[source_y, source_x]
    if calm < 0.5:
        mirror = mix(
            mirror,
            picture[np.clip(rows[:, 0], 0, horizon - 1).astype(int)].mean(1, keepdims=True),
            0.6,
        )
    deep = np.array(WATER[sky.scene.time], np.float32)
    weight = (0.80 if calm > 0.5 else 0.66) - (0.25 + 0.2 * (1 - calm)) * depth
    water = mix(deep, mirror * 0.94, weight[..., None])
    bright = {"noon": 0.30, "night": 0.05, "dusk": 0.10}.get(sky.scene.time, 0.2) * (
        1 - 0.65 * calm
    )
    water = water + (waves * bright * (0.4 + 0.6 * depth))[..., None] * mix(sky.haze, 1.0, 0.3)
    if sky.position:
        x, y, radius = sky.position
        path = np.exp(-(((X[horizon:] - x) / (radius * 0.8 + 34 * depth)) ** 2))
        sparkle = smooth(-0.02, 0.16, waves + 0.10 * (1 - depth)) * (0.85 if calm < 0.5 else 0.5)
        strength = {"noon": 0.35, "night": 0.55}.get(sky.scene.time, 0.85)
        lay(water, path * sparkle * strength, mix(sky.sun_colour, 1.0, 0.15))
    picture[horizon:] = np.clip(water, 0, 1)
    lay(picture[horizon - 1 : horizon + 1], np.full((2, SIZE), 0.3, np.float32), sky.haze)


def paint_ground(rng, sky, picture, line, base, grain, spread, haze=0.45):
    """Ground under a line [256]: base colour with perspective grain, hazy where it begins."""
    top = max(int(line.min()) - 1, 1)
    texture = perspective(grain, rng, top)
    depth = row_depth(top)
    paint = base * sky.light * (1 + (texture - 0.5) * spread * (0.35 + 0.65 * depth))[..., None]
    paint = mix(paint, sky.haze, (haze * np.exp(-depth * 5))[..., None])
    lay(picture[top:], below(line, top), np.clip(paint, 0, 1))


def paint_dunes(rng, sky, picture, horizon):
    side = -1.0 if sky.position and sky.position[0] > 128 else 1.0
    sand = colour(0.88, 0.66, 0.40) + rng.uniform(-0.05, 0.05)
    for index in range(4):
        near = (index + 1) / 4
        low = horizon + near**1.3 * (SIZE - horizon) * 0.75
        line = ridge(rng, 2.4, low + 6, low - 14 - 34 * near)
        slope = np.gradient(line) * side
        ripple = perspective(WAVES, rng, horizon - 30)[-SIZE + 1 :]
        grain = np.full((SIZE, SIZE), 0.5, np.float32)
        grain[-len(ripple) :] = ripple
        shadow = smooth(-0.25, 0.35, slope)[None, :] * np.exp(
            -np.maximum(Y - line, 0) / (20 + 60 * near)
        )
        lit = 0.80 + 0.16 * near - 0.42 * shadow + (grain - 0.5) * 0.22 * near
        paint = mix(sand * sky.light * lit[..., None], sky.haze, 0.55 * (1 - near))
        lay(picture, below(line), paint)


def pine_row(rng, base, height, spacing, ragged=0.35):
    """Outline [256] of a row of pines that stand on the row `base`."""
    line = np.full(SIZE, float(base), np.float32)
    position = rng.uniform(-spacing, 0)
    while position < SIZE + spacing:
        tall = height * rng.uniform(1 - ragged, 1 + ragged)
        distance = np.abs(COLUMNS - position) / (tall * rng.uniform(0.20, 0.28))
        tiers = distance + 0.10 * ((distance * 4.0) % 1.0)
        line = np.minimum(line, base - tall * np.clip(1 - tiers, 0, 1) - 2)
        position += spacing * rng.uniform(0.5, 1.4)
    return line


def paint_forest(rng, sky, picture, horizon, rows, tall, winter=False):
    """Rows of pines, hazy far ones first, then the ground in front of the nearest."""
    needles = colour(0.10, 0.24, 0.12) if not winter else colour(0.16, 0.24, 0.24)
    for index in range(rows):
        near = (index + 1) / rows
        base = horizon + 46 * near**1.5 - 8
        line = pine_row(rng, base, tall * (0.45 + 0.55 * near), 7 + 13 * near)
        texture = crop(FINE, rng)
        lit = 0.75 + 0.5 * near + (texture - 0.5) * 1.6
        if winter:
            lit = lit + 2.2 * smooth(0.62, 0.75, texture)
        paint = mix(needles * sky.light * lit[..., None], sky.haze, 0.68 * (1 - near) ** 0.8)
        lay(picture, below(line), np.clip(paint, 0, 1))
    return horizon + 36


FLOWERS = {
    "red": (0.88, 0.08, 0.08),
    "yellow": (0.98, 0.85, 0.10),
    "purple": (0.55, 0.20, 0.75),
    "white": (0.97, 0.97, 0.95),
    "pink": (0.96, 0.45, 0.65),
}


def paint_flowers(rng, sky, picture, line, name):
    """Dots of one colour, larger and brighter towards the bottom."""
    top = int(line.max()) + 8
    tint = np.array(FLOWERS[name], np.float32) * mix(sky.light, 1.0, 0.1)
    patchy = perspective(CLOUD, rng, max(top - 40, 1))
    for radius, share, low in ((1, 330, 0.0), (2, 150, 0.25), (3, 70, 0.5)):
        y = (top + (low + (1 - low) * rng.random(share)) * (SIZE - 4 - top)).astype(int)
        x = rng.integers(4, SIZE - 4, share)
        keep = patchy[y - SIZE, x] > rng.uniform(0.30, 0.42)
        y, x = y[keep], x[keep]
        shade = (0.85 + 0.3 * rng.random(len(y)))[:, None].astype(np.float32)
        for dy in range(-radius + 1, radius + 1):
            for dx in range(-radius + 1, radius + 1):
                if (dy - 0.5) ** 2 + (dx - 0.5) ** 2 <= radius * radius + 0.3:
                    picture[np.minimum(y + dy, SIZE - 1), x + dx] = np.clip(tint * shade, 0, 1)


def paint_city(rng, sky, picture, ground, lit_windows):
    """Two rows of towers standing on the row `ground`."""
    for near in (0, 1):
        left = -int(rng.integers(20))
        while left < SIZE:
            width = int(rng.integers(18, 40))
            tall = int(rng.uniform(38, 92) if near else rng.uniform(70, 135))
            paint_tower(rng, sky, picture, left, ground - tall, width, ground, near, lit_windows)
            left += width + int(rng.integers(0, 12 if near else 5))


def paint_tower(rng, sky, picture, left, top, width, bottom, near, lit_windows):
    x0, x1, top = max(left, 0), min(left + width, SIZE), max(top, 6)
    if x0 >= x1:
        return
    base = choose(
        rng, [(0.45, 0.50, 0.58), (0.56, 0.52, 0.50), (0.36, 0.42, 0.52), (0.62, 0.60, 0.58)]
    )
    wall = np.array(base, np.float32) * mix(sky.light, 1.0, 0.03)
    wall = mix(wall, sky.haze, 0.12 if near else 0.42)
    block = picture[top:bottom, x0:x1]
    shade = np.linspace(1.08, 0.82, x1 - x0, dtype=np.float32)
    block[:] = np.clip(wall * shade[None, :, None], 0, 1)
    if rng.random() < 0.3:
        mast = left + width // 2
        if 0 <= mast < SIZE:
            picture[max(top - 16, 0) : top, mast : mast + 2] = wall * 0.9
    step_y, step_x = int(rng.integers(7, 10)), int(rng.integers(6, 9))
    rows, columns = (bottom - top - 4) // step_y, (width - 3) // step_x
    for row in range(rows):
        for column in range(columns):
            on = rng.random() < (0.62 if lit_windows else 0.0)
            glow = (
                colour(1.0, 0.84, 0.45) * rng.uniform(0.75, 1.0)
                if on
                else wall * (0.45 if lit_windows else 0.70)
            )
            y, x = top + 5 + row * step_y, left + 3 + column * step_x
            if x >= 0:
                picture[y : min(y + step_y - 3, bottom), x : min(x + step_x - 3, x1)] = glow


def paint_snow_field(rng, sky, picture, line):
    side = -1.0 if sky.position and sky.position[0] > 128 else 1.0
    drift = crop(WIDE, rng)
    soft = (np.roll(drift, 6, 0) - drift) * 1.6 + (np.roll(drift, int(5 * side), 1) - drift)
    tone = np.clip(0.94 + soft * 0.7, 0.7, 1.04)
    white = colour(0.95, 0.97, 1.0) * mix(sky.light, 1.0, 0.22)
    paint = mix(white * tone[..., None], sky.stops[1], 0.10)
    lay(picture, below(line), np.clip(paint, 0, 1))


def paint_beach(rng, sky, picture, horizon):
    """Sand in front of the sea, with a slanting line of foam; returns the shore line [256]."""
    tilt, sweep = rng.uniform(-0.13, 0.13), rng.uniform(-14, 14)
    middle = horizon + (SIZE - horizon) * rng.uniform(0.42, 0.60)
    shore = middle + tilt * (COLUMNS - 128) + sweep * np.sin(COLUMNS / 81.0 + rng.uniform(0, 6))
    shore = (shore + 3 * np.sin(COLUMNS / 13.0 + rng.uniform(0, 6))).astype(np.float32)
    sand = colour(0.90, 0.80, 0.60) + rng.uniform(-0.04, 0.04)
    grain = crop(FINE, rng) * 0.5 + crop(WIDE, rng) * 0.5
    wet = smooth(26, 0, Y - shore)
    tone = (0.94 + (grain - 0.5) * 0.28) * (1 - 0.30 * wet)
    lay(picture, below(shore), np.clip(sand * sky.light * tone[..., None], 0, 1))
    foam = np.exp(-(((Y - shore - 1 + (crop(ROUGH, rng) - 0.5) * 16) / 3.2) ** 2))
    second = 0.5 * np.exp(-(((Y - shore + 16 + (crop(ROUGH, rng) - 0.5) * 22) / 2.6) ** 2))
    lay(picture, np.clip((foam + second) * (Y > horizon + 4), 0, 0.9), mix(sky.light, 1.0, 0.15))
    return shore
