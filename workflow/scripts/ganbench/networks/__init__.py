"""Generators and discriminators, one file per architecture.

A generator maps latents `(batch, latent)` to samples `(batch, *shape)`: images in [-1, 1], or
points. A discriminator maps samples to logits `(batch,)`. Without batch normalisation it treats
each sample on its own, so real and fake samples can share one forward pass.

With batch normalisation, real and fake batches take separate passes, each normalised by its own
moments (Radford et al. 2016). The running moments follow every batch, including that of the
generator's update; the evaluation uses them.
"""
