"""A profile of a picture: its trace obeys Chrome's trace event format, its JSON adds up.

trace_format.py LAB DRIVER PROGRAM MODEL
The rules checked are those of the document "Trace Event Format": the keys each kind of event must
have, times that are numbers, complete events that nest on their track, and names for tracks.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

# Keys every event of a phase must have, besides those of all: complete, instant, counter, metadata.
REQUIRED = {"X": {"ts", "dur", "cat"}, "i": {"ts", "s"}, "C": {"ts", "args"}, "M": {"args"}}
ROUNDING_US = 1e-3


def problems_of_events(events):
    before = 0
    for number, event in enumerate(events):
        phase = event.get("ph")
        if phase not in REQUIRED:
            yield f"event {number}: phase {phase!r}"
            continue
        missing = ({"name", "pid", "tid"} | REQUIRED[phase]) - event.keys()
        if missing:
            yield f"event {number} ({phase}): lacks {sorted(missing)}"
            continue
        if not (isinstance(event["ts"], (int, float)) and event["ts"] >= 0):
            yield f"event {number}: ts is {event['ts']!r}"
        if event["ts"] < before:
            yield f"event {number}: {event['ts']} comes after {before}"
        before = event["ts"]
        if phase == "X" and event["dur"] < 0:
            yield f"event {number}: dur is {event['dur']}"
        if phase == "C" and not all(isinstance(v, (int, float)) for v in event["args"].values()):
            yield f"event {number}: a counter that is no number"


def problems_of_nesting(events):
    """Complete events of a track lie one in another or apart; a dispatch lies in its scopes."""
    tracks = {}
    for event in events:
        if event["ph"] == "X":
            tracks.setdefault((event["pid"], event["tid"]), []).append(event)
    for track, spans in tracks.items():
        stack = []
        for span in spans:
            while stack and stack[-1]["ts"] + stack[-1]["dur"] <= span["ts"] + ROUNDING_US:
                stack.pop()
            if stack:
                end = stack[-1]["ts"] + stack[-1]["dur"]
                if span["ts"] + span["dur"] > end + ROUNDING_US:
                    yield f"track {track}: {span['name']} outlives {stack[-1]['name']}"
            if span["cat"] == "dispatch":
                scopes = ".".join(s["name"] for s in stack if s["cat"] == "scope")
                if scopes != span["args"]["path"]:
                    yield f"dispatch {span['args']['path']} lies in '{scopes}'"
                if not stack or stack[0]["cat"] != "stage":
                    yield f"dispatch {span['args']['path']} lies in no stage"
            stack.append(span)


def problems_of_content(trace, report):
    events = trace["traceEvents"]
    named = {(e["pid"], e["name"]) for e in events if e["ph"] == "M"}
    for process in {e["pid"] for e in events}:
        for what in ("process_name", "thread_name"):
            if (process, what) not in named:
                yield f"process {process} has no {what}"
    dispatches = [e for e in events if e.get("cat") == "dispatch"]
    for event in dispatches:
        if not {"shapes", "flops", "bytes_read", "bytes_written"} <= event["args"].keys():
            yield f"dispatch {event['name']} lacks arguments: {event['args']}"
    if not any(e["ph"] == "C" for e in events):
        yield "no counter of memory"
    total = report["total"]
    if len(dispatches) != total["launches"]:
        yield f"{len(dispatches)} dispatches in the trace, {total['launches']} in the report"
    if sum(e["args"]["flops"] for e in dispatches) != total["flops"]:
        yield "the trace's FLOPs are not the report's"
    for sums in ("stages", "kernels"):
        if abs(sum(s["us"] for s in report[sums]) - total["us"]) > 1e-6 * total["us"]:
            yield f"the {sums} do not add up to the total"
    stages = {s["name"]: s["submissions"] for s in report["stages"]}
    if stages != {"text": 1, "start": 1, "denoise": 3, "decode": 1}:
        yield f"stages: {stages}"
    if [s["overhead"] is None for s in report["stages"] if s["name"] == "denoise"] != [False]:
        yield "the overhead of a step is unknown"


def main():
    lab, driver, program, model = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        trace_file = pathlib.Path(folder) / "trace.json"
        run = subprocess.run(
            [lab, "run", driver, "--validation", "--skip", "--", program, "profile", "--json",
             "--trace", trace_file, "--", "txt2img", "-m", model, "-p", "a castle", "-W", "64",
             "-H", "64", "--steps", "3", "--sampler", "euler", "-q", "-o",
             pathlib.Path(folder) / "picture.png"], stdout=subprocess.PIPE)
        if run.returncode:
            return run.returncode
        trace, report = json.loads(trace_file.read_text()), json.loads(run.stdout)
    events = trace["traceEvents"]
    found = [*problems_of_events(events)] or [*problems_of_nesting(events),
                                              *problems_of_content(trace, report)]
    print(*found[:20], sep="\n", end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
