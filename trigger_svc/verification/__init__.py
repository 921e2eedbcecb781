"""How calls prove whom they are from: a room per sender's way, all behind verify.verify. Pure: no clock, no database."""
