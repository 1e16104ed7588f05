import Foundation
import GRDB

/// Bodies of messages as the journal's file has them.
///
/// Most bodies are packed against an earlier body of their kind, their dictionary. A packed body is a mark of one byte,
/// the dictionary's number and the body's length of four bytes each, then deflate's bytes. A body that gains nothing is
/// stored as it was sent; if it begins with the mark, behind such a head with the number 0.
struct StoredBodies {
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

    private let database: Database
    private var dictionaries: [Int64: Data] = [:]
    /// The newest dictionary of each kind, and how many there are.
    private var newest: [String: (id: Int64, count: Int)] = [:]

    init(_ database: Database) throws {
        self.database = database
        for row in try Row.fetchAll(database, sql: "SELECT id, kind, body FROM dictionary ORDER BY id") {
            let (id, kind): (Int64, String) = (row["id"], row["kind"])
            dictionaries[id] = row["body"]
            newest[kind] = (id, (newest[kind]?.count ?? 0) + 1)
        }
    }

    /// A body for the file; a new dictionary is stored, too.
    mutating func pack(_ body: Data, topic: String) throws -> Data {
        guard body.first != Self.mark else { return Self.head(0, body.count) + body }
        guard body.count >= Self.least else { return body }
        let kind = String(topic.prefix { $0 != "." })
        let known = newest[kind]
        let packed = known.flatMap { pack(body, $0.id) }
        if let packed, packed.count <= body.count / Self.share { return packed }
        guard body.count <= Self.longest, known?.count ?? 0 < Self.mostOfKind else { return packed ?? body }
        try database.execute(sql: "INSERT INTO dictionary (kind, body) VALUES (?, ?)", arguments: [kind, body])
        let id = database.lastInsertedRowID
        (dictionaries[id], newest[kind]) = (body, (id, (known?.count ?? 0) + 1))
        return pack(body, id) ?? body
    }

    private func pack(_ body: Data, _ id: Int64) -> Data? {
        guard let dictionary = dictionaries[id], let number = UInt32(exactly: id),
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

    /// The body as it was sent.
    func unpack(_ stored: Data) throws -> Data {
        guard stored.first == Self.mark else { return stored }
        func word(_ place: Int) -> Int {
            stored.dropFirst(place).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        let (number, length, packed) = (word(1), word(5), Data(stored.dropFirst(Self.headBytes)))
        if number == 0, stored.count >= Self.headBytes, packed.count == length { return packed }
        guard stored.count > Self.headBytes, length <= Self.most, let dictionary = dictionaries[Int64(number)],
            let body = Deflate.unpack(packed, to: length, dictionary)
        else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a message cannot be unpacked")
        }
        return body
    }
}
