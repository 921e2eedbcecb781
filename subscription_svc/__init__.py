"""Who wants what, where, signed how; accounts and the tokens that speak for them."""
