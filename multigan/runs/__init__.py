"""What a training leaves on the disk: its folder, checkpoints and journal; and what interrupts
it."""
