"""Which recordings can be decoded."""

from __future__ import annotations

from collections.abc import Iterator

from sentir.doctor.finding import Finding
from sentir.i18n import _

_CODECS = ("pcm_s16le", "flac", "mp3", "aac", "vorbis", "opus", "alac", "ac3", "wmav2", "amrnb", "amrwb", "h264")


def check_codecs() -> Iterator[Finding]:
    """The decoders of PyAV's FFmpeg that usual recordings need."""
    import av
    import soundfile

    missing = [name for name in _CODECS if name not in av.codecs_available]
    libraries = f"PyAV {av.__version__}, libsndfile {soundfile.__libsndfile_version__}"
    if missing:
        yield Finding(
            "codecs", "warning",
            _("{libraries}; no decoder for {names}", libraries=libraries, names=", ".join(missing)),
            _("Install PyAV from PyPI, whose FFmpeg is complete: pip install --force-reinstall av"),
        )  # fmt: skip
    else:
        yield Finding("codecs", "ok", _("{libraries}; all usual formats", libraries=libraries))
