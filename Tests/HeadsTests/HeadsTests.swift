import Testing

@Suite("Heads")
struct HeadsTests {}
