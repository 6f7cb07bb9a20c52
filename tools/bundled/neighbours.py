# Measures how near generated pictures come to their nearest training pictures, compared with new
# painted ones.
"""Distance: root mean square difference of 32x32 thumbnails, 0..1. Usage: neighbours.py STATE
FOLDER_OF_PNG_FILES."""

import json
import os
import sys

import numpy as np

from brushes import shrink
from dataset import pictures
from painter import paint
from tensors import read_png


def thumbnail(picture):
    return shrink(picture.astype(np.float32) / 255, picture.shape[-3] // 32).reshape(
        *picture.shape[:-3], -1
    )


def nearest(rows, others, block=1000):
    """For each row the smallest distance to any of the others."""
    best = np.full(len(others), np.inf)
    squares = (others**2).sum(1)
    for start in range(0, rows.done, block):
        part = thumbnail(rows.array[start : min(start + block, rows.done)])
        distances = squares[:, None] + (part**2).sum(1)[None] - 2 * others @ part.T
        best = np.minimum(best, distances.min(1))
    return np.sqrt(np.maximum(best, 0) / others.shape[1])


def report(title, distances):
    low, middle = distances.min(), np.median(distances)
    values = f"smallest {low:.4f}, median {middle:.4f}, mean {distances.mean():.4f}"
    print(f"{title:18} {len(distances)} pictures: {values}")


def main():
    state, folder = sys.argv[1:3]
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "settings.json"), encoding="utf-8") as file:
        rows = pictures(state, json.load(file), 128)
    files = sorted(name for name in os.listdir(folder) if name.endswith(".png"))
    made = np.stack([thumbnail(read_png(os.path.join(folder, name))) for name in files])
    fresh = np.stack([thumbnail(paint(seed)[0]) for seed in range(len(files))])
    report("generated", nearest(rows, made))
    report("newly painted", nearest(rows, fresh))


if __name__ == "__main__":
    main()
