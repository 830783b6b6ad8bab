"""Checks that nothing is lost and nothing is let in: kills, faults, long runs, hostile inputs.

``make faults`` runs them all and writes a table of counts. A sample of each is run by the slow tests.
"""
