"""The one door outward: vetted addresses, kept connections, one POST and its report at a time."""
