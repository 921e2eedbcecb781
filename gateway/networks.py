"""Networks as settings name them: CIDRs in a comma-separated list."""

from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network


def parse_networks(text: str) -> tuple[Network, ...]:
    """The networks of a list. ValueError names each entry that is none."""
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    wrong = [entry for entry in entries if _network(entry) is None]
    if wrong:
        raise ValueError(f"must be networks such as 10.0.0.0/8, separated by commas, not {', '.join(wrong)}")
    return tuple(network for network in map(_network, entries) if network is not None)


def _network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
