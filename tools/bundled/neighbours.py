# Measures how near generated pictures come to their nearest training pictures, compared with new
# painted ones.
"""Distance: root mean square difference of 32x32 thumbnails, 0..1."""

import argparse
import os
import sys

import numpy as np

from brushes import shrink
from painter import paint
from tensors import read_png

SIDE = 128  # pixels of the training pictures that are compared


def thumbnail(picture):
    return shrink(picture.astype(np.float32) / 255, picture.shape[-3] // 32).reshape(
        *picture.shape[:-3], -1
    )


def training_pictures(state, block=1000):
    """The painted training pictures that train.py keeps in its folder: arrays [n, SIDE, SIDE, 3]
    one after the other."""
    path = os.path.join(state, f"pictures_{SIDE}.u8")
    if not os.path.exists(path):
        sys.exit(f"neighbours.py: {path} is missing: name the folder given to train.py --state")
    with open(path + ".done", encoding="utf-8") as file:
        left = int(file.read())
    with open(path, "rb") as file:
        while left > 0:
            count = min(block, left)
            part = np.fromfile(file, np.uint8, count * SIDE * SIDE * 3)
            yield part.reshape(count, SIDE, SIDE, 3)
            left -= count


def nearest(pictures, others):
    """For each of the others the smallest distance to any picture."""
    best = np.full(len(others), np.inf)
    squares = (others**2).sum(1)
    for part in map(thumbnail, pictures):
        distances = squares[:, None] + (part**2).sum(1)[None] - 2 * others @ part.T
        best = np.minimum(best, distances.min(1))
    return np.sqrt(np.maximum(best, 0) / others.shape[1])


def report(title, distances):
    low, middle = distances.min(), np.median(distances)
    values = f"smallest {low:.4f}, median {middle:.4f}, mean {distances.mean():.4f}"
    print(f"{title:18} {len(distances)} pictures: {values}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("state", help="folder of train.py --state")
    parser.add_argument("folder", help="folder of generated PNG files of 256x256 pixels")
    arguments = parser.parse_args()
    files = sorted(name for name in os.listdir(arguments.folder) if name.endswith(".png"))
    if not files:
        sys.exit(f"neighbours.py: {arguments.folder} holds no PNG files")
    made = np.stack([thumbnail(read_png(os.path.join(arguments.folder, name))) for name in files])
    fresh = np.stack([thumbnail(paint(seed)[0]) for seed in range(len(files))])
    distances = nearest(training_pictures(arguments.state), np.concatenate([made, fresh]))
    report("generated", distances[: len(made)])
    report("newly painted", distances[len(made) :])


if __name__ == "__main__":
    main()
