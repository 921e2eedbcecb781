"""Calls in, gathered in windows, one execution per window, its runs, and what they announce."""
