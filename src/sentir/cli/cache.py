"""The commands ``sentir cache …``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from sentir.caches import CacheInfo, PrunedCache, list_caches, prune_caches
from sentir.cli import output
from sentir.cli.options import JsonOption
from sentir.cli.usage_errors import CommandGroup
from sentir.documents import TableBlock
from sentir.i18n import _, format_bytes, format_count

_GB = 10**9

cache = typer.Typer(
    cls=CommandGroup,
    help=_("Show what Sentir keeps on this disk, and prune it. It is made again when it is needed."),
    epilog=_("Example: sentir cache prune --older-than 30"),
    no_args_is_help=True,
    rich_markup_mode=None,
)

OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", help=_("A cache by its name; can be repeated. Default: all.")),
]


@cache.command(
    "ls",
    help=_("List the caches with their sizes."),
    epilog=_("Example: sentir cache ls"),
)
def ls(only: OnlyOption = None, json: JsonOption = False) -> None:
    caches = list_caches(only or ())
    if json:
        output.print_json([_to_row(one) for one in caches])
        return
    rows = [
        (one.name, one.description, format_count(len(one.entries)), format_bytes(one.size), _last_used(one))
        for one in caches
    ]
    headings = (_("cache"), _("content"), _("entries"), _("size"), _("last used"))
    output.print_table(TableBlock(headings, rows, numeric=(2, 3)))
    for folder in dict.fromkeys(one.folder.parent for one in caches):
        output.print_line(str(folder))


@cache.command(
    "prune",
    help=_(
        "Remove what was not used for long. With --max-gb: the least recently used, until the rest is small "
        "enough. Caches that another process is using are left alone; downloaded corpora are removed only with "
        "--only corpora."
    ),
    epilog=_("Example: sentir cache prune --older-than 30 --max-gb 20"),
)
def prune(
    only: OnlyOption = None,
    older_than: Annotated[
        float | None, typer.Option("--older-than", min=0, help=_("Remove what was not used for so many days."))
    ] = None,
    max_gb: Annotated[
        float | None, typer.Option("--max-gb", min=0, help=_("Keep at most so many GB in all."))
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_("Remove nothing; say what would be."))] = False,
    json: JsonOption = False,
) -> None:
    pruned = prune_caches(
        only=only or (),
        older_than_days=older_than,
        max_bytes=None if max_gb is None else max_gb * _GB,
        dry_run=dry_run,
    )
    if json:
        output.print_json([
            {"cache": one.name, "entries": len(one.removed), "bytes": one.size}
            | ({"problem": one.problem} if one.problem else {})
            for one in pruned
        ])  # fmt: skip
    else:
        _print_pruned([one for one in pruned if one.removed or one.problem], dry_run)
    if any(one.problem for one in pruned):
        raise typer.Exit(1)


@cache.command(
    "compact",
    help=_(
        "Join the small parts of the audio store. Large ones are opened sooner: worth it once there are "
        "thousands, as 'sentir cache ls' shows."
    ),
    epilog=_("Example: sentir cache compact"),
)
def compact(json: JsonOption = False) -> None:
    from sentir.audio.store_compaction import compact_audio_store

    done = compact_audio_store()
    if json:
        output.print_json({"parts_before": done.before, "parts_after": done.after})
        return
    output.print_line(
        _("Parts of the audio store: {before} before, {after} now.",
          before=format_count(done.before), after=format_count(done.after))
    )  # fmt: skip


def _print_pruned(pruned: list[PrunedCache], dry_run: bool) -> None:
    for one in pruned:
        n, size = format_count(len(one.removed)), format_bytes(one.size)
        if one.problem:
            output.print_line(one.problem)
        elif dry_run:
            output.print_line(_("{cache}: {n} entries would be removed, {size}", cache=one.name, n=n, size=size))
        else:
            output.print_line(_("{cache}: {n} entries removed, {size}", cache=one.name, n=n, size=size))
    if not pruned:
        output.print_line(_("There is nothing to prune."))


def _to_row(one: CacheInfo) -> dict[str, Any]:
    return {
        "cache": one.name,
        "folder": str(one.folder),
        "entries": len(one.entries),
        "bytes": one.size,
        "last_used": None if not one.entries else _moment(one).astimezone().isoformat("T", "seconds"),
    }


def _last_used(one: CacheInfo) -> str:
    return _moment(one).date().isoformat() if one.entries else ""


def _moment(one: CacheInfo) -> datetime:
    return datetime.fromtimestamp(max(entry.last_used for entry in one.entries))
