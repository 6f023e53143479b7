"""What a run says of a module that proves nothing, beside its results."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import command
from conformance.__main__ import main
from tests.conformance.test_strangers import of

pytest.importorskip("numpy")

ONE = ["--only", "d1-sigmoid"]


@pytest.mark.parametrize("what", ["sys.exit(0)", "raise GeneratorExit"])
def test_a_function_that_exits_fails(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = of(tmp_path, f"import sys\ndef sigmoid(logits):\n    {what}\n")
    assert main(["--module", name, *ONE]) == command.FAILED
    captured = capsys.readouterr().out
    assert "SystemExit: 0" in captured or "GeneratorExit" in captured
    assert "numpy: 0 passed, 2 failed" in captured


def test_an_interrupt_ends_the_run(tmp_path: Path) -> None:
    name = of(tmp_path, "def sigmoid(logits):\n    raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        main(["--module", name, *ONE])
