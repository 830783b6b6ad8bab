"""Engines: what runs the work on shards, local processes or a Ray cluster, to the same bytes.

References travel, audio does not: a shard names files and rows, its work reads and writes them where it runs, and
only receipts come back. See ``docs/decisions/scaling.md``.
"""
