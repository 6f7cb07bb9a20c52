# Measures simple statistics of pictures and checks them against named limits; validates the
# limits on painted scenes.
"""Limits are in semantic_checks.json: each check names a statistic, "min" or "max", and may name a
region [top, bottom, left, right] as shares of the picture.

Run as a program it validates the limits: it paints scenes for every prompt of the file and prints
how often each check holds on them, and on scenes drawn at random: a check is good if it holds on
its own scenes and fails on many others. With --write it writes one such scene per prompt as a PNG,
with --folder it judges pictures PROMPT_SEED.png of a folder.
"""

import argparse
import json
import os

import numpy as np

from brushes import box_blur, luma
from tensors import read_png, write_png

CHECKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "semantic_checks.json")


def named_colour(picture, name):
    """Mask of the pixels that show a named colour."""
    red, green, blue = picture[..., 0], picture[..., 1], picture[..., 2]
    if name == "red":
        return (red > 0.30) & (green < 0.45 * red) & (blue < 0.45 * red)
    if name == "blue":
        return (blue > 0.30) & (red < 0.45 * blue) & (green < 0.68 * blue)
    if name == "yellow":
        return (red > 0.50) & (green > 0.66 * red) & (blue < 0.45 * red)
    if name == "green":
        return (green > 0.20) & (red < 0.62 * green) & (blue < 0.70 * green)
    if name == "orange":
        return (red > 0.50) & (green > 0.33 * red) & (green < 0.66 * red) & (blue < 0.33 * red)
    if name == "purple":
        return (blue > 0.25) & (red > 0.45 * blue) & (green < 0.55 * np.minimum(red, blue))
    raise ValueError(f"no rule for the colour {name}")


def light_position(picture):
    """Share of the width at which the brightest spot lies: centre of the blurred luma near its
    maximum."""
    soft = box_blur(luma(picture), max(picture.shape[0] // 50, 1))
    weight = np.clip(soft - (soft.max() - 0.08), 0, None)
    columns = (np.arange(picture.shape[1]) + 0.5) / picture.shape[1]
    return float((weight.sum(0) * columns).sum() / weight.sum())


def block_detail(picture):
    """Deviation inside 8x8 blocks, as a share of the whole deviation: near 0 for pixel art."""
    height, width = picture.shape[0] // 8 * 8, picture.shape[1] // 8 * 8
    grey = luma(picture[:height, :width])
    blocks = grey.reshape(height // 8, 8, width // 8, 8).transpose(0, 2, 1, 3).reshape(-1, 64)
    return float(np.sqrt(blocks.var(1).mean()) / max(float(grey.std()), 1e-4))


def sharpness(picture):
    """Variance of the Laplacian of the luma in 0..255."""
    grey = luma(picture) * 255
    middle = grey[1:-1, 1:-1]
    return float(
        (grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * middle).var()
    )


def statistic(picture, name, region):
    """One number of a float picture [height, width, 3] in 0..1 within a region of it."""
    height, width = picture.shape[:2]
    top, bottom, left, right = region
    part = picture[
        round(top * height) : round(bottom * height), round(left * width) : round(right * width)
    ]
    if name.startswith("share "):
        return float(named_colour(part, name.split()[1]).mean())
    means = part.mean((0, 1))
    if name == "luma":
        return float(luma(part).mean())
    if name == "luma deviation":
        return float(luma(part).std())
    if name == "red minus blue":
        return float(means[0] - means[2])
    if name == "green lead":
        return float(means[1] - max(means[0], means[2]))
    if name == "saturation":
        return float((part.max(-1) - part.min(-1)).mean())
    if name == "light position":
        return light_position(part)
    if name == "block detail":
        return block_detail(part)
    if name == "sharpness":
        return sharpness(part)
    raise ValueError(f"no statistic is called {name}")


def holds(picture, check):
    """Whether a uint8 picture keeps the limits of a check."""
    value = statistic(
        picture.astype(np.float32) / 255, check["statistic"], check.get("region", [0, 1, 0, 1])
    )
    return check.get("min", -np.inf) <= value <= check.get("max", np.inf)


def read_checks():
    with open(CHECKS, encoding="utf-8") as file:
        return json.load(file)


def validate(plan, count):
    """Prints how often each check holds on its own scenes and on others; returns the share on its
    own."""
    from painter import paint

    others = [paint(9_000_000 + index, degraded=0.0)[0] for index in range(4 * count)]
    results = []
    for index, entry in enumerate(plan["prompts"]):
        own = [
            paint(8_000_000 + 1000 * index + seed, **{"degraded": 0.0, **entry["scene"]})[0]
            for seed in range(count)
        ]
        for name in entry["checks"]:
            mine = np.mean([holds(picture, plan["checks"][name]) for picture in own])
            other = np.mean([holds(picture, plan["checks"][name]) for picture in others])
            results.append(mine)
            print(f"{mine:5.2f} {other:5.2f}  {name:28} {entry['prompt']}")
    return float(np.mean(results))


def judge(plan, folder):
    """Checks generated pictures INDEX_SEED.png, INDEX counting the prompts from 0; returns the
    share that holds."""
    results = []
    for index, entry in enumerate(plan["prompts"]):
        files = sorted(
            name
            for name in os.listdir(folder)
            if name.startswith(f"{index}_") and name.endswith(".png")
        )
        pictures = [read_png(os.path.join(folder, name)) for name in files]
        for name in entry["checks"] if pictures else []:
            kept = [holds(picture, plan["checks"][name]) for picture in pictures]
            results += kept
            print(f"{sum(kept)}/{len(kept)}  {name:28} {entry['prompt']}")
    return float(np.mean(results))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=24, help="scenes per prompt")
    parser.add_argument("--write", help="folder for one painted scene per prompt")
    parser.add_argument("--folder", help="folder of generated pictures INDEX_SEED.png")
    arguments = parser.parse_args()
    plan = read_checks()
    if arguments.write:
        from painter import paint

        os.makedirs(arguments.write, exist_ok=True)
        for index, entry in enumerate(plan["prompts"]):
            picture = paint(8_000_000 + 1000 * index, **{"degraded": 0.0, **entry["scene"]})[0]
            write_png(os.path.join(arguments.write, f"{index}_0.png"), picture)
        return
    share = judge(plan, arguments.folder) if arguments.folder else validate(plan, arguments.count)
    print(f"{share:.3f} of the checks hold")


if __name__ == "__main__":
    main()
