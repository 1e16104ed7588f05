import Testing

@Suite("Messaging")
struct MessagingTests {}
