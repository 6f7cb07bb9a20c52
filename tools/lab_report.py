# Every pipeline on every compiler of the private folder, compared with tests/lab/pipelines.csv.
"""What `tools/lab report` does: runs `kiln compile` on each device, compares, prints a summary.

Numbers are compared only between equal versions of Mesa: compilers change more than kernels do. Nor
are those of kernels that the table knows to spill: what is spilled varies from run to run.
"""
import concurrent.futures
import csv
import io
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import lab_drivers
import lab_trees
from lab_table import DRIVERS, TREES
from lab_unpack import LabError

REPOSITORY = Path(__file__).resolve().parent.parent
TABLE = REPOSITORY / "tests/lab/pipelines.csv"
# Besides Stable Diffusion 1.5, whose shapes the program knows.
MODELS = [REPOSITORY / "models/bundled", REPOSITORY / "tests/golden/sd15-tiny"]

KEYS = ["device", "kernel", "element", "constants"]
COUNTS = ["registers", "spilled", "scratch", "shared", "occupancy", "instructions", "cycles"]
COLUMNS = ["device", "mesa", "kernel", "element", "constants", *COUNTS]
WATCHED = ["instructions", "cycles"]  # must not grow by more than
TOLERANCE = 0.05
TIME_LIMIT_S = 900  # for one device
PIPELINE_LIMIT_S = 120  # for one pipeline, on a busy machine


def _needs_only_plain_make(name):
    """Whether `tools/lab make` without options gives this driver."""
    return not any(lab_trees.option_of(tree) or "architecture" in TREES[tree]
                   for tree in lab_drivers.trees_of(name))


def chosen(options):
    """The names of drivers to report on."""
    for name in options.driver or []:
        if name not in DRIVERS:
            raise LabError(f"no driver named {name}: tools/lab list shows them")
    names = options.driver or [name for name, row in DRIVERS.items() if not row.executes]
    return [name for name in names if not options.plain or _needs_only_plain_make(name)]


def _own_program(options):
    """The kiln of this machine, which is built where none was named."""
    if options.program is None:
        options.program = subprocess.run([REPOSITORY / "tools/program"], check=True, text=True,
                                         stdout=subprocess.PIPE).stdout.strip()
    path = Path(options.program).absolute()
    if not path.is_file():
        raise LabError(f"{path} is not there: name a kiln with --program")
    return path


def _program(options, name):
    """The kiln to run on a driver, or why there is none."""
    libraries = DRIVERS[name].libraries
    foreign = libraries and lab_trees.architecture(libraries) != lab_trees.machine()
    if not foreign:
        return _own_program(options), ""
    path = Path(options.program_arm64).absolute()
    if path.is_file():
        return path, ""
    return None, f"no kiln for it (tools/lab arm64 --target kiln_program makes {path})"


def _compile(name, program):
    """The report of `kiln compile` on a driver, as it prints it, with `wall_s`."""
    command = [str(program), "compile", "--json", "--timeout", str(PIPELINE_LIMIT_S)]
    for model in MODELS:
        command += ["--model", str(model)]
    argv, environment = lab_drivers.launch(name, command)
    start = time.monotonic()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as messages:
        try:
            done = subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE, stderr=messages, check=False,
                                  timeout=TIME_LIMIT_S)
        except subprocess.TimeoutExpired:
            raise LabError(f"{name}: kiln compile took more than {TIME_LIMIT_S} s") from None
        messages.seek(0)
        last = messages.read().strip().splitlines()[-1:]
    try:
        report = json.loads(done.stdout)
    except ValueError:
        raise LabError(f"{name}: {' '.join(last) or 'kiln compile printed no report'}") from None
    report["wall_s"] = time.monotonic() - start
    return report


def _row(name, version, pipeline):
    row = {"device": name, "mesa": version}
    row |= {key: pipeline[key] for key in KEYS[1:]}
    for column in COUNTS:
        value = pipeline[column]
        row[column] = "" if value is None else f"{value:.10g}"
    return row


def _key(row):
    return tuple(row[key] for key in KEYS)


def _title(row):
    return f"{row['device']}: {row['kernel']} {row['element']} [{row['constants']}]"


def _number(text):
    return float(text) if text else 0.0


def _spills(row):
    return _number(row["spilled"]) > 0 or _number(row["scratch"]) > 0


def read_table():
    """Rows of the committed table by key; none if there is no table."""
    if not TABLE.is_file():
        return {}
    with open(TABLE, encoding="utf-8", newline="") as file:
        return {_key(row): row for row in csv.DictReader(file)}


def write_table(rows):
    """All rows, devices in the order of the lab's table; appears whole or not at all."""
    order = {name: number for number, name in enumerate(DRIVERS)}
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: (order.get(row["device"], len(order)),
                                                   _key(row))))
    temporary = TABLE.with_suffix(f".{os.getpid()}")
    temporary.write_text(text.getvalue(), encoding="utf-8")
    temporary.replace(TABLE)


def _worse(old, new):
    """The first watched count that grew by more than is allowed, as text."""
    for column in WATCHED:
        before, now = _number(old[column]), _number(new[column])
        if now > before * (1 + TOLERANCE) + 1e-9 and old[column] != "":
            grown = f" (+{100 * (now / before - 1):.0f} %)" if before else ""
            return f"{column} {before:g} -> {now:g}{grown}"
    return ""


