"""Proxies in front of Parafovea, run as ``docs/proxies.md`` configures them, on ports of a test's own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.asking import http_status
from tests.support.buses import free_port
from tests.support.processes import REPOSITORY
from tests.support.waiting import eventually

PREFIX = "/parafovea"
"""Of the document's configurations."""

NGINX = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    {temporary}
    {documented}
}}
"""

CADDY = """
{{
    admin off
    auto_https off
    storage file_system {folder}
}}
{documented}
"""

HAPROXY = """
global
    maxconn 100
{documented}
"""


def find(name: str) -> str | None:
    """Where a proxy is; Debian keeps some out of a user's PATH."""
    return shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")


def documented(language: str) -> str:
    """The block of the document in this language."""
    text = (REPOSITORY / "docs" / "proxies.md").read_text(encoding="utf-8")
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found, f"docs/proxies.md has no block of {language}"
    return found[1]


@contextmanager
def running(name: str, folder: Path, upstream_port: int) -> Iterator[str]:
    """Run a proxy until the end of the block: the address of its root, ``http://127.0.0.1:<port>``."""
    port = free_port()
    configuration = folder / f"{name}.conf"
    configuration.write_text(_configuration(name, folder, port, upstream_port))
    commands = {
        "nginx": ["-e", "stderr", "-p", str(folder), "-c", str(configuration)],
        "caddy": ["run", "--adapter", "caddyfile", "--config", str(configuration)],
        "haproxy": ["-db", "-f", str(configuration)],
    }
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen([find(name) or name, *commands[name]], stdout=out, stderr=out, cwd=folder)
    try:
        url = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"{name} exited with {process.returncode}")
            return http_status(f"{url}{PREFIX}/health") in (200, 401)

        eventually(answers, 30, f"{name} passes requests on")
        yield url
    finally:
        process.terminate()
        process.wait(20)
        print(f"--- {name}\n{log.read_text(errors='replace')[-5000:]}")


def _configuration(name: str, folder: Path, port: int, upstream_port: int) -> str:
    """What the document says, with this test's ports in place of 80 and 8001."""
    text = documented(name).replace("127.0.0.1:8001", f"127.0.0.1:{upstream_port}")
    listens = {
        "nginx": ("listen 80;", f"listen 127.0.0.1:{port};"),
        "caddy": ("lab.example {", f"http://:{port} {{\n\tbind 127.0.0.1"),
        "haproxy": ("bind :80", f"bind 127.0.0.1:{port}"),
    }
    as_written, here = listens[name]
    assert text.count(as_written) == 1
    text = text.replace(as_written, here)
    if name == "caddy":
        return CADDY.format(folder=folder, documented=text)
    if name == "haproxy":
        return HAPROXY.format(documented=text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "\n    ".join(f"{kind}_temp_path {folder}/nginx-{kind};" for kind in kinds)
    # As root nginx gives its workers another user, who may not write into this folder.
    user = "user root;" if os.geteuid() == 0 else ""
    return NGINX.format(user=user, folder=folder, temporary=temporary, documented=text)
