import Testing

@Suite("Matching")
struct MatchingTests {}
