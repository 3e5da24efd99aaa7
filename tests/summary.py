#!/usr/bin/env python3
"""Counts the test cases of a run of ./check.

tests/summary.py LOGS

LOGS holds, for each build, meson's NAME.json (a line a test program) and
NAME.junit.xml (JUnit: a line a case of each program), and single.txt with the checks
that are one case.  Names what failed and what was skipped; the last line is
"N passed, N failed", and the status tells whether anything failed.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

GOOD = {"OK", "EXPECTEDFAIL", "SKIP"}


def program_of(name):
    """"pool" of "atelier:core / pool"."""
    return name.split(" / ")[-1].split(":")[-1]


def cases_of(xml):
    """{test program: [(case, outcome, reason)]}, outcome pass, fail or skip."""
    programs = {}
    for suite in ElementTree.parse(xml).getroot().iter("testsuite"):
        for case in suite.iter("testcase"):
            outcome, reason = "pass", ""
            for child in case:
                if child.tag in ("failure", "error"):
                    outcome, reason = "fail", child.get("message") or ""
                elif child.tag == "skipped":
                    outcome, reason = "skip", child.get("message") or ""
            programs.setdefault(program_of(suite.get("name")), []).append(
                (case.get("name"), outcome, reason))
    return programs


def read_build(logs, name):
    """All (case, outcome, reason) of one build."""
    programs = cases_of(logs / f"{name}.junit.xml")
    for line in (logs / f"{name}.json").read_text(encoding="utf-8").split("\n"):
        if not line:
            continue
        try:
            test = json.loads(line)
        except ValueError:
            yield f"{name}: a line of meson's log", "fail", "unreadable"
            continue
        program = program_of(test["name"])
        cases = programs.get(program)
        if cases:
            for case, outcome, reason in cases:
                yield f"{name}: {program}: {case}", outcome, reason
        bad = test["result"] not in GOOD
        # A crash or a timeout belongs to no case; and a program without cases
        # is one case itself.
        if bad and not any(c[1] == "fail" for c in cases or []):
            yield f"{name}: {program}", "fail", test["result"].lower()
        elif not cases:
            yield (f"{name}: {program}",
                   "skip" if test["result"] == "SKIP" else "pass", "")


def main():
    logs = pathlib.Path(sys.argv[1])
    cases = []
    single = logs / "single.txt"
    if single.exists():
        for line in single.read_text().splitlines():
            outcome, name = line.split("\t")
            cases.append((name, outcome, f"see {logs}/{name}.log"))
    for path in sorted(logs.glob("*.json")):
        cases.extend(read_build(logs, path.stem))
    for outcome, title in (("skip", "Skipped:"), ("fail", "Failed:")):
        chosen = [c for c in cases if c[1] == outcome]
        if chosen:
            print(title)
            for name, _, reason in chosen:
                print(f"  {name}" + (f" ({reason})" if reason else ""))
    passed = sum(1 for c in cases if c[1] == "pass")
    failed = sum(1 for c in cases if c[1] == "fail")
    skipped = sum(1 for c in cases if c[1] == "skip")
    if skipped:
        print(f"{skipped} skipped")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
