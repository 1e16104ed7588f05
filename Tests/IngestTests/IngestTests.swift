import Testing

@Suite("Ingest")
struct IngestTests {}
