"""Many runs on many processors: results in the order of the tasks, whatever finishes first."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor

_MOST_JOBS = 8


def default_jobs() -> int:
    """One process per processor, within reason."""
    return min(os.cpu_count() or 1, _MOST_JOBS)


def spread[Task, Result](
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    jobs: int | None = None,
    done: Callable[[], None] | None = None,
    chunk: int = 1,
) -> list[Result]:
    """Return [function(task) for task in tasks], computed by `jobs` processes.

    function: of a module, so that a process finds it. jobs: None takes the number of processors, 1 stays in this
    process. done: called after each task, in their order. chunk: tasks handed out at a time.
    """
    jobs = default_jobs() if jobs is None else jobs
    results: list[Result] = []
    if jobs == 1:
        for task in tasks:
            results.append(function(task))
            _tell(done)
        return results
    # Not plain fork: the caller may have threads, whose locks a forked child would find taken for ever.
    context = multiprocessing.get_context("forkserver")
    # Ctrl-C belongs to the parent; children that also hear it would each print a traceback.
    pool = ProcessPoolExecutor(jobs, context, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN))
    try:
        for result in pool.map(function, tasks, chunksize=chunk):
            results.append(result)
            _tell(done)
    finally:
        pool.shutdown(cancel_futures=True)
    return results


def _tell(done: Callable[[], None] | None) -> None:
    if done is not None:
        done()
