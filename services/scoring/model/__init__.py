"""The models, pure: arrays and values in, values out; each function names its paper."""
