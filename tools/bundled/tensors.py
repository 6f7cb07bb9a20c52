# Reads and writes safetensors files and PNG pictures with NumPy and the standard library only.
"""safetensors layout: 8 bytes little-endian header length, JSON header, raw data. PNG: RFC 2083,
8-bit RGB."""

import json
import struct
import zlib

import numpy as np

DTYPES = {"F32": np.float32, "F16": np.float16, "I64": np.int64}
NAMES = {np.dtype(value): key for key, value in DTYPES.items()}


def read_safetensors(path):
    """Returns {name: array} of a file that holds F32, F16 or I64 tensors."""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        array = np.frombuffer(data[begin:end], DTYPES[entry["dtype"]])
        tensors[name] = array.reshape(entry["shape"]).copy()
    return tensors


def write_safetensors(path, tensors):
    """Writes {name: array} in name order; the header is padded so that the data starts at a
    multiple of 8."""
    header = {"__metadata__": {"format": "pt"}}
    offset = 0
    names = sorted(tensors)
    for name in names:
        array = tensors[name]
        header[name] = {
            "dtype": NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in names:
            file.write(np.ascontiguousarray(tensors[name]).tobytes())


def write_png(path, picture):
    """Writes a uint8 picture [height, width, 3]."""
    height, width, _ = picture.shape
    rows = np.zeros((height, 1 + width * 3), np.uint8)
    rows[:, 1:] = picture.reshape(height, -1)

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.write(chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)))
        file.write(chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)))
        file.write(chunk(b"IEND", b""))


def read_png(path):
    """Reads an 8-bit RGB picture without interlacing as uint8 [height, width, 3]."""
    with open(path, "rb") as file:
        data = file.read()
    place, body = 8, b""
    while place < len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        part = data[place + 8 : place + 8 + size]
        if kind == b"IHDR":
            width, height, depth, colours, _, _, interlaced = struct.unpack(">IIBBBBB", part)
            if (depth, colours, interlaced) != (8, 2, 0):
                raise ValueError(f"{path}: not an 8-bit RGB picture without interlacing")
        body += part if kind == b"IDAT" else b""
        place += size + 12
    rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(height, 1 + 3 * width)
    return unfilter(rows[:, 0].astype(int), rows[:, 1:].reshape(height, width, 3).astype(np.int32))


def unfilter(kinds, raw):
    """Undoes the row filters of PNG. A pixel needs its neighbours at the left and above only, so
    all pixels of a diagonal are computed at once."""
    height, width, _ = raw.shape
    picture = np.zeros((height + 1, width + 1, 3), np.int32)  # zeros above and at the left
    for diagonal in range(height + width - 1):
        y = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        x = diagonal - y
        left, up, corner = picture[y + 1, x], picture[y, x + 1], picture[y, x]
        by_left, by_up = np.abs(up - corner), np.abs(left - corner)
        by_corner = np.abs(left + up - 2 * corner)
        paeth = np.where(by_up <= by_corner, up, corner)
        paeth = np.where((by_left <= by_up) & (by_left <= by_corner), left, paeth)
        guesses = (np.zeros_like(up), left, up, (left + up) // 2, paeth)
        picture[y + 1, x + 1] = (raw[y, x] + np.choose(kinds[y][:, None], guesses)) & 255
    return picture[1:, 1:].astype(np.uint8)


def sheet(pictures, columns, gap=4):
    """Joins uint8 pictures [n, height, width, 3] into one grid with white gaps."""
    count, height, width, _ = pictures.shape
    rows = (count + columns - 1) // columns
    grid = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), 255, np.uint8)
    for index, picture in enumerate(pictures):
        top = gap + (index // columns) * (height + gap)
        left = gap + (index % columns) * (width + gap)
        grid[top : top + height, left : left + width] = picture
    return grid
