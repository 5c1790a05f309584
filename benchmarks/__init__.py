"""What `./bench` runs: the engine measured beside the stock module, in one process, in turns."""
