"""Inspecting a table and drafting a first recipe for it."""
