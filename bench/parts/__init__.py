"""The parts of the engine's bench: each a platform of its own, a question, its figures and its goals.

Invariant: a part knows nothing of another, and ends by itself within the limit that it names.
"""
