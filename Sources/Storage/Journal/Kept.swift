package import Foundation
import GRDB

/// Saves queries, streams, the states of learnt thresholds (calibrations), and embeddings in the journal's database.
///
/// Each call is one transaction.
extension Journal {
    /// The kinds of saved definitions, by the names of their tables; a receiver is a notifier that a client added.
    package enum Kind: String, Sendable { case query, stream, fleet, receiver }

    package func save(_ kind: Kind, id: String, json: Data) throws(JournalError) {
        try save(kind, [(id, json)])
    }

    package func save(_ kind: Kind, _ values: [(id: String, json: Data)]) throws(JournalError) {
        try doing("\(Self.what(kind, values.map(\.id))) cannot be written") {
            try database.write { database in
                let statement = try database.cachedStatement(
                    sql: "INSERT OR REPLACE INTO \(kind.rawValue) (id, json) VALUES (?, ?)")
                for (id, json) in values { try statement.execute(arguments: [id, json]) }
            }
        }
    }

    package func remove(_ kind: Kind, id: String) throws(JournalError) { try remove(kind, [id]) }

    /// Removes saved queries or streams by id, and the calibrations of learnt thresholds that belong to them.
    package func remove(_ kind: Kind, _ ids: [String]) throws(JournalError) {
        try doing("\(Self.what(kind, ids)) cannot be removed") {
            try database.write { database in
                let entry = try database.cachedStatement(sql: "DELETE FROM \(kind.rawValue) WHERE id = ?")
                let learnt = try database.cachedStatement(sql: "DELETE FROM calibration WHERE \(kind.rawValue) = ?")
                for id in ids {
                    try entry.execute(arguments: [id])
                    try learnt.execute(arguments: [id])
                }
            }
        }
    }

    /// Removes a saved query or stream, but keeps the calibrations of learnt thresholds that belong to it.
    package func release(_ kind: Kind, id: String) throws(JournalError) {
        try doing("\(Self.what(kind, [id])) cannot be removed") {
            try database.write { try $0.execute(sql: "DELETE FROM \(kind.rawValue) WHERE id = ?", arguments: [id]) }
        }
    }

    private static func what(_ kind: Kind, _ ids: [String]) -> String {
        if ids.count == 1, let id = ids.first {
            return "\(kind == .receiver ? "notifier" : kind.rawValue) \"\(id)\""
        }
        return "\(ids.count) \(all(kind))"
    }

    private static func all(_ kind: Kind) -> String {
        switch kind {
        case .query: "queries"
        case .stream: "streams"
        case .fleet: "notes of the fleet"
        case .receiver: "notifiers"
        }
    }

    /// Returns the saved JSON of a query or stream with this id; nil if there is none.
    package func saved(_ kind: Kind, id: String) throws(JournalError) -> Data? {
        try doing("\(Self.what(kind, [id])) cannot be read") {
            try database.read {
                try Data.fetchOne($0, sql: "SELECT json FROM \(kind.rawValue) WHERE id = ?", arguments: [id])
            }
        }
    }

    package func saved(_ kind: Kind) throws(JournalError) -> [(id: String, json: Data)] {
        try doing("\(Self.all(kind)) cannot be read") {
            try database.read { database in
                try Row.fetchAll(database, sql: "SELECT id, json FROM \(kind.rawValue) ORDER BY id")
                    .map { (id: $0["id"], json: $0["json"]) }
            }
        }
    }
}

/// The state from which a query's threshold on a stream (or region of one) is learnt, encoded by the engine.
package struct SavedCalibration: Sendable, Equatable {
    package let query: String
    package let stream: String
    package let json: Data

    package init(query: String, stream: String, json: Data) {
        self.query = query
        self.stream = stream
        self.json = json
    }
}

extension Journal {
    package func save(calibrations: [SavedCalibration]) throws(JournalError) {
        try doing("calibrations cannot be written") {
            try database.write { database in
                let statement = try database.cachedStatement(
                    sql: "INSERT OR REPLACE INTO calibration (query, stream, json) VALUES (?, ?, ?)")
                for value in calibrations { try statement.execute(arguments: [value.query, value.stream, value.json]) }
            }
        }
    }

    /// Removes the saved states of learnt thresholds (calibrations) of these queries.
    ///
    /// It is called when a query was changed to look for something else.
    package func removeCalibrations(of queries: [String]) throws(JournalError) {
        try doing("calibrations cannot be removed") {
            try database.write { database in
                let statement = try database.cachedStatement(sql: "DELETE FROM calibration WHERE query = ?")
                for query in queries { try statement.execute(arguments: [query]) }
            }
        }
    }

