"""What `prover/service/deploy` says is what the service has, and its backup can be gone on with."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apodict_client import Client, Decision

from .running import REPOSITORY, STORY, Server, binary

DEPLOY = REPOSITORY / "prover/service/deploy"
INPUTS: dict[str, Any] = json.loads((STORY / "inputs" / "stretched.json").read_text())["inputs"]


def backup(data: Path, target: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(DEPLOY / "backup.py"), str(data), str(target)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def compiled(client: Client) -> str:
    return client.compile(STORY / "model.onnx", STORY / "calibration.json", timeout=120).id


def test_every_metric_of_an_alert_is_there(running: Server) -> None:
    with Client(running.url) as client:
        client.prove(compiled(client), INPUTS, timeout=60)
    with urllib.request.urlopen(f"{running.url}/metrics", timeout=10) as answer:
        families = dict(re.findall(r"^# TYPE (\w+) (\w+)$", answer.read().decode(), re.MULTILINE))
    rules = (DEPLOY / "alerts.yml").read_text()
    used = set(re.findall(r"\bapodict_\w+", rules))
    assert used and used <= families.keys()
    # What is asked for its rate is a counter, and all counters are.
    counted = set(re.findall(r"(?:rate|increase)\((\w+)", rules))
    assert counted == {name for name in used if families[name] == "counter"}
    # Codes that an alert names are codes.
    service = (REPOSITORY / "docs/service.md").read_text()
    for how in re.findall(r'how=~?"([\w|]+)"', rules):
        for code in set(how.split("|")) - {"loaded"}:
            assert f"| `{code}` |" in service
    # The runbook has a row for each alert, and none besides.
    runbook = (REPOSITORY / "docs/operations.md").read_text()
    assert re.findall(r"^\| `(Apodict\w+)` \|", runbook, re.MULTILINE) == re.findall(r"- alert: (\w+)", rules)


@pytest.mark.parametrize("name", ["apodict.service", "compose.yaml", "Dockerfile"])
def test_every_option_is_one(name: str) -> None:
    helped = subprocess.run([binary(), "serve", "--help"], check=True, capture_output=True, text=True, timeout=60)
    lines = [
        line for line in (DEPLOY / name).read_text().splitlines() if re.match(r"ExecStart=|CMD \[\"serve|\s+- --", line)
    ]
    options = set(re.findall(r"(?<![\w-])--[a-z-]+", "\n".join(lines)))
    # Behind a proxy, and the proxy is on the same machine.
    assert {"--data", "--listen", "--ask-for-keys"} <= options
    assert options <= set(re.findall(r"--[a-z-]+", helped.stdout))


def test_metrics_need_a_scope_of_their_own(start: Callable[..., Server]) -> None:
    server = start()
    scopes = "read,prove,models", "operate"
    tenants, prometheus = (server.key("--tenant", "prometheus", "--scope", scope) for scope in scopes)

    def scraped(key: str) -> int:
        request = urllib.request.Request(f"{server.url}/metrics", headers={"Authorization": f"Bearer {key}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    assert (scraped(tenants), scraped(prometheus)) == (403, 200)


def test_a_server_that_asks_for_keys_needs_one_first(tmp_path: Path) -> None:
    command = [binary(), "serve", "--listen", "127.0.0.1:0", "--data", str(tmp_path / "data"), "--ask-for-keys"]
    refused = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert refused.returncode != 0 and "api-key create" in refused.stderr


def test_a_server_without_keys_refuses_what_the_proxy_passes_on(start: Callable[..., Server]) -> None:
    set_by_proxy = re.findall(r"^    proxy_set_header (\S+) (\S+);$", (DEPLOY / "nginx.conf").read_text(), re.MULTILINE)
    names = {name for name, value in set_by_proxy if value != '""'}
    assert names == {"Host", "X-Forwarded-For"}
    address = f"{start().url}/v1/jobs"
    assert urllib.request.urlopen(address, timeout=10).status == 200
    for name in names:
        request = urllib.request.Request(address, headers={name: "prover.example.com"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        with refused.value:
            assert refused.value.code in (401, 403)


def test_the_health_check_follows_readiness(start: Callable[..., Server]) -> None:
    server = start()
    check = ["bash", str(DEPLOY / "healthcheck.sh"), *server.url.removeprefix("http://").split(":")]
    assert subprocess.run(check, check=False, timeout=20).returncode == 0
    server.stop()
    assert subprocess.run(check, check=False, stderr=subprocess.DEVNULL, timeout=20).returncode != 0


def test_a_backup_of_a_running_server_can_be_gone_on_with(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start()
    target = tmp_path / "backup"
    with Client(server.url) as client:
        model = compiled(client)
        proved = client.prove(model, INPUTS, timeout=60)
        # Its payload is an artifact.
        under_way = client.submit(model, batch=[Decision(INPUTS)] * 100)
        next(event for event in client.events(under_way.id, timeout=60) if event.kind == "stage")
        first = backup(server.data, target)
        assert first.returncode == 0, first.stderr
        client.cancel(under_way.id)
        # Brought up to date: what is there is not copied again.
        again = backup(server.data, target)
        assert again.returncode == 0 and "and 0 files" in again.stdout, again.stdout + again.stderr
    server.kill()
    # Of a server that was killed, too.
    assert backup(server.data, tmp_path / "second").returncode == 0
    restored = Server(target)
    with Client(restored.url) as client:
        proof = client.proof(proved.proofs[0].id)
        assert proof.verification.valid
        # The development string came along: with another one, the model's key would not fit.
        assert client.prove(model, INPUTS, timeout=60).state == "succeeded"
    restored.stop()


def test_a_backup_that_lacks_something_fails(start: Callable[..., Server], tmp_path: Path) -> None:
    assert backup(tmp_path, tmp_path / "none").returncode == 1
    assert not (tmp_path / "none").exists()
    server = start()
    with Client(server.url) as client:
        model = client.model(compiled(client))
    server.stop()
    (server.data / "artifacts/b3" / model.onnx[:2] / model.onnx).unlink()
    failed = backup(server.data, tmp_path / "backup")
    assert failed.returncode == 1 and model.onnx in failed.stderr


def test_a_backup_that_was_served_is_replaced_whole(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start()
    target = tmp_path / "backup"
    assert backup(server.data, target).returncode == 0
    tried = Server(target)
    refused = backup(server.data, target)
    assert refused.returncode == 1 and "uses" in refused.stderr, refused.stderr
    tried.kill()
    # The log of the server that was killed belongs to its own database.
    (target / "jobs.db-wal").write_bytes(b"another database's")
    assert backup(server.data, target).returncode == 0
    assert not (target / "jobs.db-wal").exists()
