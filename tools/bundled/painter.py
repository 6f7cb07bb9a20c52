# Paints a landscape scene and writes a caption that is true of it; the whole picture follows from
# one seed.
"""Use: picture, caption, scene = paint(seed). Run as a program it writes a sheet of pictures and
their captions."""

import argparse

import numpy as np

import land
import manner
import things
from brushes import SIZE, box_blur, colour, lay, mix, ridge
from captions import describe
from scene import choose, draw
from sky import Sky, add_fog, add_precipitation
from tensors import sheet, write_png

HORIZONS = {
    "ocean": (116, 150),
    "lake": (118, 140),
    "mountains": (176, 206),
    "desert": (112, 140),
    "forest": (128, 160),
    "meadow": (126, 152),
    "city": (186, 214),
    "snow": (132, 158),
    "beach": (96, 120),
}
ROCKS = ((0.42, 0.40, 0.42), (0.46, 0.40, 0.36), (0.34, 0.38, 0.44), (0.30, 0.36, 0.28))


def paint_backdrop(rng, scene, sky, picture, horizon):
    if scene.backdrop:
        base = np.array(choose(rng, ROCKS), np.float32)
        land.paint_mountains(
            rng,
            sky,
            picture,
            horizon,
            int(rng.integers(1, 4)),
            rng.uniform(50, 88),
            base,
            scene.snow_caps,
        )


def paint_waterside(rng, scene, sky, picture, horizon):
    """Ocean, lake or beach."""
    place = scene.place
    paint_backdrop(rng, scene, sky, picture, horizon)
    if place == "lake" and (not scene.backdrop or rng.random() < 0.5):
        line = land.pine_row(rng, horizon + 1, rng.uniform(12, 24), 8)
        trees = mix(colour(0.08, 0.20, 0.11) * sky.light, sky.haze, 0.18)
        lay(picture, land.below(line), trees)
    calm = {
        "ocean": rng.uniform(0, 0.25),
        "lake": rng.uniform(0.75, 0.95),
        "beach": rng.uniform(0, 0.3),
    }
    land.paint_water(rng, sky, picture, horizon, calm[place])
    return land.paint_beach(rng, sky, picture, horizon) if place == "beach" else horizon


def paint_mountain_land(rng, scene, sky, picture, horizon):
    base = np.array(choose(rng, ROCKS), np.float32)
    layers = int(rng.integers(3, 6))
    height = rng.uniform(95, 130)
    land.paint_mountains(rng, sky, picture, horizon, layers, height, base, scene.snow_caps)
    line = ridge(rng, 1.9, horizon + 6, horizon - 8)
    land.paint_ground(rng, sky, picture, line, colour(0.20, 0.34, 0.14), land.ROUGH, 0.7, 0.3)
    return line


def paint_desert(rng, scene, sky, picture, horizon):
    land.paint_dunes(rng, sky, picture, horizon)
    return horizon + 70


def paint_forest(rng, scene, sky, picture, horizon):
    paint_backdrop(rng, scene, sky, picture, horizon - 10)
    rows, tall = int(rng.integers(3, 5)), rng.uniform(62, 92)
    ground = land.paint_forest(rng, sky, picture, horizon, rows, tall)
    line = ridge(rng, 2.0, ground + 6, ground - 4)
    land.paint_ground(rng, sky, picture, line, colour(0.22, 0.30, 0.12), land.ROUGH, 0.8, 0.05)
    return line


def paint_meadow(rng, scene, sky, picture, horizon):
    paint_backdrop(rng, scene, sky, picture, horizon)
    far = ridge(rng, 2.2, horizon + 4, horizon - 20)
    land.paint_ground(rng, sky, picture, far, colour(0.36, 0.54, 0.22), land.FINE, 0.3, 0.6)
    line = ridge(rng, 2.4, horizon + 26, horizon + 4)
    land.paint_ground(rng, sky, picture, line, colour(0.28, 0.56, 0.14), land.ROUGH, 0.6, 0.25)
    return line


def paint_city(rng, scene, sky, picture, horizon):
    land.paint_city(rng, sky, picture, horizon, scene.lit_windows)
    if scene.water_front:
        land.paint_water(rng, sky, picture, horizon - 26, 0.8)
    else:
        line = np.full(SIZE, horizon, np.float32)
        land.paint_ground(rng, sky, picture, line, colour(0.26, 0.27, 0.29), land.FINE, 0.3, 0.1)
    return horizon


def paint_snow(rng, scene, sky, picture, horizon):
    paint_backdrop(rng, scene, sky, picture, horizon)
    if rng.random() < 0.6:
        line = land.pine_row(rng, horizon + 8, rng.uniform(16, 30), 10)
        trees = mix(colour(0.14, 0.22, 0.20) * sky.light, sky.haze, 0.25)
        lay(picture, land.below(line), trees)
    line = ridge(rng, 2.2, horizon + 8, horizon - 8)
    land.paint_snow_field(rng, sky, picture, line)
    return line


