"""The command a stranger types: it comes up, stops cleanly, and goes on where it stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.chaos import Demo, free_port
from service.platform import config
from service.platform.config import ConfigError
from tests.journey import LiveHttp, Program, contract_body


@pytest.fixture
def folder() -> Iterator[Path]:

    made = Path(tempfile.mkdtemp(prefix="holdfast-cli-", dir="/var/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_it_stops_cleanly_and_loses_nothing(folder: Path) -> None:
    demo = Demo(free_port(), folder / "world")
    ada = Program(LiveHttp(f"http://127.0.0.1:{demo.port}"), demo.info["freelancer_key"])
    made = ada.post("/v1/contracts", contract_body())
    info = folder / "world" / "info"
    assert stat.S_IMODE(info.stat().st_mode) == 0o600
    assert set(json.loads(info.read_text())) >= {
        "base_url",
        "freelancer_key",
        "second_freelancer_key",
        "platform_key",
        "finance_key",
        "safety_key",
        "approver_key",
        "second_approver_key",
        "reviewer_key",
        "webhook_secret",
        "mailbox_url",
        "staff_url",
    }
    demo.process.send_signal(signal.SIGTERM)
    assert demo.process.wait(60) == 0
    assert not _alive(folder), "nothing is left behind"
    again = Demo(demo.port, folder / "world")
    assert again.info["freelancer_key"] == demo.info["freelancer_key"]
    assert ada.get(f"/v1/contracts/{made['id']}")["title"] == made["title"]
    again.stop()


def _alive(folder: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if str(folder) in command and int(entry.name) != os.getpid():
                found.append(command)
    return found


def test_the_killed_supervisor_takes_all_with_it(folder: Path) -> None:
    demo = Demo(free_port(), folder / "world")
    demo.process.kill()
    demo.process.wait(10)
    again = Demo(demo.port, folder / "world")
    assert again.info["freelancer_key"] == demo.info["freelancer_key"]
    again.stop()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"HOLDFAST_SURPRISE": "1"}, "Unknown setting HOLDFAST_SURPRISE"),
        ({"HOLDFAST_MODE": ""}, "HOLDFAST_MODE is required"),
        ({"HOLDFAST_MODE": "prod"}, "sandbox or live"),
        ({"HOLDFAST_SECRET_KEYS": "short"}, "32 characters"),
        ({"HOLDFAST_STRIPE_WEBHOOK_SECRETS": ""}, "would verify anything"),
        ({"HOLDFAST_STRIPE_KEY": "sk_live_x"}, "beside the sandbox is refused"),
        ({"HOLDFAST_MODE": "live"}, "HOLDFAST_STRIPE_KEY is required"),
        ({"HOLDFAST_WEB_PORT": "many"}, "whole number"),
        ({"HOLDFAST_BANK_DEBIT": "perhaps"}, "true or false"),
    ],
)
def test_a_wrong_setting_stops_the_start(change: dict[str, str], complaint: str) -> None:
    good = {
        "HOLDFAST_MODE": "sandbox",
        "HOLDFAST_DATABASE_URL": "postgresql://x@/y",
        "HOLDFAST_SECRET_KEYS": "k" * 40,
        "HOLDFAST_SIGNING_KEY": "0" * 64,
        "HOLDFAST_STRIPE_WEBHOOK_SECRETS": "whsec_a",
    }
    assert config.load(good).sandbox
    with pytest.raises(ConfigError, match=complaint):
        config.load(good | change)


def test_secrets_come_from_files_too(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("f" * 40 + "\n")
    settings = config.load(
        {
            "HOLDFAST_MODE": "sandbox",
            "HOLDFAST_DATABASE_URL": "postgresql://x@/y",
            "HOLDFAST_SECRET_KEYS_FILE": str(tmp_path / "keys"),
            "HOLDFAST_SIGNING_KEY": "0" * 64,
            "HOLDFAST_STRIPE_WEBHOOK_SECRETS": "whsec_a",
        }
    )
    assert settings.secret_keys == ("f" * 40,)
    assert "f" * 40 not in repr(settings)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["nonsense"], 2),
        (["demo", "--clock", "yesterday"], 2),
        (["worker"], 2),
    ],
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HOLDFAST_")}
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
