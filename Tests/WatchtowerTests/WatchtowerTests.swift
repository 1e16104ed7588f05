import Testing

@Suite("Watchtower")
struct WatchtowerTests {}
