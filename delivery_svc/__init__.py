"""An event in, signed POSTs out, every attempt remembered."""
