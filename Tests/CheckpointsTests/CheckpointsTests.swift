import Testing

@Suite("Checkpoints")
struct CheckpointsTests {}
