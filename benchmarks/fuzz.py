"""`make fuzz`: schemathesis against a running demo, from the API's own description, as the platform. No input may make a 5xx."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.chaos import Demo, free_port

ROOT = Path(__file__).resolve().parents[1]


def _command(demo: Demo) -> list[str]:
    program = str(Path(sys.executable).parent / "schemathesis")
    command = [program, "run", str(ROOT / "openapi.yaml"), "--url", f"http://127.0.0.1:{demo.port}"]
    command += ["-H", f"Authorization: Bearer {demo.info['platform_key']}"]
    command += ["--checks", "not_a_server_error", "--phases", "examples,fuzzing"]
    return [*command, "--max-examples", "25", "--continue-on-failure"]


def main() -> None:
    """Run it; the exit code is schemathesis's own."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-fuzz-", dir="/var/tmp"))
    folder.chmod(0o755)
    # Schemathesis keeps what it found in its working folder and has no setting for it.
    kept = ROOT / "build" / "fuzz"
    kept.mkdir(parents=True, exist_ok=True)
    demo = Demo(free_port(), folder / "world")
    try:
        done = subprocess.run(_command(demo), check=False, cwd=kept)
    finally:
        demo.stop()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
