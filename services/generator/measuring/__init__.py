"""How large a change is: in pixels, in colour, in edges, in saliency, and how hard it should be to see."""