    /// Removes the saved states of learnt thresholds of a stream and of its regions, except on the lanes in `kept`.
    ///
    /// Returns the lanes ("stream" or "stream/region") of which states were removed, sorted.
    package func removeCalibrations(
        ofStream name: String, except kept: [String] = []
    ) throws(JournalError) -> [String] {
        try doing("calibrations of stream \"\(name)\" cannot be removed") {
            try database.write { database in
                // The lanes of its regions: "0" is the character after "/".
                let lanes = try String.fetchAll(
                    database,
                    sql: """
                        SELECT DISTINCT stream FROM calibration
                        WHERE stream = ?1 OR stream >= ?1 || '/' AND stream < ?1 || '0' ORDER BY stream
                        """, arguments: [name]
                ).filter { !kept.contains($0) }
                let statement = try database.cachedStatement(sql: "DELETE FROM calibration WHERE stream = ?")
                for lane in lanes { try statement.execute(arguments: [lane]) }
                return lanes
            }
        }
    }

    /// Returns the saved calibrations of a stream and of the regions of its picture.
    package func calibrations(of stream: String) throws(JournalError) -> [SavedCalibration] {
        try doing("calibrations cannot be read") {
            try database.read { database in
                // The regions' names begin with the stream's and a slash; "0" follows the slash in the order of bytes.
                try Row.fetchAll(
                    database,
                    sql: """
                        SELECT query, stream, json FROM calibration
                        WHERE stream = ?1 OR stream > ?1 || '/' AND stream < ?1 || '0' ORDER BY query, stream
                        """, arguments: [stream]
                ).map { SavedCalibration(query: $0["query"], stream: $0["stream"], json: $0["json"]) }
            }
        }
    }

    package func calibrations() throws(JournalError) -> [SavedCalibration] {
        try doing("calibrations cannot be read") {
            try database.read { database in
                try Row.fetchAll(database, sql: "SELECT query, stream, json FROM calibration ORDER BY query, stream")
                    .map { SavedCalibration(query: $0["query"], stream: $0["stream"], json: $0["json"]) }
            }
        }
    }
}

/// Saves embeddings of texts, so that a restart need not compute them: `[d]` floats by key and model identity.
extension Journal {
    package func save(embeddings: [(key: Data, vector: [Float])], model: String) throws(JournalError) {
        try doing("embeddings cannot be written") {
            try database.write { database in
                try database.execute(
                    sql: "INSERT OR IGNORE INTO embedding_model (name) VALUES (?)", arguments: [model])
                let id = try Self.modelID(model, database)
                let statement = try database.cachedStatement(
                    sql: "INSERT OR REPLACE INTO embedding (key, model, vector) VALUES (?, ?, ?)")
                for (key, vector) in embeddings { try statement.execute(arguments: [key, id, Self.bytes(vector)]) }
            }
        }
    }

    /// Returns the saved embeddings for the keys, in order; nil for each key that is not stored for this model.
    package func embeddings(of keys: [Data], model: String) throws(JournalError) -> [[Float]?] {
        try doing("embeddings cannot be read") {
            try database.read { database in
                guard let id = try Self.modelID(model, database) else { return keys.map { _ in nil } }
                let statement = try database.cachedStatement(
                    sql: "SELECT vector FROM embedding WHERE key = ? AND model = ?")
                return try keys.map { try Data.fetchOne(statement, arguments: [$0, id]).map(Self.floats) }
            }
        }
    }

    /// Removes the embeddings of these keys for every model; used for keys that nothing needs any more.
    package func removeEmbeddings(of keys: [Data]) throws(JournalError) {
        try doing("embeddings cannot be removed") {
            try database.write { database in
                let statement = try database.cachedStatement(sql: "DELETE FROM embedding WHERE key = ?")
                for key in keys { try statement.execute(arguments: [key]) }
            }
        }
    }

    /// Removes all embeddings but those of these keys for this model; used once it is known which queries stand.
    package func removeEmbeddings(except keys: [Data], model: String) throws(JournalError) {
        let needed = Set(keys)
        try doing("embeddings cannot be removed") {
            try database.write { database in
                // No row has the number 0.
                let id = try Self.modelID(model, database) ?? 0
                try database.execute(sql: "DELETE FROM embedding WHERE model <> ?", arguments: [id])
                try database.execute(sql: "DELETE FROM embedding_model WHERE id <> ?", arguments: [id])
                let saved = try Data.fetchAll(database, sql: "SELECT key FROM embedding")
                let statement = try database.cachedStatement(sql: "DELETE FROM embedding WHERE key = ?")
                for key in saved where !needed.contains(key) { try statement.execute(arguments: [key]) }
            }
        }
    }

    private static func modelID(_ model: String, _ database: Database) throws -> Int64? {
        try Int64.fetchOne(database, sql: "SELECT id FROM embedding_model WHERE name = ?", arguments: [model])
    }

    /// Encodes a vector as little-endian float32.
    private static func bytes(_ vector: [Float]) -> Data {
        var data = Data(capacity: vector.count * 4)
        for value in vector { withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) } }
        return data
    }

    private static func floats(_ data: Data) -> [Float] {
        var values = [Float](repeating: 0, count: data.count / 4)
        values.withUnsafeMutableBytes { _ = data.copyBytes(to: $0, count: data.count / 4 * 4) }
        return values.map { Float(bitPattern: UInt32(littleEndian: $0.bitPattern)) }
    }
}
