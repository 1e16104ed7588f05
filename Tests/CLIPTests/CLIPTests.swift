import Testing

@Suite("CLIP")
struct CLIPTests {}
