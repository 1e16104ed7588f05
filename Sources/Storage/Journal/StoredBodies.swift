import Foundation
import GRDB

/// Bodies of messages as the journal's file has them.
///
/// Most bodies are packed against an earlier body of their kind, their dictionary. A packed body is a mark of one byte,
/// the dictionary's number and the body's length of four bytes each, then deflate's bytes. A body that gains nothing is
/// stored as it was sent; if it begins with the mark, behind such a head with the number 0.
final class StoredBodies {
    private static let mark: UInt8 = 1
    private static let headBytes = 9
    /// A body that is packed to more than this share of it becomes the next dictionary of its kind, up to a number.
    private static let share = 3
    private static let mostOfKind = 16
    /// Shorter ones are not worth it, and longer ones no dictionary.
    private static let least = 128
    private static let longest = 2048
    /// No message has so many bytes.
    private static let most = 64 << 20

    /// A body that cannot be unpacked: its row, or its dictionary, is damaged.
    struct Unreadable: Error {}

    private let database: Database
    /// The dictionaries that were asked for; nil where there is none of that number.
    private var dictionaries: [Int64: Data?] = [:]
    /// The newest dictionary of each kind that was asked for, and the number of dictionaries; nil if there is none.
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

    /// A body for the file; a new dictionary is stored, too.
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

    /// The body as it was sent; throws `Unreadable` if the row is damaged.
    func unpack(_ stored: Data) throws -> Data {
        guard stored.first == Self.mark else { return stored }
        func word(_ place: Int) -> Int {
            stored.dropFirst(place).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        let (number, length, packed) = (word(1), word(5), Data(stored.dropFirst(Self.headBytes)))
        if number == 0, stored.count >= Self.headBytes, packed.count == length { return packed }
        guard stored.count > Self.headBytes, length <= Self.most, let dictionary = try dictionary(Int64(number)),
            let body = Deflate.unpack(packed, to: length, dictionary)
        else {
            throw Unreadable()
        }
        return body
    }
}
