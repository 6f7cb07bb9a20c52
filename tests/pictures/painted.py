"""The statistics that judge pictures: they hold on painted scenes of their kind, fail on others.

painted.py [SCENES]
"""

import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "bundled"))

import numpy as np  # noqa: E402

import measure  # noqa: E402
from painter import paint  # noqa: E402

LEAST_ON_OWN = 0.75        # each check on scenes painted from its prompt
LEAST_ON_OWN_MEAN = 0.95
MOST_ON_OTHERS_MEAN = 0.40  # over all checks, on scenes drawn at random
LEAST_DIFFERENT = 0.02     # each check fails on at least so many others; all are sharp
LEAST_PROMPTS = 24


def scenes(plan, count):
    """Painted scenes of every prompt, and others drawn at random."""
    own = [[paint(8_000_000 + 1000 * index + seed, **{"degraded": 0.0, **entry["scene"]})[0]
            for seed in range(count)] for index, entry in enumerate(plan["prompts"])]
    return own, [paint(9_000_000 + index, degraded=0.0)[0] for index in range(6 * count)]


def blurring_lowers_sharpness(pictures):
    """Shares of pictures whose variance of the Laplacian falls when neighbours are averaged."""
    lower = []
    for picture in pictures:
        sharp = picture.astype(np.float32) / 255
        soft = (sharp[:-1, :-1] + sharp[1:, :-1] + sharp[:-1, 1:] + sharp[1:, 1:]) / 4
        lower.append(measure.sharpness(soft) < 0.9 * measure.sharpness(sharp))
    return float(np.mean(lower))


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    plan, failures = measure.read_checks(), []
    own, others = scenes(plan, count)
    elsewhere = {name: float(np.mean([measure.holds(picture, check) for picture in others]))
                 for name, check in plan["checks"].items()}
    shares = []
    for entry, pictures in zip(plan["prompts"], own):
        for name in entry["checks"]:
            mine = float(np.mean([measure.holds(p, plan["checks"][name]) for p in pictures]))
            shares.append((mine, elsewhere[name]))
            good = mine >= LEAST_ON_OWN and elsewhere[name] <= 1 - LEAST_DIFFERENT
            print(f"{'pass' if good else 'FAIL'} {mine:5.2f} own {elsewhere[name]:5.2f} others  "
                  f"{name:22} {entry['prompt']}")
            if not good:
                failures.append(f"{name} of '{entry['prompt']}'")
    mine, other = np.mean(shares, axis=0)
    softer = blurring_lowers_sharpness(others)
    used = {name for entry in plan["prompts"] for name in entry["checks"]}
    print(f"mean {mine:.3f} on own, {other:.3f} on others; blurred pictures are less sharp: "
          f"{softer:.2f}")
    if mine < LEAST_ON_OWN_MEAN or other > MOST_ON_OTHERS_MEAN or softer < 1:
        failures.append("the means")
    if len(plan["prompts"]) < LEAST_PROMPTS or used != set(plan["checks"]):
        failures.append(f"the list: {len(plan['prompts'])} prompts, unused checks: "
                        f"{sorted(set(plan['checks']) - used)}")
    print(f"failed: {', '.join(failures) or 'nothing'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
