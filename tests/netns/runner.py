"""Runs the tests of a folder in several processes, and prints one line for each."""

import io
import multiprocessing
import signal
import sys
import time
import unittest

import lab


class Result(unittest.TextTestResult):
    """Prints one line for each test, with its time."""

    def startTest(self, test):
        self._began = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        unittest.TestResult.addSuccess(self, test)
        self._line("ok", test)

    def addFailure(self, test, error):
        unittest.TestResult.addFailure(self, test, error)
        self._line("FAILED", test)

    def addError(self, test, error):
        unittest.TestResult.addError(self, test, error)
        self._line("FAILED", test)

    def addSkip(self, test, reason):
        unittest.TestResult.addSkip(self, test, reason)
        self._line(f"SKIPPED: {reason}:", test)

    def _line(self, outcome, test):
        name = test.id().removeprefix("test_").replace(".test_", ": ").replace("_", " ")
        print(f"{outcome} {name} ({time.monotonic() - self._began:.2f} s)", flush=True)


def tests(suite):
    """Yields the tests of a suite and of the suites in it."""
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests(item)
        else:
            yield item


# The most tests that run again.
AGAIN = 5

_chosen = []


def _play(number):
    """Runs one test in a worker process. Returns its number, its errors, and how many were skipped."""
    outcome = unittest.TextTestRunner(stream=io.StringIO(), resultclass=Result)._makeResult()
    _chosen[number].run(outcome)
    outcome.printErrors()
    return number, outcome.stream.getvalue(), len(outcome.skipped)


def _again(told):
    """Runs each failed test once more, alone: most of them wait for real time to pass, and a busy
    machine may hold up a router, a host or the test for a second. A test that passes then is named
    as unsteady, in the summary of `make test` too. Where many fail, the machine is not the reason.
    Returns what all tests told."""
    some = sum(bool(errors.strip()) for _, errors, _ in told) <= AGAIN
    for number, errors, skipped in told:
        if errors.strip() and some:
            print(errors, "again, alone:", sep="\n")
            _, errors, skipped = _play(number)
            if not errors.strip():
                print(f"UNSTEADY: {_chosen[number].id()}: failed, and passed when run again alone")
        yield number, errors, skipped


def _begin_work():
    """Runs first in a worker. Signals end only the parent, which then cleans up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _not_here(test):
    """Returns why a test does not apply to what is tested (case.py), or None."""
    method = getattr(test, test._testMethodName)
    return getattr(method, "not_here", None) or getattr(test, "not_here", None)


def _applicable(chosen):
    """Returns the tests that apply, and names the others by reason."""
    chosen, others = list(chosen), {}
    for test in chosen:
        if _not_here(test):
            others.setdefault(_not_here(test), []).append(test.id())
    for reason, names in others.items():
        print(f"NOT APPLICABLE: {reason}:", *names, sep="\n    ")
    if others:
        print(f"{sum(map(len, others.values()))} tests do not apply")
    return [test for test in chosen if not _not_here(test)]


def main(folder, prepare, workers, wanted=lambda test: True):
    """Runs the tests of a folder whose names have a pattern of the command line, as many side by
    side as there are workers. `prepare` runs first, and may raise FileNotFoundError. Returns the
    exit status."""
    print(f"with the {lab.FORWARDER} forwarder")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that SIGTERM cleans up too
    patterns = [word for word in sys.argv[1:] if not word.startswith("-")]
    found = [test for test in tests(unittest.defaultTestLoader.discover(str(folder))) if wanted(test)]
    for pattern in patterns:
        if not any(pattern in test.id() for test in found):
            sys.exit(f"no test has {pattern} in its name")
    _chosen.extend(
        _applicable(
            test
            for test in found
            if not patterns or any(pattern in test.id() for pattern in patterns)
        )
    )
    reason = lab.why_not()
    if reason:
        print(f"SKIPPED: {reason}; no packet has been tested")
        print(f"0 passed, 0 failed, {len(_chosen)} skipped")
        return 0
    try:
        prepare()
    except FileNotFoundError as error:
        sys.exit(f"{error}: build it first, cargo build --release --workspace")
    try:
        with multiprocessing.get_context("fork").Pool(workers, _begin_work) as pool:
            told = list(pool.imap_unordered(_play, range(len(_chosen))))
        told = list(_again(told))
    except KeyboardInterrupt:
        return 130
    finally:
        lab.sweep()
    wrong = [errors for _, errors, _ in told if errors.strip()]
    print(*wrong, sep="\n", end="")
    skipped = sum(count for _, _, count in told)
    passed = len(told) - len(wrong) - skipped
    print(f"{passed} passed, {len(wrong)} failed, {skipped} skipped")
    return 1 if wrong else 0
