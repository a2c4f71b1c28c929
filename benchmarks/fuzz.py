"""`make fuzz`: schemathesis against a running demo, from the API's own description, as the platform. No input may make a 5xx."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.chaos import Demo, free_port


def main() -> None:
    """Run it; the exit code is schemathesis's own."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-fuzz-", dir="/var/tmp"))
    folder.chmod(0o755)
    demo = Demo(free_port(), folder / "world")
    command = [str(Path(sys.executable).parent / "schemathesis"), "run", "openapi.yaml", "--url", f"http://127.0.0.1:{demo.port}"]
    command += ["-H", f"Authorization: Bearer {demo.info['platform_key']}", "--checks", "not_a_server_error", "--phases", "examples,fuzzing"]
    command += ["--max-examples", "25", "--continue-on-failure"]
    try:
        done = subprocess.run(command, check=False)
    finally:
        demo.stop()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
