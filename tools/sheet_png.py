# Reads and writes 8-bit RGB PNG files with the standard library alone.

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


class BadPicture(Exception):
    pass


def paeth(left, up, corner):
    by_left, by_up, by_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    if by_left <= by_up and by_left <= by_corner:
        return left
    return up if by_up <= by_corner else corner


def unfiltered(kind, line, above):
    """One row of RGB bytes; above: the row before, without its filter."""
    row = bytearray(line)
    if kind == 1:
        for x in range(3, len(row)):
            row[x] = (row[x] + row[x - 3]) & 255
    elif kind == 2:
        for x, up in enumerate(above):
            row[x] = (row[x] + up) & 255
    elif kind == 3:
        for x, up in enumerate(above):
            row[x] = (row[x] + ((row[x - 3] if x > 2 else 0) + up) // 2) & 255
    elif kind == 4:
        for x in range(3):
            row[x] = (row[x] + above[x]) & 255
        for x in range(3, len(row)):
            row[x] = (row[x] + paeth(row[x - 3], above[x], above[x - 3])) & 255
    elif kind:
        raise BadPicture(f"filter {kind} is not known")
    return bytes(row)


def read_png(path):
    """(width, height, rows of RGB bytes) of a file without interlacing."""
    data = path.read_bytes()
    if not data.startswith(SIGNATURE):
        raise BadPicture(f"{path}: is no PNG")
    place, packed, header = len(SIGNATURE), b"", None
    try:
        while place < len(data):
            size, kind = struct.unpack_from(">I4s", data, place)
            if kind == b"IHDR":
                header = struct.unpack_from(">IIBBBBB", data, place + 8)
            elif kind == b"IDAT":
                packed += data[place + 8:place + 8 + size]
            place += size + 12
        if header is None or header[2:] != (8, 2, 0, 0, 0):
            raise BadPicture(f"{path}: not 8-bit RGB without interlacing")
        width, height = header[:2]
        raw, stride = zlib.decompress(packed), 3 * width + 1
        if len(raw) != height * stride:
            raise BadPicture(f"{path}: holds {len(raw)} bytes, expected {height * stride}")
    except (struct.error, zlib.error) as error:
        raise BadPicture(f"{path}: {error}") from error
    rows, above = [], bytes(stride - 1)
    for start in range(0, len(raw), stride):
        above = unfiltered(raw[start], raw[start + 1:start + stride], above)
        rows.append(above)
    return width, height, rows


def write_png(path, width, rows):
    def chunk(kind, body):
        return (struct.pack(">I", len(body)) + kind + body
                + struct.pack(">I", zlib.crc32(kind + body)))

    # Differences to the row above pack better than the bytes themselves.
    packer, above, packed = zlib.compressobj(9), bytes(3 * width), b""
    for row in rows:
        change = bytes((a - b) & 255 for a, b in zip(row, above))
        packed += packer.compress(b"\2" + change)
        above = row
    packed += packer.flush()
    header = struct.pack(">IIBBBBB", width, len(rows), 8, 2, 0, 0, 0)
    path.write_bytes(SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", packed)
                     + chunk(b"IEND", b""))
