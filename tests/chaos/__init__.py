"""Faults at random under load: `python -m tests.chaos`. The publisher's and the receiver's logs judge, never our tables."""
