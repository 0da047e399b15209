"""The code that made the embedded model: data, autoencoder, text encoder, denoiser, and its measures."""
