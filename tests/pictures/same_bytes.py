"""One seed gives one picture, whatever the subgroup size: runs txt2img on several drivers.

same_bytes.py LAB PROGRAM MODEL DRIVER...
"""

import pathlib
import struct
import subprocess
import sys
import tempfile
import zlib

MISSING = 77  # what tools/lab says of a driver that is not there


def pixels(path):
    """The decompressed image data of a PNG, without its texts, which name the device."""
    data, position, packed = path.read_bytes(), 8, b""
    while position < len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"IDAT":
            packed += data[position + 8:position + 8 + size]
        position += 12 + size
    return zlib.decompress(packed)


def main():
    lab, program, model, *drivers = sys.argv[1:]
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for driver in drivers:
            output = pathlib.Path(folder) / f"{driver}.png"
            run = subprocess.run(
                [lab, "run", driver, "--", program, "txt2img", "-m", model, "-p", "a castle",
                 "-n", "blurry", "-W", "64", "-H", "128", "--steps", "3", "--sampler",
                 "euler_ancestral", "--seed", "3", "--no-tuning", "-q", "-o", output])
            if run.returncode:
                return run.returncode
            made[driver] = pixels(output)
    other = [driver for driver in drivers if made[driver] != made[drivers[0]]]
    if other:
        print(f"other pixels than on {drivers[0]}: {', '.join(other)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
