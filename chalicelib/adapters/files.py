"""Files that leave Kezek: an S3 bucket, or a folder (`KEZEK_FILES`) where none is configured.

The public record has a bucket of its own, in which nothing can be deleted before its time.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from chalicelib.kernel.refusals import Unavailable

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}\Z")


class FilesSilent(Unavailable):
    """The place for files does not answer."""

    code = "kezek/files-silent"


def save(name: str, content: bytes) -> None:
    """Store a file under a name made of ids; the same name again replaces it whole."""
    if not _SAFE.match(name) or ".." in name:
        raise ValueError("a file's name is made of letters, digits, dots, hyphens and slashes")
    bucket = os.environ.get("KEZEK_FILES_BUCKET")
    if bucket:
        _to_s3(bucket, name, content, "aws:kms")
        return
    _to_folder(Path(os.environ.get("KEZEK_FILES", ".local/files")) / name, content)


def publish(name: str, content: bytes) -> None:
    """Store a file of the public record: a bucket that keeps every version, or a folder.

    Names and contents are public; what is written again under a name does not end what was.
    """
    if not _SAFE.match(name) or ".." in name:
        raise ValueError("a file's name is made of letters, digits, dots, hyphens and slashes")
    bucket = os.environ.get("KEZEK_RECORD_BUCKET")
    if bucket:
        # Anybody may read them, also without our keys.
        _to_s3(bucket, name, content, "AES256")
        return
    _to_folder(Path(os.environ.get("KEZEK_FILES", ".local/files")) / "record" / name, content)


def published(name: str) -> bytes | None:
    """Return a file of the public record as it lies there now; None where there is none."""
    bucket = os.environ.get("KEZEK_RECORD_BUCKET")
    if bucket:
        return _from_s3(bucket, name)
    try:
        return (Path(os.environ.get("KEZEK_FILES", ".local/files")) / "record" / name).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FilesSilent() from error


def published_under(folder: str) -> list[str]:
    """Return the names of what the public record holds in a folder; for commands."""
    bucket = os.environ.get("KEZEK_RECORD_BUCKET")
    if bucket:
        return _listed_in_s3(bucket, f"{folder}/")
    root = Path(os.environ.get("KEZEK_FILES", ".local/files")) / "record" / folder
    if not root.is_dir():
        return []
    return sorted(f"{folder}/{path.name}" for path in root.iterdir() if path.name[:1] != ".")


def _to_folder(target: Path, content: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        half = target.with_name(f".{target.name}.{os.getpid()}")
        half.write_bytes(content)
        half.replace(target)
    except OSError as error:
        raise FilesSilent() from error


def _to_s3(bucket: str, name: str, content: bytes, sealed_by: str) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        _s3().put_object(Bucket=bucket, Key=name, Body=content, ServerSideEncryption=sealed_by)
    except (BotoCoreError, ClientError) as error:
        raise FilesSilent() from error


def _from_s3(bucket: str, name: str) -> bytes | None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return bytes(_s3().get_object(Bucket=bucket, Key=name)["Body"].read())
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NoSuchKey":
            return None
        raise FilesSilent() from error
    except BotoCoreError as error:
        raise FilesSilent() from error


def _listed_in_s3(bucket: str, begins: str) -> list[str]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        pages = _s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=begins)
        return sorted(item["Key"] for page in pages for item in page.get("Contents", ()))
    except (BotoCoreError, ClientError) as error:
        raise FilesSilent() from error


def _s3() -> Any:
    import boto3
    from botocore.config import Config

    limits = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2})
    return boto3.client("s3", config=limits)
