"""One trial: what is asked for, when it is shown, and why. A pure function of its numbered inputs: no clock is read and
nothing is drawn by chance but from its seed, so a recorded trial can be decided again to the identical outcomes."""
