"""Waveforms and media files for tests."""

from pathlib import Path

import numpy as np

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


def tone(seconds, hz=440, sampling_rate=16_000, channels=1):
    """Return a sine at half of full scale, ``(samples,)`` or ``(samples, channels)`` float32."""
    waveform = 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * sampling_rate)) / sampling_rate).astype(
        np.float32
    )
    return waveform if channels == 1 else np.repeat(waveform[:, None], channels, axis=1)


def write_wav(path, waveform, sampling_rate):
    """Write ``(samples,)`` or ``(samples, channels)`` as 16-bit WAV, whatever the suffix; returns the path."""
    import soundfile

    soundfile.write(path, waveform, sampling_rate, format="WAV", subtype="PCM_16")
    return Path(path)


def encode_opus(samples, sampling_rate):
    """Return ``(channels, samples)`` (1 or 2) as the bytes of an Ogg Opus file."""
    import io

    import av

    out, layout = io.BytesIO(), LAYOUTS[len(samples)]
    with av.open(out, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48_000, layout=layout)
        resampler = av.AudioResampler("flt", layout, 48_000)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples, np.float32), format="fltp", layout=layout
        )
        frame.sample_rate, frame.pts = sampling_rate, 0
        for one in (*resampler.resample(frame), *resampler.resample(None), None):
            container.mux(stream.encode(one))
    return out.getvalue()


def write_mp4(
    path, waveform, sampling_rate, *, container="mp4", with_video=False, delay=0.0, gap=None, options=None
):
    """Write ``(samples,)`` or ``(samples, channels)`` (1, 2, 6 or 8) as AAC in an MP4; returns the path.

    Args:
        container: another of FFmpeg's containers for the AAC.
        with_video: add a video track of black frames.
        delay: seconds by which audio begins after the video.
        gap: seconds ``(start, end)`` skipped by the timestamps; the waveform goes on after them.
        options: of the container, such as ``{"movflags": "faststart"}``.
    """
    import av

    waveform = np.asarray(waveform, np.float32).reshape(len(waveform), -1)
    layout = LAYOUTS[waveform.shape[1]]
    with Path(path).open("wb") as file, av.open(file, "w", format=container, options=options or {}) as output:
        video = output.add_stream("mpeg4", rate=10) if with_video else None
        audio = output.add_stream("aac", rate=sampling_rate, layout=layout)
        if video is not None:
            video.width = video.height = 64
            for number in range(round(10 * (delay + len(waveform) / sampling_rate))):
                frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
                frame.pts = number
                output.mux(video.encode(frame))
            output.mux(video.encode(None))
        for start in range(0, len(waveform), 1024):
            block = waveform[start : start + 1024].reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(block, format="flt", layout=layout)
            frame.sample_rate = sampling_rate
            jump = gap[1] - gap[0] if gap and start >= gap[0] * sampling_rate else 0.0
            frame.pts = start + round((delay + jump) * sampling_rate)
            output.mux(audio.encode(frame))
        output.mux(audio.encode(None))
    return Path(path)


def write_encoded(path, waveform, sampling_rate, codec, container, options=None):
    """Write ``(samples,)`` or ``(samples, channels)`` (1, 2 or 6) with any encoder of PyAV; returns the path.

    Args:
        codec, container: their names in FFmpeg.
        options: of the encoder.
    """
    import av

    waveform = np.asarray(waveform, np.float32).reshape(len(waveform), -1)
    experimental = {"strict": "experimental"}
    with Path(path).open("wb") as file, av.open(file, "w", format=container, options=experimental) as output:
        options = experimental | (options or {})
        track = output.add_stream(codec, rate=sampling_rate, layout=LAYOUTS[waveform.shape[1]], options=options)
        output.start_encoding()
        encode_track(output, track, waveform, sampling_rate)
    return Path(path)


def encode_track(output, track, waveform, sampling_rate):
    """Encode ``(samples, channels)`` as one track of an open file, in frames of its encoder's size."""
    import av

    context = track.codec_context
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(waveform).reshape(1, -1), "flt", context.layout.name)
    frame.sample_rate = sampling_rate
    packer = av.AudioResampler(
        context.format.name, context.layout.name, sampling_rate, context.frame_size or 1_024
    )
    for part in (*packer.resample(frame), *packer.resample(None), None):
        output.mux(track.encode(part))


def voice(seconds, sampling_rate=16_000, channels=1):
    """Return syllables of a gliding pitch with harmonics up to 3 kHz; no two moments are alike."""
    rng = np.random.default_rng(0)
    time = np.arange(round(seconds * sampling_rate)) / sampling_rate
    pitch = np.interp(time, np.linspace(0, seconds, 12), rng.uniform(110, 220, 12))
    loudness = np.interp(time, np.linspace(0, seconds, 30), rng.uniform(0.05, 1, 30))
    phase = 2 * np.pi * np.cumsum(pitch) / sampling_rate
    waveform = 0.1 * loudness * sum(np.sin(k * phase) / k for k in range(1, 14))
    return np.repeat(waveform.astype(np.float32)[:, None], channels, axis=1)
