import Testing

@Suite("Pixels")
struct PixelsTests {}
