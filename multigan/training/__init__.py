"""The trainer: data on the device, the loop, checkpoints, processes, signals, logs."""
