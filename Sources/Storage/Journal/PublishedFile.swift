import Foundation
import Synchronization

/// A small file beside the journal with the number of the last published message: `journal.sqlite-last`.
///
/// It is overwritten in place, which works on a full disk. It reveals a journal that is older than what was published:
/// one that was restored, copied, or lost its newest messages on a full disk.
final class PublishedFile: Sendable {
    struct Content: Equatable, Sendable {
        /// The number of the newest message that was published.
        var published: Int64
        /// The number of the newest message that was stored in the journal.
        var stored: Int64
        /// The journal's identity; nil in a file of an older version, which has only `published`.
        var identity: String?
        /// The inode number and creation time of the journal's file (`JournalLock.birth`), which reveal a copy.
        var birth: String = ""
    }

    enum Found: Equatable {
        case missing
        case read(Content)
        /// The file is not one that a daemon wrote, for this reason.
        case wrong(String)
    }

    private static let size = 160
    private let path: String
    private let content: Mutex<Content>

    /// Writes the file with this content, creating it if needed; a failure, as on a full disk, is ignored.
    init(path: String, _ content: Content) {
        self.path = path
        self.content = Mutex(content)
        write(content, flags: O_WRONLY | O_CREAT, sync: true)
    }

    // MARK: Reading

    static func read(_ path: String) -> Found {
        // The file may be anything: opening a FIFO must not wait, and no more is read than a daemon ever wrote.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else {
            return errno == ENOENT ? .missing : .wrong(String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return .wrong("expected a file, found something else")
        }
        guard status.st_size <= size else { return .wrong("expected \(size) bytes, found \(status.st_size)") }
        var bytes = [UInt8](repeating: 0, count: size)
        let count = Foundation.read(descriptor, &bytes, size)
        guard count >= 0 else { return .wrong(String(cString: strerror(errno))) }
        return parse(bytes.prefix(count))
    }

    private static func parse(_ bytes: ArraySlice<UInt8>) -> Found {
        guard bytes.allSatisfy({ (0x20..<0x7F).contains($0) || $0 == 0x0A }) else {
            return .wrong("expected a number, found other bytes")
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
            $0.trimmingCharacters(in: .whitespaces)
        }.filter { !$0.isEmpty }
        guard let first = lines.first, let published = number(first) else {
            return .wrong("expected a number, found \(lines.first.map { "\"\($0.prefix(40))\"" } ?? "nothing")")
        }
        if lines.count == 1 { return .read(Content(published: published, stored: 0)) }
        guard lines.count == 4, let stored = number(lines[1]), stored <= published else {
            return .wrong("expected two numbers, a journal and its file")
        }
        return .read(Content(published: published, stored: stored, identity: lines[2], birth: lines[3]))
    }

    private static func number(_ text: String) -> Int64? {
        guard (1...19).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int64(text), number <= Numbers.mostAtStart
        else { return nil }
        return number
    }

    /// Renames a file whose content is invalid, never over an existing one; returns the new path.
    static func putAside(_ path: String) throws -> String {
        let aside = "\(path).bad-\(FileNames.moment())"
        try FileManager.default.moveItem(atPath: path, toPath: aside)
        return aside
    }

    // MARK: Writing

    /// Records that all messages up to this number are stored in the journal.
    ///
    /// It is not synced: a crash of the machine may leave an older number in the file, which is harmless.
    func stored(_ number: Int64) {
        content.withLock { content in
            content.stored = number
            content.published = max(content.published, number)
            write(content, flags: O_WRONLY, sync: false)
        }
    }

    /// Records that all messages up to this number are published, even if they are not stored; synced to the disk.
    func published(_ number: Int64) {
        content.withLock { content in
            content.published = max(content.published, number)
            write(content, flags: O_WRONLY, sync: true)
        }
    }

    private func write(_ content: Content, flags: Int32, sync: Bool) {
        let descriptor = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let lines = [
            Self.digits(content.published), Self.digits(content.stored), content.identity ?? "", content.birth,
        ]
        var bytes = Array(lines.joined(separator: "\n").utf8.prefix(Self.size - 1))
        bytes += [UInt8](repeating: 0x20, count: Self.size - 1 - bytes.count) + [0x0A]
        guard pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else { return }
        if sync { fdatasync(descriptor) }
    }

    private static func digits(_ number: Int64) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, 19 - digits.count)) + digits
    }
}

/// The limits on message numbers: the integers that JSON represents exactly, up to 2^53.
///
/// A daemon with a thousand messages a second reaches the last one in 285,000 years.
enum Numbers {
    static let most: Int64 = 1 << 53
    /// The greatest message number that is accepted when a journal is opened; half of all numbers are then left.
    static let mostAtStart: Int64 = 1 << 52
    /// The greatest plausible count of messages that were published but are not in the journal.
    ///
    /// A small file beside the journal (`-last`) that states more is invalid.
    static let mostUnknown: Int64 = 1_000_000_000
}

enum FileNames {
    /// Returns the current time as a suffix for the names of files that are moved aside.
    static func moment() -> String {
        let style = Date.ISO8601FormatStyle().year().month().day().time(includingFractionalSeconds: true)
            .dateSeparator(.omitted).timeSeparator(.omitted)
        return Date().formatted(style)
    }
}
