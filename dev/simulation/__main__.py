"""python -m dev.simulation --seed S --steps N: plays seeds from S on, until there were N I/O steps.

Run it with PYTHONHASHSEED=0, as `manage.py bench simulation` does: else sets have another order in
each process.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b
from itertools import count
from math import inf
from pathlib import Path
from typing import Any

from dev.simulation.faults import KINDS
from dev.simulation.runs import Report, play
from dev.simulation.scenarios import ALL, SCENARIOS, of_seed
from dev.simulation.shrinking import shortest

REPLAY = "python3 manage.py bench simulation --flow {flow} --seed {seed} --replay --only {file}"
SCHEDULES = Path(".local") / "simulation"


def main(argv: list[str]) -> int:
    options = parse(argv)
    kinds = [kind for kind in KINDS if kind not in options.without]
    if options.replay:
        return replay(options.seed, kinds, options.only, options.flow)
    seeds, steps = (options.again, inf) if options.again else (count(options.seed), options.steps)
    figures, failing = many(seeds, steps, kinds, options.flow)
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=2) + "\n")
    else:
        print(json.dumps(figures, indent=2))
    for report in failing[: options.shrink]:
        show(shortest(report))
    return 0


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument(
        "--steps", type=int, default=100_000, help="I/O steps to play, in all seeds together"
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=KINDS,
        help="a kind of fault that is not played",
    )
    parser.add_argument(
        "--flow",
        default=ALL,
        choices=[ALL, *SCENARIOS],
        help="what is played; of all, each seed plays one",
    )
    parser.add_argument(
        "--again", type=int, action="append", default=[], help="this seed, and no others"
    )
    parser.add_argument("--replay", action="store_true", help="plays one seed and prints each step")
    parser.add_argument(
        "--only", type=Path, help="a JSON list of faults and deeds: nothing else happens"
    )
    parser.add_argument(
        "--shrink",
        type=int,
        default=3,
        help="how many failing seeds are shown with their shortest schedule",
    )
    parser.add_argument("--json", help="write the figures there")
    return parser.parse_args(argv)


def replay(seed: int, kinds: list[str], only: Path | None, flow: str) -> int:
    schedule = json.loads(only.read_text()) if only else None
    report = play(seed, kinds, schedule, lines=True, scenario=of_seed(flow, seed))
    print("\n".join(report.lines))
    show(report)
    return int(bool(report.violations))


def many(
    seeds: Iterable[int], steps: float, kinds: list[str], flow: str
) -> tuple[dict[str, Any], list[Report]]:
    """The figures, and the seeds that broke a rule."""
    faults, failing, trace = Counter[str](), list[Report](), blake2b(digest_size=16)
    played, number, started = 0, 0, time.process_time()
    for seed in seeds:
        report = play(seed, kinds, scenario=of_seed(flow, seed))
        played, number = played + report.steps, number + 1
        faults.update(report.faults)
        trace.update(report.trace.encode())
        if report.violations:
            failing.append(report)
            print(f"seed {report.seed}: {'; '.join(report.violations)}"[:1000], file=sys.stderr)
        if played >= steps:
            break
    seconds = time.process_time() - started
    figures = {
        "steps": played,
        "seeds": number,
        "violations": sum(len(report.violations) for report in failing),
        "failing_seeds": [report.seed for report in failing],
        "faults": dict(sorted(faults.items())),
        "steps_per_second": round(played / seconds),
        "trace": trace.hexdigest(),
    }
    return figures, failing


def show(report: Report) -> None:
    """What happened, what it broke, and how to see it again."""
    print(f"\nseed {report.seed}: {len(report.happened)} faults and deeds")
    print("".join(f"  {label}\n" for label in report.happened), end="")
    print("".join(f"  breaks {violation}\n" for violation in report.violations), end="")
    SCHEDULES.mkdir(parents=True, exist_ok=True)
    file = SCHEDULES / f"{report.scenario}-{report.seed}.json"
    file.write_text(json.dumps(report.happened, indent=2) + "\n")
    print(f"  {REPLAY.format(flow=report.scenario, seed=report.seed, file=file)}")


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        print(
            "Set PYTHONHASHSEED=0, so that a seed means the same in each process.", file=sys.stderr
        )
        sys.exit(2)
    sys.exit(main(sys.argv[1:]))
