package import Foundation
package import Journal
package import Logging
package import Messaging

/// The one way out: a message is numbered and committed by the journal, then published.
///
/// Runs on an executor of its own, since a commit waits for the disk.
package actor Outbox {
    private let executor = QueueExecutor(label: "watchword.outbox")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let journal: Journal
    private let publisher: Publisher?
    private let logger: Logger
    private(set) package var published = 0

    package init(journal: Journal, publisher: Publisher?, logger: Logger) {
        self.journal = journal
        self.publisher = publisher
        self.logger = logger
    }

    package func send(_ messages: [PendingMessage]) {
        guard !messages.isEmpty else { return }
        do {
            for entry in try journal.append(messages) {
                publisher?.publish(topic: entry.topic, seq: entry.seq, body: entry.body)
                published += 1
            }
        } catch {
            logger.error(
                "messages could not be journaled", metadata: ["error": "\(error)", "count": "\(messages.count)"])
        }
    }

    package func entries(since: Int64, limit: Int, topicPrefix: String?) throws -> [Entry] {
        try journal.entries(since: since, limit: limit, topicPrefix: topicPrefix)
    }

    // What is kept besides messages; here, because these wait for the disk too.

    package func save(_ kind: Journal.Kind, id: String, json: Data) throws {
        try journal.save(kind, id: id, json: json)
    }
    package func forget(_ kind: Journal.Kind, id: String) throws { try journal.remove(kind, id: id) }
    package func saved(_ kind: Journal.Kind) throws -> [(id: String, json: Data)] { try journal.saved(kind) }

    package func lastSeq() throws -> Int64 { try journal.lastSeq() }
}
