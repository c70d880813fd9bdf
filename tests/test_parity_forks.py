"""Engines that are forks of one process are like processes of their own."""

import os
import signal

import pytest
from parity_engines import records_of, write_script

from parity import forks
from parity.engines import ENGINES, environment
from parity.records import Line

ABOUT_ITSELF = """
import atexit, os, random, signal, sys
import numpy as np
import torch

print(__name__, sys.argv[1:], os.path.basename(os.getcwd()), sys.flags.safe_path, os.environ["FASHION_OWN"], input())
print(os.getsid(0) == os.getpid(), sys.stdout.encoding, sorted(os.listdir("/proc/self/fd"))[:3], signal.getsignal(2))
print(random.random(), np.random.rand(), np.random.default_rng().random(), torch.rand(1).item(), hash("hash"))
print(torch.get_num_threads(), torch.get_default_dtype(), __file__.endswith("itself.py"))
print(sorted(name for name in os.environ if name != "PYTEST_CURRENT_TEST"))
"""


@pytest.mark.parametrize("engine", ["torch", "minigrad-f64"])
def test_a_script_cannot_tell_a_fork_from_a_new_process(engine, tmp_path, monkeypatch):
    """But for sys.modules: what an earlier script imported may be there."""
    monkeypatch.setenv("FASHION_OWN", "mine")
    script = write_script(tmp_path, "itself", ABOUT_ITSELF)
    answers = tmp_path / "answers.txt"
    answers.write_text("yes\n")
    printed = []
    for available in (True, False):
        monkeypatch.setattr(forks, "AVAILABLE", available)
        *records, finished = records_of(engine, script, tmp_path / str(available), ["--word"], answers)
        assert finished.outcome == "finished", finished.details
        printed.append([record.text for record in records if isinstance(record, Line)])
    assert len(printed[0]) == 5
    assert printed[0] == printed[1]


def test_two_engines_are_forks_of_one_process_until_it_is_lost(tmp_path, monkeypatch):
    script = write_script(tmp_path, "parent", "import os\nprint(os.getppid())\n")

    def parent(folder):
        *_, line, finished = records_of("minigrad", script, tmp_path / folder)
        assert finished.outcome == "finished", finished.details
        return int(line.text)

    first = parent("first")
    assert first == parent("second") != os.getpid()
    os.kill(first, signal.SIGKILL)
    forks.origin("minigrad", environment(ENGINES["minigrad"])).process.wait()
    assert parent("third") not in (first, os.getpid())

    def lost(*_):
        raise forks.OriginLostError

    monkeypatch.setattr(forks.Origin, "ask", lost)
    assert parent("fourth") == os.getpid()


def test_what_takes_long_to_import_is_there_before_the_fork(tmp_path):
    text = "import matplotlib.pyplot as plt\nfrom sklearn.datasets import make_moons\nimport pandas, torch\n"
    (tmp_path / "pandas.py").touch()
    assert forks.company_of(write_script(tmp_path, "script", text)) == ["matplotlib.pyplot", "sklearn.datasets"]
    (tmp_path / "matplotlib").mkdir()
    assert forks.company_of(write_script(tmp_path, "script", text)) == ["sklearn.datasets"]
    assert forks.company_of(write_script(tmp_path, "other", "from torch.optim import SGD")) == ["torch.optim"]
