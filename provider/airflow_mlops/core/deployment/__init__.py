"""Deployment of model servers: images, roll-outs, the proxy."""
