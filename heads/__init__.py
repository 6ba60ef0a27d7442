"""Small modules that read a backbone's features: depth in metres, rays and the camera, labels."""
