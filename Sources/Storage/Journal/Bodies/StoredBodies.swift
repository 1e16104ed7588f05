import Foundation
import GRDB

/// Compresses the bodies of messages for the journal's file, and decompresses them.
///
/// Most bodies are compressed with a dictionary: an earlier body of a message of the same kind. A compressed body has:
/// - 1 byte, the mark;
/// - 4 bytes, the number of its dictionary;
/// - 4 bytes, its length before compression;
/// - the rest, the output of deflate.
///
/// A body that would not shrink is stored as it is. A body that begins with the mark by chance is not compressed: it
/// gets the same 9-byte header, with dictionary 0.
final class StoredBodies {
    private static let mark: UInt8 = 1
    private static let headBytes = 9
    /// A message's body that compresses to more than 1/`share` of its size becomes a dictionary for later bodies.
    ///
    /// Each kind of message has at most `mostOfKind` dictionaries.
    private static let share = 3
    private static let mostOfKind = 16
    /// Message bodies shorter than `least` bytes are not compressed; those above `longest` do not become dictionaries.
    private static let least = 128
    private static let longest = 2048
    /// The greatest size of a body in bytes; a stored length above it means damage.
    private static let most = 64 << 20

    private let database: Database
    /// The compression dictionaries that were read so far, by number; a nil value: the journal has no such dictionary.
    private var dictionaries: [Int64: Data?] = [:]
    /// The newest compression dictionary of each kind of message, and the number of the kind's dictionaries.
    ///
    /// A nil value: the kind has none.
    private var newest: [String: (id: Int64, count: Int)?] = [:]

    init(_ database: Database) { self.database = database }

    private func dictionary(_ id: Int64) throws -> Data? {
        if let known = dictionaries[id] { return known }
        let statement = try database.cachedStatement(sql: "SELECT body FROM dictionary WHERE id = ?")
        let found = try Data.fetchOne(statement, arguments: [id])
        dictionaries[id] = .some(found)
        return found
    }

    private func newest(of kind: String) throws -> (id: Int64, count: Int)? {
        if let known = newest[kind] { return known }
        let statement = try database.cachedStatement(
            sql: "SELECT max(id) AS id, count(*) AS number FROM dictionary WHERE kind = ?")
        let found = try Row.fetchOne(statement, arguments: [kind]).flatMap { row in
            (row["id"] as Int64?).map { (id: $0, count: row["number"] as Int) }
        }
        newest[kind] = .some(found)
        return found
    }

    /// Returns a message's body in the form in which it is stored; may store it as a new dictionary as well.
    ///
    /// The part of `topic` before its first dot is the message's kind.
    func pack(_ body: Data, topic: String) throws -> Data {
        guard body.first != Self.mark else { return Self.head(0, body.count) + body }
        guard body.count >= Self.least else { return body }
        let kind = String(topic.prefix { $0 != "." })
        let known = try newest(of: kind)
        let packed = try known.flatMap { try pack(body, $0.id) }
        if let packed, packed.count <= body.count / Self.share { return packed }
        guard body.count <= Self.longest, known?.count ?? 0 < Self.mostOfKind else { return packed ?? body }
        try database.execute(sql: "INSERT INTO dictionary (kind, body) VALUES (?, ?)", arguments: [kind, body])
        let id = database.lastInsertedRowID
        (dictionaries[id], newest[kind]) = (body, (id, (known?.count ?? 0) + 1))
        return try pack(body, id) ?? body
    }

    private func pack(_ body: Data, _ id: Int64) throws -> Data? {
        guard let dictionary = try dictionary(id), let number = UInt32(exactly: id),
            let packed = Deflate.pack(body, dictionary), Self.headBytes + packed.count < body.count
        else { return nil }
        return Self.head(number, body.count) + packed
    }

    private static func head(_ dictionary: UInt32, _ length: Int) -> Data {
        var head = Data([mark])
        for word in [dictionary, UInt32(truncatingIfNeeded: length)] {
            withUnsafeBytes(of: word.littleEndian) { head.append(contentsOf: $0) }
        }
        return head
    }

    /// Returns the original body of a stored one; nil if its row, or that of its dictionary, is damaged.
    func unpack(_ stored: Data) throws -> Data? {
        guard stored.first == Self.mark else { return stored }
        func word(_ place: Int) -> Int {
            stored.dropFirst(place).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        let (number, length, packed) = (word(1), word(5), Data(stored.dropFirst(Self.headBytes)))
        if number == 0, stored.count >= Self.headBytes, packed.count == length { return packed }
        guard stored.count > Self.headBytes, length <= Self.most, let dictionary = try dictionary(Int64(number))
        else { return nil }
        return Deflate.unpack(packed, to: length, dictionary)
    }
}
