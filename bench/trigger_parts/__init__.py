"""The parts of the triggers' bench, each a question of its own."""
