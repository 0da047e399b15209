"""What a prompt asks of a model with a closed vocabulary, word by word. Pure: no torch, no image, no file."""
