import Testing

@Suite("Journal")
struct JournalTests {}
