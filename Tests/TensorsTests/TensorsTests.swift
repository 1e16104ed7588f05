import Testing

@Suite("Tensors")
struct TensorsTests {}
