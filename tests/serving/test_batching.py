"""Micro-batches: what shares a batch changes nothing, the queue is bounded, and failures stay apart."""

import asyncio
import random
import threading

import httpx
import pytest
from audio_files import tone, write_wav

from sentir.errors import SentirError
from sentir.serving.app import create_app
from sentir.serving.batching import MicroBatcher
from sentir.serving.errors import RequestError
from sentir.serving.settings import ServerSettings


def make_batcher(function, **options):
    return MicroBatcher(function, **{"max_batch": 8, "max_queue": 100, **options})


def test_waiting_requests_share_a_call_and_get_their_own_results():
    sizes, gate = [], threading.Event()

    def double(items, key):
        gate.wait(5)
        return [2 * item for item in items]

    async def run():
        batcher = make_batcher(double, on_batch=sizes.append)
        tasks = [asyncio.create_task(batcher.submit([n, n + 0.5], "a" if n % 2 else "b")) for n in range(10)]
        await asyncio.sleep(0.01)
        gate.set()
        results = await asyncio.gather(*tasks)
        await batcher.close()
        return results

    assert asyncio.run(run()) == [[2 * n, 2 * n + 1] for n in range(10)]
    assert sum(sizes) == 20 and max(sizes) == 8 and len(sizes) < 10


def test_a_request_fails_for_its_own_reasons_only():
    def fail_on_zero(items, key):
        if 0 in items:
            raise SentirError("zero")
        return items

    async def run():
        batcher = make_batcher(fail_on_zero)
        results = await asyncio.gather(*(batcher.submit([n], "") for n in range(4)), return_exceptions=True)
        await batcher.close()
        return results

    failed, *others = asyncio.run(run())
    assert isinstance(failed, SentirError) and others == [[1], [2], [3]]


def test_a_full_queue_refuses_and_cancelled_requests_leave_it():
    gate, seen = threading.Event(), []

    def wait(items, key):
        gate.wait(5)
        seen.extend(items)
        return items

    async def run():
        batcher = make_batcher(wait, max_queue=4)
        first = asyncio.create_task(batcher.submit(["running"], ""))
        await asyncio.sleep(0.01)
        waiting = [asyncio.create_task(batcher.submit([n, n], "")) for n in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(RequestError) as refused:
            await batcher.submit(["too many"], "")
        waiting[0].cancel()
        gate.set()
        await asyncio.gather(first, waiting[1])
        await batcher.close()
        return refused.value

    error = asyncio.run(run())
    assert (error.status, error.code, error.headers) == (503, "queue_full", {"Retry-After": "1"})
    assert seen == ["running", 1, 1]


def random_requests(n, folder):
    """Mixed requests as keyword arguments of a client: texts, conversations, clips, in two languages."""
    rng, words = random.Random(0), ["happy", "glad", "fine", "normal", "crying", "lonely", "today"]
    clips = [write_wav(folder / f"{k}.wav", tone(0.5 + 0.3 * k, 300 + 200 * k), 16_000) for k in range(3)]

    def text():
        return " ".join(rng.choices(words, k=rng.randint(0, 12)))

    for _n in range(n):
        language = {"accept-language": rng.choice(["en", "es"])}
        kind = rng.randrange(3)
        if kind == 0:
            yield {
                "json": {"model": "text", "inputs": [text() for _ in range(rng.randint(1, 5))]},
                "headers": language,
            }
        elif kind == 1:
            turns = [
                {"text": text(), "dialogue": rng.choice("ab"), "speaker": rng.choice("xy")} for _ in range(4)
            ]
            yield {"json": {"model": "both", "inputs": turns}, "headers": language}
        else:
            files = {
                "a": ("a.wav", rng.choice(clips).read_bytes()),
                "b": ("b.wav", rng.choice([b"x", clips[0].read_bytes()])),
            }
            yield {"files": files, "data": {"request": '{"model": "both"}'}, "headers": language}


@pytest.mark.parametrize("n", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_concurrent_requests_get_what_serial_ones_get(n, text_model, both_model, tmp_path):
    requests = list(random_requests(n, tmp_path))

    async def run():
        app = create_app({"text": text_model, "both": both_model}, ServerSettings(purpose="research"))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            serial = [(await client.post("/v1/emotions", **one)).json() for one in requests]
            gate = asyncio.Semaphore(48)

            async def post(one):
                async with gate:
                    return (await client.post("/v1/emotions", **one)).json()

            order = random.Random(1).sample(range(n), n)
            concurrent = dict(zip(order, await asyncio.gather(*(post(requests[k]) for k in order)), strict=True))
            metrics = (await client.get("/metrics")).text
        return serial, concurrent, metrics

    serial, concurrent, metrics = asyncio.run(run())
    for k, expected in enumerate(serial):
        for got, one in zip(concurrent[k].pop("predictions"), expected.pop("predictions"), strict=True):
            assert got.pop("probabilities") == pytest.approx(one.pop("probabilities"), abs=1e-6)
            assert got.pop("confidence") == pytest.approx(one.pop("confidence"), abs=1e-6)
            assert got == one
        assert concurrent[k] == expected
    batches = [line for line in metrics.splitlines() if line.startswith("sentir_batch_inputs_count")]
    assert sum(float(line.split()[-1]) for line in batches) < 1.8 * n  # many shared a batch
