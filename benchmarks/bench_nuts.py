"""Full Bayes on 7185 pupils in 160 schools: laird, and Bambi with nutpie and the same priors.

Effective sample sizes are the smallest bulk ESS over all parameters and group effects; every
process samples 4 chains of 1000 draws after 1000 of tuning.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from harness import Run, empty_caches, process, processes_each, table, versions

RUNS = 3
INDEPENDENT, CORRELATED = "(1 + ses || school)", "(1 + ses | school)"
HEADER = [
    "4 × 1000 draws", "whole process s", "of that, processor s", "sampling s", "second fit s",
    "min. ESS", "ESS/s, sampling", "ESS/s, process",
]  # fmt: skip
ASKED = 11.0
"""Effective draws per second of Bambi with nutpie from the start of the process, when targets were set."""


@dataclass(frozen=True, slots=True)
class Result:
    """Medians of several runs; whole is the process without the counting of effective draws."""

    whole: float
    processor: float
    sampling: float
    again: float
    ess: float

    @property
    def rates(self) -> tuple[float, float]:
        """Effective draws per second of sampling, and of the whole process."""
        return self.ess / self.sampling, self.ess / self.whole

    @property
    def cells(self) -> list[str]:
        rates = [f"{rate:,.0f}" for rate in self.rates]
        again = f"{self.again:.2f}" if self.again else ""
        seconds = [f"{self.whole:.1f}", f"{self.processor:.1f}", f"{self.sampling:.2f}", again]
        return [*seconds, f"{self.ess:.0f}", *rates]


def warm(package: str, random: str) -> Result:
    """Other runs came before: functions of numba and PyTensor lie compiled on disk."""
    seeds = [str(seed) for seed in range(RUNS + 1)]
    return _result(processes_each(("-m", "benchmarks.nuts_process", package, random, seed) for seed in seeds))


def cold(package: str, random: str) -> Result:
    """The first run ever."""
    with empty_caches() as environment:
        command = ("-m", "benchmarks.nuts_process", package, random, "1")
        return _result([process(*command, environment=environment)])


def _result(runs: list[Run]) -> Result:
    return Result(
        median(run.seconds - run.result["checking"] for run in runs),
        *(median(run.result[name] for run in runs) for name in ("processor", "sampling", "again", "ess")),
    )


def main() -> None:
    ours, peer = warm("laird", INDEPENDENT), warm("bambi", INDEPENDENT)
    ours_first, peer_first = cold("laird", INDEPENDENT), cold("bambi", INDEPENDENT)
    rows = {
        f"laird `{INDEPENDENT}`, caches warm (median of {RUNS})": ours,
        f"Bambi + nutpie, the same, caches warm (median of {RUNS})": peer,
        f"laird `{INDEPENDENT}`, first run ever": ours_first,
        "Bambi + nutpie, the same, first run ever": peer_first,
        f"laird `{CORRELATED}`, caches warm (median of {RUNS})": warm("laird", CORRELATED),
    }
    print(table(HEADER, ([name, *result.cells] for name, result in rows.items())))
    print(
        table(["laird against its targets", "found", "target"], _targets(ours, peer, ours_first, peer_first))
    )
    print(versions("laird", "nutpie", "pymc", "pytensor", "numba", "bambi"))


def _targets(
    ours: Result, peer: Result, ours_first: Result, peer_first: Result
) -> list[tuple[str, str, str]]:
    sampling, whole = (mine / other for mine, other in zip(ours.rates, peer.rates, strict=True))
    compiled, process_rate = ours.ess / ours.again, ours.rates[1]
    return [
        ("whole process, caches warm", f"{ours.whole:.1f} s", "< 10 s"),
        ("whole process, first run ever", f"{ours_first.whole:.1f} s", "< 30 s"),
        ("ESS/s of a fit once compiled over 11/s", f"{compiled / ASKED:.0f} ×", "100 ×"),
        ("ESS/s of the process over 11/s", f"{process_rate / ASKED:.0f} ×", "40 ×"),
        ("ESS/s of a fit once compiled over Bambi's first process", _times(compiled, peer_first), ""),
        ("ESS/s of the process over Bambi's first process", _times(process_rate, peer_first), ""),
        ("ESS/s of a fit once compiled over Bambi's process, caches warm", _times(compiled, peer), ""),
        ("ESS/s of the process over Bambi's, caches warm", f"{whole:.1f} ×", ""),
        ("ESS/s of sampling over Bambi's of sampling", f"{sampling:.0f} ×", ""),
        ("processor time by effective draw, Bambi's process over ours", _share(peer, ours), ""),
    ]


def _times(rate: float, other: Result) -> str:
    return f"{rate / other.rates[1]:.0f} ×"


def _share(peer: Result, ours: Result) -> str:
    return f"{peer.processor / peer.ess / (ours.processor / ours.ess):.0f} ×"


if __name__ == "__main__":
    main()
