"""Several runners of one process, one AWS call at a time, in an order that a seed decides.

Each runner is a thread that stops before every call and goes on when the scheduler names it; while
one runs, all others stand. So an interleaving is a sequence of choices, the same for the same
seed, and one that breaks something can be run again.

    said = interleaved([lambda: bill("site-0"), lambda: agree(claim)], seed=7)
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.kernel.refusals import Refusal
from infra.local import faults

_LONGEST_S = 60.0


@dataclass
class Runner:
    """One of those who act at once, and what it came to."""

    act: Callable[[], Any]
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    ended: bool = False
    said: Any = None
    bug: BaseException | None = None
    doomed: bool = False
    calls: int = 0


@dataclass
class Course:
    """What each runner said, and whose turn each call was."""

    said: list[Any]
    turns: list[int]


def interleaved(acts: Sequence[Callable[[], Any]], *, seed: int, deaths: float = 0.0) -> Course:
    """Run all at once, call by call; return what each said: a value, a refusal's code, or "died".

    deaths: how likely a runner dies at each of its turns, before or after its call. A bug of a
    runner is raised here.
    """
    dice = random.Random(seed)
    runners = [Runner(act) for act in acts]
    stopped = threading.Semaphore(0)
    of_thread: dict[int, Runner] = {}

    def wait(runner: Runner) -> None:
        stopped.release()
        if not runner.turn.acquire(timeout=_LONGEST_S):
            raise TimeoutError("nobody named this runner")

    def plan(call: faults.Call, send: faults.Send) -> Any:
        runner = of_thread.get(threading.get_ident())
        if runner is None:
            return None
        wait(runner)
        runner.calls += 1
        if runner.doomed and runner.calls % 2:
            raise faults.Crash(f"before {call.operation}")
        answer = send()
        if runner.doomed:
            raise faults.Crash(f"after {call.operation}")
        return answer

    def run(runner: Runner) -> None:
        of_thread[threading.get_ident()] = runner
        try:
            wait(runner)
            runner.said = runner.act()
        except Refusal as refusal:
            runner.said = refusal.code
        except faults.Crash:
            runner.said = "died"
        except BaseException as bug:  # told to whoever asked, in its own thread
            runner.bug = bug
        finally:
            runner.ended = True
            stopped.release()

    threads = [threading.Thread(target=run, args=(runner,), daemon=True) for runner in runners]
    turns: list[int] = []
    with faults.planned(plan):
        for thread in threads:
            thread.start()
            _stops(stopped)
        while alive := [n for n, runner in enumerate(runners) if not runner.ended]:
            number = dice.choice(alive)
            turns.append(number)
            runners[number].doomed = dice.random() < deaths
            runners[number].turn.release()
            _stops(stopped)
        for thread in threads:
            thread.join(_LONGEST_S)
    for runner in runners:
        if runner.bug is not None:
            raise runner.bug
    return Course([runner.said for runner in runners], turns)


def _stops(stopped: threading.Semaphore) -> None:
    if not stopped.acquire(timeout=_LONGEST_S):
        raise TimeoutError("a runner neither calls nor ends")
