"""A number for our own part in the pixels: what we paint around and over what a model makes."""

from __future__ import annotations

RENDERER = 3
"""``environment.renderer`` of every frame.

Raise it with each change after which the same model and the same seed give other pixels (crop, feather, tone, cutout,
placing, light, shadow, threads, reading of the prompt), and say below what changed. Frames without a number are from
before there were any: from versions up to 0.1.

1. As it was when the numbers began (0.2): a smoothstep feather over 0.18 of the sector, tone matched to what lies
   around it; objects placed by PCG64 from the seed, in the light and at the sharpness of their place, with a soft and a
   contact shadow.
2. The crop of a sector at the picture's border ends where the next sector does; where the sides do not divide evenly it
   had reached a pixel or two further (0.3). Objects are composited as before.
3. Of a sector that is repainted (0.4; objects are composited as before): the crop has the aspect of the model's size;
   the mask is whole cells of the latents around the sector; the feather is 0.035 of the sector; drift in tone is taken
   out as a gain and an offset, measured at the model's size; where the model has kept what it saw, what scaling took is
   given back; grain is laid over what is new, as there is around it.
"""