# Each paints the land under a sky and returns the line [256] or row on which things stand.
PLACES = {
    "ocean": paint_waterside,
    "lake": paint_waterside,
    "beach": paint_waterside,
    "mountains": paint_mountain_land,
    "desert": paint_desert,
    "forest": paint_forest,
    "meadow": paint_meadow,
    "city": paint_city,
    "snow": paint_snow,
}


def paint_thing(rng, scene, sky, picture, thing, stand):
    """Paints one thing where it belongs; stand is the ground line or row."""
    kind, side, name = thing["kind"], thing["side"], thing["colour"]
    x = things.side_x(rng, side)
    line = np.broadcast_to(np.asarray(stand, np.float32), (SIZE,))
    ground = float(line[int(x)])
    if kind == "boat":
        patch, foot = things.boat(rng, sky, name)
        row = (
            (sky.horizon + 7 + rng.uniform(0, 16))
            if scene.place == "beach"
            else sky.horizon + rng.uniform(16, 62)
        )
        left = x - patch.alpha.shape[1] / 2
        tint = np.array(land.WATER[scene.time], np.float32)
        patch.mirrored(tint, 0.35).place(picture, left, row - (patch.alpha.shape[0] - foot), 0.45)
        patch.place(picture, left, row - foot)
    elif kind == "house":
        patch, foot = things.house(rng, sky, name, scene.lit_windows)
        row = ground + rng.uniform(26, 46) if scene.place not in ("lake",) else sky.horizon + 6
        patch.place(picture, x - patch.alpha.shape[1] / 2, row - foot)
    elif kind == "lighthouse":
        patch, foot, lamp = things.lighthouse(rng, sky, name, scene.lit_windows)
        row = sky.horizon + rng.uniform(10, 24)
        left, top = int(x - patch.alpha.shape[1] / 2), int(row - foot)
        patch.place(picture, left, top)
        if scene.lit_windows:
            things.beam(sky, picture, left + lamp[0], top + lamp[1])
    elif kind == "balloon":
        patch = things.balloon(rng, sky, name)
        top = rng.uniform(8, max(sky.horizon - patch.alpha.shape[0] - 8, 16))
        patch.place(picture, x - patch.alpha.shape[1] / 2, top)
    elif kind == "palms":
        for index in range(int(rng.integers(1, 3))):
            patch, column, foot = things.palm(rng, sky)
            offset = index * rng.uniform(-34, 34)
            patch.place(
                picture,
                x + offset - column,
                max(ground, sky.horizon + 30) + rng.uniform(16, 40) - foot,
            )
    elif kind == "pines":
        for index in range(int(rng.integers(2, 5))):
            patch, foot = things.pine(rng, sky, scene.place == "snow")
            offset = (0, -26, 24, 44)[index] * rng.uniform(0.7, 1.2)
            row = ground + 18 + 7 * index + rng.uniform(0, 12)
            patch.place(picture, x + offset - patch.alpha.shape[1] / 2, min(row, SIZE + 20) - foot)
    elif kind == "birds":
        things.birds(rng, sky, picture, side, sky.horizon)
    elif kind == "road":
        things.road(
            rng,
            sky,
            picture,
            side,
            float(line.max()) + 2 if scene.place != "desert" else sky.horizon + 50,
        )


def paint_scene(rng, scene):
    """Returns the picture of a scene, float32 [256, 256, 3] in 0..1."""
    low, high = HORIZONS[scene.place]
    horizon = int(rng.integers(low, high))
    sky = Sky(rng, scene, horizon)
    picture = sky.paint(rng)
    for thing in scene.things:
        if thing["kind"] == "rainbow":
            sky.paint_rainbow(rng, picture, thing["side"])
    stand = PLACES[scene.place](rng, scene, sky, picture, horizon)
    if scene.flowers:
        land.paint_flowers(rng, sky, picture, stand, scene.flowers)
    if scene.weather == "foggy":
        add_fog(rng, picture, sky.haze, horizon)
    order = {"road": 0, "palms": 2, "pines": 2}
    for thing in sorted(scene.things, key=lambda item: order.get(item["kind"], 1)):
        paint_thing(rng, scene, sky, picture, thing, stand)
    add_precipitation(rng, picture, scene.weather)
    np.clip(picture, 0, 1, out=picture)
    return manner.apply(rng, picture, scene)


def paint(seed, **wishes):
    """Returns picture uint8 [256, 256, 3], caption and scene of a seed; wishes fix fields of the
    scene."""
    rng = np.random.default_rng(seed)
    scene = draw(rng, **wishes)
    picture = paint_scene(rng, scene)
    return (picture * 255 + 0.5).astype(np.uint8), describe(rng, scene), scene


def main():
    parser = argparse.ArgumentParser(
        description="Writes a sheet of painted scenes and prints their captions."
    )
    parser.add_argument("output", help="PNG file")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first picture")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--columns", type=int, default=6)
    arguments = parser.parse_args()
    pictures = []
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        picture, caption, _ = paint(seed)
        pictures.append(picture)
        print(seed, caption)
    write_png(arguments.output, sheet(np.stack(pictures), arguments.columns))


if __name__ == "__main__":
    main()
