"""Four processes over gloo, started once for many checks; whatever happens they end."""

import os
import pickle
import tempfile
import traceback
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from filelock import FileLock  # which torch requires

PROCESSES = 4
TIMEOUT = 60
"""Seconds that a collective waits for the other processes."""
EACH = 5
"""Seconds more that all of them may take, for each check: on a busy machine a slow one takes as long."""
STARTS = 4
"""How often processes are started."""
NOTHING = "it did not run"
PRELOADED = ["torch.distributed.tensor", "torch._dynamo", "xent.engines.torch", "tests.cases"]


def _work(rank, folder, timeout, run, checks):
    os.environ["TORCH_CPP_LOG_LEVEL"] = "FATAL"
    torch.set_num_threads(1)
    store = f"file://{folder}/store"
    limit = timedelta(seconds=timeout)
    dist.init_process_group(
        "gloo", init_method=store, rank=rank, world_size=PROCESSES, timeout=limit
    )
    said = {}
    for i, check in enumerate(checks):
        try:
            said[i] = run(check)
        except Exception:
            said[i] = traceback.format_exc()
            break  # the others wait for what this one does not do
        finally:
            torch.save(said, f"{folder}/{rank}")
    if len(said) == len(checks):
        dist.destroy_process_group()


def results(run, checks):
    """Return what ``run(check)`` says on each of the processes, by check: None where all is well.

    Both must be pickled: ``run`` is a function of a module. After a check that fails come other processes,
    a few times: what fails everywhere would wait for long.
    """
    rest, found = list(checks), {}
    for again in reversed(range(STARTS)):
        said = _started(run, rest)
        done = 1 + next((i for i, check in enumerate(rest) if any(said[check])), len(rest) - 1)
        if not again or done == len(rest) or said[rest[0]] == [NOTHING] * PROCESSES:
            return found | said
        found |= {check: said[check] for check in rest[:done]}
        rest = rest[done:]
    return found


def shared(request, run):
    """Return the results that the first of pytest's own processes has made, for which the others wait.

    Of the checks that are chosen: the tests of the module that asks, one for each.
    """
    tests = [item for item in request.session.items if item.path == request.path]
    checks = [x.callspec.params["check"] for x in tests if "check" in x.fixturenames]
    tmp_path_factory = request.getfixturevalue("tmp_path_factory")
    testrun_uid = request.getfixturevalue("testrun_uid")
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    folder = tmp_path_factory.getbasetemp()
    path = (folder if alone else folder.parent) / f"{testrun_uid}-{run.__module__}-{run.__name__}"
    with FileLock(f"{path}.lock"):
        if not path.exists():
            found = results(run, checks)
            path.write_bytes(pickle.dumps([found[check] for check in checks]))
    return dict(zip(checks, pickle.loads(path.read_bytes()), strict=True))


def _started(run, checks):
    with tempfile.TemporaryDirectory() as folder:
        context = mp.get_context("forkserver")  # which imports what is slow to import once
        context.set_forkserver_preload(PRELOADED)
        given = (folder, TIMEOUT, run, checks)
        processes = [context.Process(target=_work, args=(i, *given)) for i in range(PROCESSES)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(TIMEOUT * 5 + EACH * len(checks))
        for process in processes:
            process.kill()
        found = [
            torch.load(path) if (path := Path(folder) / str(i)).exists() else {}
            for i in range(PROCESSES)
        ]
    return {check: [of.get(i, NOTHING) for of in found] for i, check in enumerate(checks)}


def law(run, checks):
    """Return a fixture, which a module calls ``said``, and its test: no process says anything of a check."""

    @pytest.fixture(scope="module", name="said")
    def fixture(request):
        return shared(request, run)

    @pytest.mark.parametrize(
        "check",
        checks,
        ids=lambda check: check if isinstance(check, str) else "-".join(map(str, check)),
    )
    def test(said, check):
        for rank, error in enumerate(said[check]):
            assert error is None, f"process {rank}: {error}"

    return fixture, test