def findings(name, rows, table):
    """Complaints about one device's rows, and remarks that are none."""
    known = {key: row for key, row in table.items() if row["device"] == name}
    if not known:
        return [f"{name}: the table does not know it: tools/lab report --update"], []
    complaints, remarks = [], []
    versions = {row["mesa"] for row in known.values()}
    same = versions == {rows[0]["mesa"]} if rows else True
    if not same:
        remarks.append(f"{name}: Mesa {rows[0]['mesa']}, the table has {', '.join(versions)}: "
                       "only spills are compared")
    for row in rows:
        old = known.pop(_key(row), None)
        if old is None:
            what = "spills and is" if _spills(row) else "is"
            complaints.append(f"{_title(row)} {what} not in the table: tools/lab report --update")
        elif _spills(old):
            continue
        elif _spills(row):
            complaints.append(f"{_title(row)}: new spill ({row['spilled'] or 0} spilled, "
                              f"{row['scratch'] or 0} bytes of scratch)")
        elif same and _worse(old, row):
            complaints.append(f"{_title(row)}: {_worse(old, row)}")
    if known:
        complaints.append(f"{name}: {len(known)} pipelines of the table are not made any more, such "
                          f"as {_title(next(iter(known.values())))}: tools/lab report --update")
    return complaints, remarks


def failures(name, report):
    """What must never be, whatever the table says."""
    found = [f"{name}: {one['kernel']} {one['element']} [{one['constants']}]: {one['problem']}"
             for one in report["pipelines"] if one["problem"]]
    return found + [f"{name}: {problem}" for problem in report["problems"]]


def _summary(name, report):
    pipelines = report["pipelines"]
    spilling = [one for one in pipelines if one["spills"]]
    worst = max(spilling, key=lambda one: one["spilled"] or 0, default=None)
    line = (f"  {name:12} {len(pipelines):5} {sum(1 for one in pipelines if one['problem']):6} "
            f"{len(spilling):6} {len(report['left_out']):8} {report['wall_s']:6.1f} s")
    if worst:
        line += (f"  most spills: {worst['spilled'] or 0:g} in {worst['kernel']} "
                 f"{worst['element']} [{worst['constants']}]")
    return line


def print_summary(reports):
    """Devices by vendor."""
    print(f"{'':14} {'made':>5} {'failed':>6} {'spill':>6} {'left out':>8} {'time':>8}")
    vendor = None
    for name in DRIVERS:
        if name not in reports:
            continue
        of = DRIVERS[name].title.split()[0].rstrip(",")
        if of != vendor:
            vendor = of
            print(vendor)
        print(_summary(name, reports[name]))
        for stage in reports[name]["not_planned"]:
            print(f"{'':14} not planned: {stage}")


def report(options):
    """The command. Returns 0, 1 or, where every driver is missing, 77."""
    names, programs = [], {}
    for name in chosen(options):
        reason = lab_drivers.missing(name)
        if not reason:
            programs[name], reason = _program(options, name)
        if reason:
            print(f"skipped: {name}: {reason}")
        else:
            names.append(name)
    if not names:
        return 77
    with concurrent.futures.ThreadPoolExecutor(max_workers=options.jobs) as pool:
        made = list(pool.map(lambda name: _compile(name, programs[name]), names))
    reports = dict(zip(names, made))
    table = read_table()
    rows, complaints, remarks = {}, [], []
    for name in names:
        complaints += failures(name, reports[name])
        if not reports[name]["statistics"]:
            continue  # nothing to compare
        rows[name] = [_row(name, lab_drivers.version(name), one)
                      for one in reports[name]["pipelines"] if not one["problem"]]
        if not options.update:
            found, said = findings(name, rows[name], table)
            complaints += found
            remarks += said
    print_summary(reports)
    if options.update:
        kept = [row for row in table.values() if row["device"] not in rows]
        write_table(kept + [row for of in rows.values() for row in of])
        print(f"{TABLE.relative_to(REPOSITORY)}: {sum(map(len, rows.values()))} rows made, "
              f"{len(kept)} kept")
    for line in remarks:
        print(f"note: {line}")
    for line in complaints[:options.most]:
        print(f"WRONG: {line}")
    if len(complaints) > options.most:
        print(f"WRONG: and {len(complaints) - options.most} more (--most)")
    if not complaints and not options.update:
        print(f"all {sum(map(len, rows.values()))} pipelines are as the table says")
    return 1 if complaints else 0


def add_command(commands):
    """The command line of `tools/lab report`."""
    command = commands.add_parser(
        "report", help="compile every pipeline on every compiler; compare with the table")
    command.add_argument("--update", action="store_true", help="remake the rows of the table")
    command.add_argument("--driver", action="append", help="only this one; may be repeated")
    command.add_argument("--plain", action="store_true",
                         help="only what `tools/lab make` gives without options")
    command.add_argument("--program",
                         help="the kiln to run (default: tools/program builds it)")
    command.add_argument("--program-arm64", default=str(lab_trees.FOLDER / "build-arm64/bin/kiln"),
                         help="the same for 64-bit Arm (default: what tools/lab arm64 builds)")
    command.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4),
                         help="devices at a time")
    command.add_argument("--most", type=int, default=40, help="complaints printed")
    command.set_defaults(action=report)
