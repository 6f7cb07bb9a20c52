"""A capture of one step under RenderDoc: its command-line tool opens it, and it holds our names.

renderdoc_capture.py PROGRAM MODEL
Skipped (77) where `renderdoccmd` is not installed.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIP = 77
EXPECTED = ["stage denoise", "unet.conv_in", "unet.mid_block.resnets.0.conv1", "matmul/matmul",
            "vkCmdDispatch", "arena of stage"]


def main():
    program, model = sys.argv[1:]
    if shutil.which("renderdoccmd") is None:
        print("renderdoccmd is not installed", file=sys.stderr)
        return SKIP
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["renderdoccmd", "capture", "-w", "-d", folder, "-c", f"{folder}/kiln", program,
             "profile", "--capture", "1", "--", "txt2img", "-m", model, "-p", "a castle", "-W",
             "64", "-H", "64", "--steps", "3", "-q", "-o", f"{folder}/picture.png"], check=True)
        captures = list(pathlib.Path(folder).glob("*.rdc"))
        if len(captures) != 1:
            print(f"{len(captures)} captures, expected one", file=sys.stderr)
            return 1
        subprocess.run(["renderdoccmd", "convert", "-f", captures[0], "-o", f"{folder}/capture.xml",
                        "-c", "xml"], check=True)
        text = pathlib.Path(folder, "capture.xml").read_text(errors="replace")
    missing = [word for word in EXPECTED if word not in text]
    if missing:
        print(f"the capture does not hold {missing}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
