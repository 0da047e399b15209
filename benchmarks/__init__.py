"""Every published figure, one module each: ``make bench`` runs them all, ``python -m benchmarks NAME`` one.

Machines differ and are noisy, so a figure is a ratio of two things measured in one run, alternating, or a count.
"""
