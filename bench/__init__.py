"""The load tests: what a delivery costs here, always beside a frozen yardstick that ran in the same minutes.

Guards one thing: a figure is only worth committing with the machine that it was taken on and the ratio that
survives it.
"""
