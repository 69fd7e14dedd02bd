"""Images and recordings from elsewhere, brought into a data folder: every file checked before it becomes data."""
