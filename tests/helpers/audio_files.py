"""Sounds and media files for tests."""

from pathlib import Path

import numpy as np

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


def tone(seconds, hz=440, rate=16_000, channels=1):
    """Return a sine at half of full scale, ``(samples,)`` or ``(samples, channels)`` float32."""
    wave = 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate).astype(np.float32)
    return wave if channels == 1 else np.repeat(wave[:, None], channels, axis=1)


def write_wav(path, wave, rate):
    """Write ``(samples,)`` or ``(samples, channels)`` as 16-bit WAV, whatever the name says; returns the path."""
    import soundfile

    soundfile.write(path, wave, rate, format="WAV", subtype="PCM_16")
    return Path(path)


def write_mp4(path, wave, rate, *, container="mp4", picture=False, late=0.0, hole=None, options=None):
    """Write ``(samples,)`` or ``(samples, channels)`` (1, 2, 6 or 8) as AAC in an MP4; returns the path.

    Args:
        container: another of FFmpeg's containers for the AAC.
        picture: add a video track of black frames.
        late: seconds by which sound begins after the picture.
        hole: seconds ``(start, end)`` in which the timestamps jump; the wave goes on after it.
        options: of the container, such as ``{"movflags": "faststart"}``.
    """
    import av

    wave = np.asarray(wave, np.float32).reshape(len(wave), -1)
    layout = LAYOUTS[wave.shape[1]]
    with Path(path).open("wb") as file, av.open(file, "w", format=container, options=options or {}) as output:
        video = output.add_stream("mpeg4", rate=10) if picture else None
        audio = output.add_stream("aac", rate=rate, layout=layout)
        if video is not None:
            video.width = video.height = 64
            for number in range(round(10 * (late + len(wave) / rate))):
                frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
                frame.pts = number
                output.mux(video.encode(frame))
            output.mux(video.encode(None))
        for start in range(0, len(wave), 1024):
            piece = wave[start : start + 1024].reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(piece, format="flt", layout=layout)
            frame.sample_rate = rate
            jump = hole[1] - hole[0] if hole and start >= hole[0] * rate else 0.0
            frame.pts = start + round((late + jump) * rate)
            output.mux(audio.encode(frame))
        output.mux(audio.encode(None))
    return Path(path)


def write_coded(path, wave, rate, codec, container, options=None):
    """Write ``(samples,)`` or ``(samples, channels)`` (1, 2 or 6) by any of PyAV's encoders; returns the path.

    Args:
        codec, container: as FFmpeg calls them.
        options: of the encoder.
    """
    import av

    wave = np.asarray(wave, np.float32).reshape(len(wave), -1)
    how = {"strict": "experimental"}
    with Path(path).open("wb") as file, av.open(file, "w", format=container, options=how) as output:
        wanted = {"strict": "experimental"} | (options or {})
        track = output.add_stream(codec, rate=rate, layout=LAYOUTS[wave.shape[1]], options=wanted)
        output.start_encoding()
        pack(output, track, wave, rate)
    return Path(path)


def pack(output, track, wave, rate):
    """Encode ``(samples, channels)`` as one track of an open file, in frames as its encoder wants them."""
    import av

    context = track.codec_context
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave).reshape(1, -1), "flt", context.layout.name)
    frame.sample_rate = rate
    packer = av.AudioResampler(context.format.name, context.layout.name, rate, context.frame_size or 1_024)
    for part in (*packer.resample(frame), *packer.resample(None), None):
        output.mux(track.encode(part))


def voice(seconds, rate=16_000, channels=1):
    """Return syllables of a gliding pitch up to 3 kHz, of which no moment is like another."""
    draw = np.random.default_rng(0)
    time = np.arange(round(seconds * rate)) / rate
    pitch = np.interp(time, np.linspace(0, seconds, 12), draw.uniform(110, 220, 12))
    loudness = np.interp(time, np.linspace(0, seconds, 30), draw.uniform(0.05, 1, 30))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    wave = 0.1 * loudness * sum(np.sin(k * phase) / k for k in range(1, 14))
    return np.repeat(wave.astype(np.float32)[:, None], channels, axis=1)
