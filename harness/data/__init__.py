"""Images, recordings and weights on the disk, verified once; and what is made of images."""
