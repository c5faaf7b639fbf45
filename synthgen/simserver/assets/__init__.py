"""Meshes of vehicles, walkers, props, trees and buildings."""
