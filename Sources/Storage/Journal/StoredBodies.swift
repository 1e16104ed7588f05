import Foundation
import GRDB

/// Bodies of messages as the journal's file has them.
///
/// Most are packed against an earlier body of their kind: a mark, the number of that dictionary, and the length, four
/// bytes each of the latter, then deflate's bytes. Those that gain nothing are stored as they were sent.
struct StoredBodies {
    private static let mark: UInt8 = 1
    private static let head = 9
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
        guard body.count >= Self.least, body.first != Self.mark else { return body }
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
            let length = UInt32(exactly: body.count), let packed = Deflate.pack(body, dictionary)
        else { return nil }
        var stored = Data([Self.mark])
        for word in [number, length] { withUnsafeBytes(of: word.littleEndian) { stored.append(contentsOf: $0) } }
        return stored.count + packed.count < body.count ? stored + packed : nil
    }

    /// The body as it was sent.
    func unpack(_ stored: Data) throws -> Data {
        guard stored.first == Self.mark else { return stored }
        func word(_ place: Int) -> Int {
            stored.dropFirst(place).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        let length = word(5)
        guard stored.count > Self.head, length <= Self.most, let dictionary = dictionaries[Int64(word(1))],
            let body = Deflate.unpack(stored.dropFirst(Self.head), to: length, dictionary)
        else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a message cannot be unpacked")
        }
        return body
    }
}
