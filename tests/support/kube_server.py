"""Serves tests/support/kube_api.py over TLS, and writes the kubeconfig that leads there."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trustme
import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.routing import Route

from tests.support.kube_api import NAMESPACE, TOKEN, KubeApi


@asynccontextmanager
async def serving_kubernetes(api: KubeApi, directory: Path) -> AsyncIterator[Path]:
    """Serves it over TLS on loopback; the kubeconfig that leads there."""
    authority = trustme.CA()
    ca, certificate = directory / "kube-ca.pem", directory / "kube.pem"
    authority.cert_pem.write_to_path(str(ca))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    paths = ("/apis/batch/v1", "/api/v1")
    tails = ("", "/{name}", "/{name}/log")
    routes = [
        Route(f"{path}/namespaces/{{namespace}}/{{kind}}{tail}", api.handle, methods=["GET", "POST", "DELETE"])
        for path in paths
        for tail in tails
    ]
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        Starlette(routes=routes),
        lifespan="off",
        log_level="critical",
        ssl_certfile=str(certificate),
        timeout_graceful_shutdown=1,
    )
    config.ssl_version = ssl.PROTOCOL_TLS_SERVER
    server = uvicorn.Server(config)
    serve = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield _kubeconfig(directory, ca, listening.getsockname()[1])
    finally:
        server.should_exit = server.force_exit = True
        await api.break_watches()
        await serve
        listening.close()


def _kubeconfig(directory: Path, ca: Path, port: int) -> Path:
    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": str(ca)}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": {"token": TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": NAMESPACE}}],
    }
    path = directory / "kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return path
