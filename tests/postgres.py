"""A PostgreSQL of this test session's own, from the machine's package, on a socket in a folder."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_NOBODY = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running server: its programs, its folder, and who it runs as."""

    programs: Path
    folder: Path
    run_as: list[str]
    port: int

    def url(self, *, host: str | None = None, more: str = "") -> str:
        """Return KEZEK_VAULT for it: by its socket, or by TCP where a host is named."""
        if host is None:
            return f"postgres://kezek@/postgres?socket={self.folder}/.s.PGSQL.{self.port}"
        return f"postgres://kezek@{host}:{self.port}/postgres{more}"

    def stop(self) -> None:
        """Stop the server at once, as a crash would."""
        self._control("stop", "-m", "immediate")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = (
            f"-k {self.folder} -p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off"
            f" -c ssl={'on' if (self.folder / 'server.crt').exists() else 'off'}"
            f" -c ssl_cert_file={self.folder}/server.crt -c ssl_key_file={self.folder}/server.key"
            " -c shared_buffers=16MB -c max_connections=20"
        )
        self._control("start", "-l", str(self.folder / "log"), "-o", options)

    def _control(self, what: str, *more: str) -> None:
        command = [*self.run_as, str(self.programs / "pg_ctl"), "-D", str(self.folder / "data")]
        subprocess.run([*command, "-w", *more, what], check=True, capture_output=True, cwd="/")


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest version's; None where it is not."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@contextmanager
def running() -> Iterator[Cluster]:
    """Run a fresh cluster; skip where PostgreSQL is not installed, fail there in CI."""
    from infra.local.places import free_port

    where = programs()
    if where is None:
        reason = "no PostgreSQL here: apt-get install -y --no-install-recommends postgresql"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    # initdb refuses root, and another user must be able to reach the folder: not pytest's own.
    folder = Path(tempfile.mkdtemp(prefix="kezek-pg-", dir="/tmp"))
    run_as: list[str] = []
    if os.geteuid() == 0:
        user = next(pwd.getpwnam(name) for name in _NOBODY if _known(name))
        os.chown(folder, user.pw_uid, user.pw_gid)
        ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}"]
        run_as = ["setpriv", *ids, "--clear-groups"]
    cluster = Cluster(where, folder, run_as, free_port())
    made = [*run_as, str(where / "initdb"), "-D", str(folder / "data"), "-U", "kezek"]
    subprocess.run(
        [*made, "-A", "trust", "-E", "UTF8", "--no-sync"], check=True, capture_output=True, cwd="/"
    )
    _certificate(folder)
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _certificate(folder: Path) -> None:
    """Write a certificate for `localhost` that signs itself."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "server.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    clear = serialization.NoEncryption()
    pem = serialization.PrivateFormat.PKCS8
    text = key.private_bytes(serialization.Encoding.PEM, pem, clear)
    (folder / "server.key").write_bytes(text)
    owner = folder.stat()
    for file in (folder / "server.crt", folder / "server.key"):
        file.chmod(0o600)
        if os.geteuid() == 0:
            os.chown(file, owner.st_uid, owner.st_gid)
