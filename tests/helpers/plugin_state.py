"""Plug-ins that are unloaded at the end of a test."""

from sentir import plugins


def unload_all():
    """Undo what all plug-ins registered, as in a new process."""
    for load in plugins._loads.values():
        load.undo()
    plugins._loads.clear()
    plugins._are_entry_points_loaded = False
