# Keeps painted pictures, captions and latents of the training set in memory-mapped files that
# grow and can be resumed.
import json
import multiprocessing
import os
import time

import numpy as np

from brushes import SIZE, shrink
from painter import paint


class Rows:
    """A fixed-size array on disk whose first `done` rows are filled; the count survives a
    restart."""

    def __init__(self, path, shape, dtype):
        self.path = path
        wanted = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if os.path.exists(path) and os.path.getsize(path) != wanted:
            raise SystemExit(
                f"{path}: another size than the settings ask for; remove it to start anew"
            )
        self.array = np.memmap(
            path, dtype, "r+" if os.path.exists(path) else "w+", shape=tuple(shape)
        )

    @property
    def done(self):
        try:
            with open(self.path + ".done", encoding="ascii") as file:
                return int(file.read())
        except FileNotFoundError:
            return 0

    def mark(self, done):
        self.array.flush()
        replace_text(self.path + ".done", str(done))


def replace_text(path, text):
    """Writes a file so that a reader sees the old or the new content, never a part."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


def pictures(state, settings, size):
    count = settings["data"]["pictures"]
    return Rows(os.path.join(state, f"pictures_{size}.u8"), (count, size, size, 3), np.uint8)


def latents(state, settings, size):
    count = settings["data"]["pictures"]
    path = os.path.join(state, f"latents_{size}.f16")
    return Rows(path, (count, 4, size // 8, size // 8), np.float16)


def paint_row(seed):
    picture, caption, _ = paint(seed)
    half = (shrink(picture.astype(np.float32), 2) + 0.5).astype(np.uint8)
    return picture, half, caption


def make_data(state, settings, processes=1, block=500):
    """Paints the missing pictures block by block; captions go to captions.jsonl, one line a
    picture."""
    full, half = pictures(state, settings, SIZE), pictures(state, settings, SIZE // 2)
    path = os.path.join(state, "captions.jsonl")
    total, first = settings["data"]["pictures"], settings["data"]["first_seed"]
    done = min(full.done, half.done)
    lines = read_captions(state)[:done]
    replace_text(path, "".join(json.dumps(line) + "\n" for line in lines))
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        while done < total:
            started = time.time()
            count = min(block, total - done)
            with open(path, "a", encoding="utf-8") as file:
                for row, made in enumerate(
                    pool.imap(paint_row, range(first + done, first + done + count), 25)
                ):
                    full.array[done + row], half.array[done + row] = made[:2]
                    file.write(json.dumps(made[2]) + "\n")
            done += count
            half.mark(done)
            full.mark(done)
            print(
                f"data {done}/{total} {count / (time.time() - started):.1f} pictures/s", flush=True
            )


def read_captions(state):
    path = os.path.join(state, "captions.jsonl")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]
