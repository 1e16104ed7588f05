package import Foundation
package import Logging
import Printing
import Synchronization
package import WatchwordConfiguration
import WireFormat

/// Writes log events to a file descriptor, each as one line, whatever its message and values contain.
///
/// As text, a line is `2026-01-31T12:00:00Z warning the message key=value`. For systemd's journal it is `<4>the message
/// key=value`, since the journal adds the time and reads the priority from the number. As JSON, a line is an object.
package final class LogLines: Sendable {
    private let output: LogOutput
    private let isJournal: Bool
    private let current: Mutex<LogSettings>
    private let now: @Sendable () -> Date

    /// Makes a writer for a file descriptor; `journal` tells whether that is systemd's journal.
    ///
    /// If `journal` is nil, the environment variable `JOURNAL_STREAM` decides.
    package init(
        _ settings: LogSettings, descriptor: Int32 = STDERR_FILENO, journal: Bool? = nil,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        output = LogOutput(descriptor: descriptor)
        isJournal = journal ?? Self.isJournal(descriptor)
        current = Mutex(settings)
        self.now = now
    }

    /// The format and level of log lines; a change also applies to loggers in use.
    package var settings: LogSettings {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }

    package func logger(_ label: String) -> Logger { Logger(label: label) { _ in Handler(lines: self) } }

    /// Returns whether a descriptor is systemd's journal, according to the environment variable `JOURNAL_STREAM`.
    package static func isJournal(
        _ descriptor: Int32, named: String? = ProcessInfo.processInfo.environment["JOURNAL_STREAM"]
    ) -> Bool {
        var found = stat()
        guard let named, fstat(descriptor, &found) == 0 else { return false }
        return named == "\(found.st_dev):\(found.st_ino)"
    }

    package func write(_ level: Logger.Level, _ message: String, _ values: Logger.Metadata = [:]) {
        output.write(bytes(level, message, values)) { lost in
            bytes(.warning, "log lines were lost: they could not be written", ["lines": "\(lost)"])
        }
    }

    private func bytes(_ level: Logger.Level, _ message: String, _ values: Logger.Metadata) -> [UInt8] {
        Array(((isJournal ? "<\(Self.priority(level))>" : "") + line(level, message, values) + "\n").utf8)
    }

    private func line(_ level: Logger.Level, _ message: String, _ values: Logger.Metadata) -> String {
        let pairs = values.sorted { $0.key < $1.key }
        let time = now().formatted(.iso8601)
        switch settings.format {
        case .text:
            let words = pairs.map { " \(ControlCharacters.escaped($0.key))=\(Self.quoted("\($0.value)"))" }.joined()
            return (isJournal ? "" : "\(time) \(level.rawValue) ") + ControlCharacters.escaped(message) + words
        case .json:
            var object: [String: JSONValue] = [
                "level": .string(level.rawValue), "message": .string(message), "at": .string(time),
            ]
            for (key, value) in pairs where object[key] == nil { object[key] = .string("\(value)") }
            return (try? WireCoding.encode(JSONValue.object(object)))
                .map { String(decoding: ControlCharacters.escaped(json: $0), as: UTF8.self) } ?? ""
        }
    }

    /// Returns the syslog(3) priority of a log level.
    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    /// Puts a value in quotes unless it is a plain word, so that its content cannot look like another key.
    private static func quoted(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.unicodeScalars.allSatisfy { !" \"=\\".unicodeScalars.contains($0) }
        guard !isPlain else { return ControlCharacters.escaped(text) }
        let inner = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return "\"\(ControlCharacters.escaped(inner))\""
    }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        /// The level that was set on this logger; nil if the common level in `LogLines.settings` applies.
        var own: Logger.Level?

        var logLevel: Logger.Level {
            get { own ?? lines.settings.level }
            set { own = newValue }
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            var values = metadata.merging(event.metadata ?? [:]) { $1 }
            if let error = event.error { values["error"] = "\(error)" }
            lines.write(event.level, event.message.description, values)
        }
    }
}
