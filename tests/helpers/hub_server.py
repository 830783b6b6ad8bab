"""A local stand-in for the HTTP interface of the Hugging Face hub: repositories, commits, branches and files."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import yaml

WRITER, READER = "hf_writer", "hf_reader"  # tokens of the user ana, with and without write access


@dataclass
class Repository:
    """Commits, as path → content; the branches point to them."""

    private: bool
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def commit(self, branch: str, files: dict[str, bytes]) -> str:
        oid = hashlib.sha1(repr((len(self.commits), sorted(files.items()))).encode()).hexdigest()
        self.commits[oid] = files
        self.branches[branch] = oid
        return oid

    def files(self, revision: str) -> tuple[str, dict[str, bytes]]:
        oid = self.branches.get(revision, revision)
        return oid, self.commits[oid]


@dataclass
class Hub:
    """The state of the server.

    Attributes:
        failures: path prefix → status of requests that fail.
        requests: method and path of every request.
    """

    url: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def add(self, name: str, files: dict[str, bytes], private: bool = False) -> Repository:
        repository = self.repositories[name] = Repository(private)
        repository.commit("main", {".gitattributes": b""} | files)
        return repository


class _RequestError(Exception):
    def __init__(self, status: int, code: str = "", content: object = None) -> None:
        self.status, self.code, self.content = status, code, content or {}


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self):
        self._respond()

    def do_HEAD(self):
        self._respond()

    def do_POST(self):
        self._respond()

    def log_message(self, *_arguments):
        pass

    def _respond(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        try:
            for prefix, status in self.hub.failures.items():
                if path.startswith(prefix):
                    raise _RequestError(status)
            self._send(200, *self._route(path, body))
        except _RequestError as failure:
            self._send(failure.status, failure.content, {"X-Error-Code": failure.code} if failure.code else {})

    def _send(self, status: int, content: object, headers: dict[str, str]):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(data))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _route(self, path: str, body: bytes) -> tuple[object, dict[str, str]]:
        if path == "/":
            return b"", {}
        if path == "/api/repos/create":
            return self._create(json.loads(body)), {}
        if path == "/api/validate-yaml":
            yaml.safe_load(json.loads(body)["content"].split("---")[1])
            return {"errors": [], "warnings": []}, {}
        if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self._resolve(*found.groups())
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/([a-z]+)/(.+))?", path):
            name, verb, revision = found.groups()
            repository = self._repository(name)
            if self.command == "POST":
                return self._write(name, repository, verb, revision, body), {}
            return self._describe(name, repository, verb, revision or "main"), {}
        raise _RequestError(404)

    def _create(self, wanted: dict[str, str]) -> object:
        name = f"{wanted['organization']}/{wanted['name']}"
        self._require_write_access(name)
        if name in self.hub.repositories:
            raise _RequestError(409, content={"url": f"{self.hub.url}/{name}"})
        self.hub.add(name, {}, wanted.get("visibility") == "private")
        return {"url": f"{self.hub.url}/{name}"}

    def _require_write_access(self, name: str):
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token not in (WRITER, READER):
            raise _RequestError(401)
        if token != WRITER or not name.startswith("ana/"):
            raise _RequestError(403)

    def _repository(self, name: str) -> Repository:
        repository = self.hub.repositories.get(name)
        if repository is None or (repository.private and not self.headers.get("Authorization")):
            raise _RequestError(404, "RepoNotFound")
        return repository

    def _files(self, repository: Repository, revision: str) -> tuple[str, dict[str, bytes]]:
        try:
            return repository.files(revision)
        except KeyError:
            raise _RequestError(404, "RevisionNotFound") from None

    def _describe(self, name: str, repository: Repository, verb: str | None, revision: str) -> object:
        oid, files = self._files(repository, revision)
        if verb == "tree":
            return [
                {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for path, content in files.items()
            ]
        siblings = [{"rfilename": path} for path in files]
        return {"id": name, "sha": oid, "siblings": siblings, "private": repository.private}

    def _write(self, name: str, repository: Repository, verb: str, revision: str, body: bytes) -> object:
        self._require_write_access(name)
        if verb == "branch":
            if revision in repository.branches:
                raise _RequestError(409)
            repository.branches[revision] = repository.branches["main"]
            return {}
        _oid, files = self._files(repository, revision)
        if verb == "preupload":
            paths = [one["path"] for one in json.loads(body)["files"]]
            return {"files": [{"path": path, "uploadMode": "regular", "shouldIgnore": False} for path in paths]}
        lines = [json.loads(line) for line in body.splitlines()]
        values = {kind: [line["value"] for line in lines if line["key"] == kind] for kind in
                  ("header", "file", "deletedFile")}  # fmt: skip
        deleted = {one["path"] for one in values["deletedFile"]}
        added = {one["path"]: base64.b64decode(one["content"]) for one in values["file"]}
        oid = repository.commit(revision, {k: v for k, v in files.items() if k not in deleted} | added)
        repository.messages.append(values["header"][0]["summary"])
        return {"commitUrl": f"{self.hub.url}/{name}/commit/{oid}", "commitOid": oid}

    def _resolve(self, name: str, revision: str, path: str) -> tuple[bytes, dict[str, str]]:
        oid, files = self._files(self._repository(name), revision)
        if path not in files:
            raise _RequestError(404, "EntryNotFound")
        return files[path], {"ETag": f'"{hashlib.sha1(files[path]).hexdigest()}"', "X-Repo-Commit": oid}


@contextmanager
def hub_server():
    """Serve an empty hub."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
