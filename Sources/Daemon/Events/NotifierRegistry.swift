import Concurrency
import ControlAPI
import Foundation
import Journal
import Logging
package import Notify
import Publishing
import StreamSources
import SystemSupport
import WatchwordConfiguration
package import WireFormat

/// The daemon's notifiers: those of the configuration, and those of clients, which the journal keeps.
///
/// Changes are made one after the other, so that journal and notifiers agree even with concurrent requests.
package actor NotifierRegistry {
    package nonisolated let hub: NotifyHub
    private let outbox: Outbox
    /// The limits on where notifiers of clients send, and the credentials that they may name.
    private let clients: ClientNotifiers
    private let credentials: [String: CameraCredentials]
    private let logger: Logger
    private let turns = SerialTaskQueue(on: .short)
    /// The configuration's notifiers.
    private var files: [NotifyHub.Prepared] = []
    /// The clients' notifiers that are in force.
    private var kept: [NotifyHub.Prepared] = []
    /// Names of clients' notifiers that the journal has and that cannot be used now; their places are kept.
    private var unused: Set<String> = []
    /// Whether the journal's could not be read yet.
    private var isUnread = false
    /// Reads them again after a pause; nil while nothing is to be read again.
    private var again: Task<Void, Never>?

    /// The time after which what could not be read is read again.
    private static let pause = Duration.seconds(5)
    /// Bytes of a client's description.
    private static let longest = 65_536

    init(_ outbox: Outbox, _ configuration: Configuration, _ logger: Logger) {
        hub = NotifyHub(log: NotifierLog(outbox: outbox), logger: logger)
        (self.outbox, self.logger) = (outbox, logger)
        (clients, credentials) = (configuration.receivers, configuration.credentials)
    }

    // MARK: The configuration's

    /// Starts the configuration's notifiers and those of the journal, or changes them to a new configuration's.
    ///
    /// One of the journal that cannot be used is left out, and logged: what it needs may have been taken away.
    func apply(_ configured: [NotifyHub.Prepared]) async {
        _ = try? await turns.take { [self] in
            await take(configured)
            await run()
        }
    }

    private func take(_ configured: [NotifyHub.Prepared]) async {
        files = configured
        let saved: [(id: String, json: Data)]
        do { saved = try await outbox.saved(.receiver) } catch {
            logger.error("notifiers of clients wait: they cannot be read", metadata: ["reason": "\(error)"])
            isUnread = true
            kept.removeAll { one in
                configured.contains { $0.name == one.name || $0.settings.isAtOneTopic(with: one.settings) }
            }
            if again == nil {
                again = Task { [weak self] in
                    try? await Task.sleep(for: Self.pause)
                    await self?.readAgain()
                }
            }
            return
        }
        let before = unused
        (kept, unused, isUnread) = ([], [], false)
        for (name, json) in saved {
            do {
                kept.append(try prepared(JSONText.parse(json)))
            } catch {
                unused.insert(name)
                guard !before.contains(name) else { continue }
                logger.error(
                    "a saved notifier is left out", metadata: ["notifier": "\(name)", "reason": "\(error)"])
            }
        }
    }

    private func readAgain() async {
        again = nil
        guard isUnread else { return }
        _ = try? await turns.take { [self] in
            await take(files)
            await run()
        }
    }

    private func run() async { await hub.apply(files + kept, keeping: isUnread ? nil : unused) }

    // MARK: The clients'

    /// Reads what a client describes; throws if it may not be, or cannot be, beside those that there are.
    private func prepared(_ json: JSONValue) throws -> NotifyHub.Prepared {
        let settings = try clients.read(json, credentials: credentials)
        if files.contains(where: { $0.name == settings.name }) {
            throw NotifyError("the configuration has a notifier \"\(settings.name)\"; choose another name")
        }
        let others = (files + kept).filter { $0.name != settings.name }
        guard others.count < NotifierSettings.most else {
            throw NotifyError("there are \(others.count) notifiers, and no more are taken; remove one")
        }
        if let other = others.first(where: { $0.settings.isAtOneTopic(with: settings) }) {
            throw NotifyError(
                "notifier \"\(other.name)\" has the topic \"\(settings.topic)\" at this broker; give each its own")
        }
        guard let prepared = try NotifyHub.prepare([settings]).first else { throw NotifyError("nothing to prepare") }
        if let refusal = prepared.refusal { throw NotifyError(refusal) }
        return prepared
    }

    /// Adds a client's notifier, or replaces the client's of its name, which goes on at its place in the journal.
    package func add(_ json: JSONValue) async throws -> Change {
        let data = try WireCoding.encode(json)
        guard data.count <= Self.longest else {
            throw ControlFailure(.refused, "it has \(data.count) bytes; at most \(Self.longest) are taken")
        }
        return try await turns.take { [self] in try await add(json, data) }
    }

    /// The result of adding a notifier.
    package enum Change: String, Sendable { case added, replaced, unchanged }

    /// Throws while it is not known which there are.
    private func checkRead() throws(ControlFailure) {
        guard isUnread else { return }
        throw ControlFailure(.unavailable, "notifiers of clients cannot be read yet; they are read again, try later")
    }

    private func add(_ json: JSONValue, _ data: Data) async throws -> Change {
        try checkRead()
        let new: NotifyHub.Prepared
        do { new = try prepared(json) } catch let error as ConfigurationError {
            throw ControlFailure(.badArgument, "\(error)")
        }
        let old = kept.first { $0.name == new.name }
        if let old, old.isLike(new) { return .unchanged }
        try await outbox.save(.receiver, id: new.name, json: data)
        let wasKept = old != nil || unused.remove(new.name) != nil
        kept.removeAll { $0.name == new.name }
        kept.append(new)
        await run()
        return wasKept ? .replaced : .added
    }

    /// Removes a client's notifier and its place; returns false if there is none.
    package func remove(_ name: String) async throws -> Bool {
        try await turns.take { [self] in try await drop(name) }
    }

    private func drop(_ name: String) async throws -> Bool {
        try checkRead()
        let isKept = kept.contains { $0.name == name } || unused.contains(name)
        guard isKept else {
            guard files.contains(where: { $0.name == name }) else { return false }
            throw ControlFailure(.refused, "notifier \"\(name)\" is of the configuration: remove it there, and reload")
        }
        try await outbox.release(.receiver, id: name)
        kept.removeAll { $0.name == name }
        unused.remove(name)
        await run()
        return true
    }
}
