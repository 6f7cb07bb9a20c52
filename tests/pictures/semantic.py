"""The bundled model paints what the prompt says: pictures by the program, judged by statistics.

semantic.py LAB PROGRAM [DRIVER]

The model is the one that `kiln txt2img` uses by itself; its guidance and sampler are the defaults
of its folder, only the number of steps is smaller, for time. What has to hold is in LIMITS.
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "bundled"))

import numpy as np  # noqa: E402

import measure  # noqa: E402
from brushes import luma  # noqa: E402
from painter import paint  # noqa: E402
from tensors import read_png, write_png  # noqa: E402

MISSING = 77  # what tools/lab says of a driver that is not there
PROMPTS = 24  # of semantic_checks.json, from its beginning
STEPS = 7
IMAGE_STEPS = 10  # of img2img, so that strength 0.3 still is a few
SEEDS = 4
FIRST_SEED = 100
NEGATIVE = "blurry, low quality"
SCALES = (1, 3, 7.5, 12)
# Prompts (places in semantic_checks.json) of the negative prompt's 32 pictures, and of the guidance
# scales.
NEGATIVE_PROMPTS = (0, 1, 2, 4, 6, 7, 9, 22)
SCALE_PROMPTS = (0, 2, 10, 12, 18, 20)
UNGUIDED_PROMPTS = range(0, PROMPTS, 2)
STRENGTHS = (0.3, 0.6, 0.9)
# A painted scene, the prompt that changes it, and a statistic that must follow: name, region, sign.
CHANGES = (
    ({"time": "noon", "place": "ocean", "manner": "photo", "weather": "clear"},
     "a sunset over the ocean", "red minus blue", (0.10, 0.55, 0, 1), 1),
    ({"time": "noon", "place": "lake", "manner": "photo", "weather": "clear"},
     "a lake at night", "luma", (0, 1, 0, 1), -1),
)

LIMITS = {
    "prompts": 24,                      # at least so many
    "share of checks that hold": 0.85,  # at the default guidance
    "lead over guidance 1": 0.10,       # "clearly fewer" hold there
    "sharpness with the negative prompt": 1.0,  # at least so many times that without
    "contrast rises up to": 7.5,        # guidance scales
    "agreement rises up to": 3,
    "near at strength 0.3": 0.15,       # most root mean square distance, 0..1
    "change at strength 0.9": 0.05,     # least change of the statistic towards the prompt
}


class Kiln:
    """Runs of the program, two at a time on two cores; each loads the model once."""

    def __init__(self, lab, program, driver, folder):
        self.command = [lab, "run", driver, "--skip", "--", program]
        self.folder = pathlib.Path(folder)
        self.pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1)

    def paint(self, name, prompt, more=(), count=1, steps=STEPS, image=None):
        """A promise of `count` pictures [height, width, 3] of uint8."""
        return self.pool.submit(self._run, name, prompt, more, count, steps, image)

    def _run(self, name, prompt, more, count, steps, image):
        output = self.folder / f"{name}.png"
        start = ["img2img", "-i", image] if image else ["txt2img"]
        run = subprocess.run(
            [*self.command, *start, "-p", prompt, "-s", str(FIRST_SEED), "--steps", str(steps),
             "-b", str(count), *more, "-q", "-o", output],
            env={**os.environ, "LP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, text=True)
        if run.returncode == MISSING:
            print(run.stdout, end="")
            sys.stdout.flush()
            os._exit(MISSING)
        if run.returncode:
            raise SystemExit(f"kiln ended with exit code {run.returncode} for '{prompt}'")
        files = [output] if count == 1 else [
            output.with_name(f"{name}-{i}.png") for i in range(count)]
        return [read_png(file) for file in files]


class Findings:
    """The table that is printed, and whether everything held."""

    def __init__(self):
        self.failures = []

    def add(self, title, text, held):
        print(f"{'pass' if held else 'FAIL'}  {title:38} {text}", flush=True)
        if not held:
            self.failures.append(title)


def sharpness(picture):
    return measure.sharpness(picture.astype(np.float32) / 255)


def kept(plan, index, pictures):
    """For every check of a prompt and every picture: whether it holds."""
    return [measure.holds(picture, plan["checks"][name])
            for name in plan["prompts"][index]["checks"] for picture in pictures]


def judge_prompts(plan, guided, unguided, findings):
    rows = [kept(plan, index, pictures) for index, pictures in enumerate(guided)]
    for entry, row, pictures in zip(plan["prompts"], rows, guided):
        per_check = ", ".join(
            f"{name} {sum(row[i * len(pictures):(i + 1) * len(pictures)])}/{len(pictures)}"
            for i, name in enumerate(entry["checks"]))
        print(f"      {entry['prompt']}: {per_check}")
    share = np.mean(sum(rows, []))
    findings.add("prompts", str(len(rows)), len(rows) >= LIMITS["prompts"])
    limit = LIMITS["share of checks that hold"]
    findings.add("checks at the default guidance", f"{share:.3f} hold, at least {limit}",
                 share >= limit)
    # The same seed on both sides.
    first = np.mean(sum((kept(plan, i, guided[i][:1]) for i in unguided), []))
    without = np.mean(sum((kept(plan, i, made) for i, made in unguided.items()), []))
    lead = LIMITS["lead over guidance 1"]
    findings.add("checks at guidance 1", f"{without:.3f} hold, {first:.3f} with guidance",
                 first - without >= lead)


def judge_negative(plain, negative, findings):
    before = np.mean([sharpness(picture) for picture in plain])
    after = np.mean([sharpness(picture) for picture in negative])
    rate = LIMITS["sharpness with the negative prompt"]
    findings.add(f"negative prompt, {len(negative)} pictures",
                 f"mean variance of the Laplacian {before:.0f} -> {after:.0f}",
                 len(negative) >= 32 and after > rate * before)


def rises_up_to(values):
    """The last scale up to which the values never fall."""
    last = SCALES[0]
    for index in range(1, len(SCALES)):
        if values[index] < values[index - 1]:
            break
        last = SCALES[index]
    return last


def judge_scales(plan, made, findings):
    contrast, agreement = [], []
    for scale in SCALES:
        pictures = made[scale]
        grey = [luma(picture[0].astype(np.float32) / 255).std() for picture in pictures]
        contrast.append(float(np.mean(grey)))
        held = sum((kept(plan, i, p) for i, p in zip(SCALE_PROMPTS, pictures)), [])
        agreement.append(float(np.mean(held)))
    for name, values in (("contrast", contrast), ("agreement", agreement)):
        point = rises_up_to(values)
        text = ", ".join(f"{scale}: {value:.3f}" for scale, value in zip(SCALES, values))
        findings.add(f"{name} over guidance", f"{text}; rises up to {point}",
                     point >= LIMITS[f"{name} rises up to"] and values[1] > values[0])


def judge_image(change, start, made, findings):
    _, prompt, name, region, sign = change
    distance, towards = [], []
    before = measure.statistic(start.astype(np.float32) / 255, name, region)
    for pictures in made:
        parts = [picture.astype(np.float32) / 255 for picture in pictures]
        distance.append(float(np.mean(
            [np.sqrt(((part - start.astype(np.float32) / 255) ** 2).mean()) for part in parts])))
        towards.append(sign * float(np.mean(
            [measure.statistic(part, name, region) - before for part in parts])))
    far = ", ".join(f"{s}: {value:.3f}" for s, value in zip(STRENGTHS, distance))
    findings.add(f"img2img distance: {prompt}", far,
                 distance[0] < distance[1] < distance[2]
                 and distance[0] <= LIMITS["near at strength 0.3"])
    followed = ", ".join(f"{s}: {value:+.3f}" for s, value in zip(STRENGTHS, towards))
    findings.add(f"img2img follows: {prompt}", f"{name} {followed}",
                 towards[2] > towards[0] and towards[2] >= LIMITS["change at strength 0.9"])


def main():
    lab, program = sys.argv[1:3]
    driver = sys.argv[3] if len(sys.argv) > 3 else "lavapipe"
    plan = measure.read_checks()
    started, findings = time.monotonic(), Findings()
    plan["prompts"] = plan["prompts"][:PROMPTS]
    with tempfile.TemporaryDirectory(prefix="kiln-semantic-") as folder:
        kiln = Kiln(lab, program, driver, folder)
        prompts = [entry["prompt"] for entry in plan["prompts"]]
        guided = [kiln.paint(f"guided{i}", p, count=SEEDS) for i, p in enumerate(prompts)]
        unguided = {i: kiln.paint(f"unguided{i}", prompts[i], ["--cfg-scale", "1"])
                    for i in UNGUIDED_PROMPTS}
        negative = [kiln.paint(f"negative{i}", prompts[i], ["-n", NEGATIVE], SEEDS)
                    for i in NEGATIVE_PROMPTS]
        scaled = {scale: [kiln.paint(f"scale{scale}-{i}", prompts[i], ["--cfg-scale", str(scale)])
                          for i in SCALE_PROMPTS] for scale in SCALES[1:]}
        scaled[1] = [unguided[i] for i in SCALE_PROMPTS]
        starts, changed = [], []
        for number, (scene, prompt, *_) in enumerate(CHANGES):
            starts.append(paint(7_000_000 + number, degraded=0.0, **scene)[0])
            image = pathlib.Path(folder) / f"start{number}.png"
            write_png(image, starts[-1])
            changed.append([kiln.paint(f"changed{number}-{s}", prompt, ["--strength", str(s)], 2,
                                       IMAGE_STEPS, image) for s in STRENGTHS])
        guided = [promise.result() for promise in guided]
        unguided = {index: made.result() for index, made in unguided.items()}
        judge_prompts(plan, guided, unguided, findings)
        plain = sum((guided[i] for i in NEGATIVE_PROMPTS), [])
        judge_negative(plain, sum((promise.result() for promise in negative), []), findings)
        judge_scales(plan, {scale: [promise.result() for promise in promises]
                            for scale, promises in scaled.items()}, findings)
        for change, start, made in zip(CHANGES, starts, changed):
            judge_image(change, start, [promise.result() for promise in made], findings)
    failed = ", ".join(findings.failures) or "nothing"
    print(f"{time.monotonic() - started:.0f} s; failed: {failed}")
    return 1 if findings.failures else 0


if __name__ == "__main__":
    sys.exit(main())
