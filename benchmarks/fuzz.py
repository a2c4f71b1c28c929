"""`make fuzz`: schemathesis against a running demo, from the API's own description.

No input may make a 5xx.

Each operation is called with the key of a role that may (`benchmarks.fuzz_keys`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.chaos import Demo, free_port

ROOT = Path(__file__).resolve().parents[1]
UNLIMITED = (
    "HOLDFAST_CALLS_PER_MINUTE",
    "HOLDFAST_ADDRESS_CALLS_PER_MINUTE",
    "HOLDFAST_FAILURES_PER_MINUTE",
)


def _command(demo: Demo) -> list[str]:
    program = str(Path(sys.executable).parent / "schemathesis")
    command = [program, "run", str(ROOT / "openapi.yaml"), "--url", f"http://127.0.0.1:{demo.port}"]
    command += ["--checks", "not_a_server_error", "--phases", "examples,fuzzing"]
    return [*command, "--max-examples", os.environ.get("EXAMPLES", "25"), "--continue-on-failure"]


def main() -> None:
    """Run it; the exit code is schemathesis's own."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-fuzz-", dir="/var/tmp"))
    folder.chmod(0o755)
    # Schemathesis keeps what it found in its working folder and has no setting for it.
    kept = ROOT / "build" / "fuzz"
    kept.mkdir(parents=True, exist_ok=True)
    # A fuzzer is a flood: with limits on, it would see little but 429.
    os.environ |= dict.fromkeys(UNLIMITED, "0")
    demo = Demo(free_port(), folder / "world")
    try:
        keys = folder / "world" / "info"
        around = os.environ | {
            "SCHEMATHESIS_HOOKS": "benchmarks.fuzz_keys",
            "FUZZ_KEYS": str(keys),
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(_command(demo), check=False, cwd=kept, env=around)
    finally:
        demo.stop()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
