// Filled later.
_ = 0
