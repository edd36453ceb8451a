"""The trainer: players, stages, data on the device, the loop, the display, processes."""
