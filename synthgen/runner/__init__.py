"""The client side of one clip: the only driver of `carla`."""
