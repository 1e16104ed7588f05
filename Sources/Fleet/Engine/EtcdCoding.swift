import Foundation
import WireFormat

/// Conversion to and from etcd's JSON, with bytes in base64, 64-bit integers as strings, and no zero or empty values.
enum EtcdCoding {
    static func bytes(_ text: String) -> JSONValue { .string(Data(text.utf8).base64EncodedString()) }
    static func bytes(_ data: Data) -> JSONValue { .string(data.base64EncodedString()) }
    static func number(_ value: Int64) -> JSONValue { .string("\(value)") }

    static func number(_ value: JSONValue?) -> Int64 {
        switch value {
        case .string(let text): Int64(text) ?? 0
        case .integer(let number): number
        default: 0
        }
    }

    static func data(_ value: JSONValue?) -> Data { value?.string.flatMap { Data(base64Encoded: $0) } ?? Data() }
    static func text(_ value: JSONValue?) -> String { String(decoding: data(value), as: UTF8.self) }

    static func stored(_ json: JSONValue) -> StoredValue {
        StoredValue(
            key: text(json["key"]), value: data(json["value"]), created: number(json["create_revision"]),
            modified: number(json["mod_revision"]), lease: number(json["lease"]))
    }

    static func range(_ range: KeyRange, limit: Int, at revision: Int64?) -> JSONValue {
        var members: [String: JSONValue] = [
            "key": bytes(range.first), "range_end": bytes(range.end), "limit": number(Int64(limit)),
        ]
        if let revision { members["revision"] = number(revision) }
        return .object(members)
    }

    static func transaction(_ one: EngineTransaction) -> JSONValue {
        .object([
            "compare": .array(one.conditions.map(condition)), "success": .array(one.then.map(step)),
            "failure": .array(one.otherwise.map(step)),
        ])
    }

    private static func condition(_ condition: TransactionCondition) -> JSONValue {
        var members: [String: JSONValue] = ["key": bytes(condition.key), "result": .string("EQUAL")]
        switch condition {
        case .absent:
            members["target"] = .string("CREATE")
            members["create_revision"] = number(0)
        case .created(_, let revision):
            members["target"] = .string("CREATE")
            members["create_revision"] = number(revision)
        case .modified(_, let revision):
            members["target"] = .string("MOD")
            members["mod_revision"] = number(revision)
        case .value(_, let value):
            members["target"] = .string("VALUE")
            members["value"] = bytes(value)
        }
        return .object(members)
    }

    private static func step(_ step: TransactionStep) -> JSONValue {
        switch step {
        case .put(let key, let value, let lease):
            var members = ["key": bytes(key), "value": bytes(value)]
            if lease != 0 { members["lease"] = number(lease) }
            return .object(["request_put": .object(members)])
        case .delete(let key): return .object(["request_delete_range": .object(["key": bytes(key)])])
        case .deleteAll(let range):
            return .object([
                "request_delete_range": .object(["key": bytes(range.first), "range_end": bytes(range.end)])
            ])
        case .read(let key): return .object(["request_range": .object(["key": bytes(key)])])
        }
    }

    static func answer(_ json: JSONValue) -> TransactionAnswer {
        let found = (json["responses"]?.array ?? []).flatMap { $0["response_range"]?["kvs"]?.array ?? [] }
        return TransactionAnswer(
            succeeded: json["succeeded"] == .bool(true), revision: number(json["header"]?["revision"]),
            found: found.map(stored))
    }

    /// Returns the key changes in one line of a watch; throws if etcd has ended the watch.
    static func changes(_ json: JSONValue) throws(EngineError) -> [KeyChange] {
        if let error = json["error"] { throw failure(error, status: 0) }
        guard let result = json["result"] else { throw EngineError(.unreachable, "the watch says nothing known") }
        if result["canceled"] == .bool(true) {
            let compacted = number(result["compact_revision"])
            if compacted > 0 {
                throw EngineError(.compacted, "revisions before \(compacted) are compacted")
            }
            let why = result["cancel_reason"]?.string ?? "for no reason that it gives"
            throw EngineError(
                why.contains("permission") ? .refused : .unreachable, "the engine ends the watch: \(why.prefix(200))")
        }
        return (result["events"]?.array ?? []).compactMap { event in
            guard let kv = event["kv"] else { return nil }
            let value = stored(kv)
            return event["type"] == .string("DELETE") ? .delete(key: value.key, at: value.modified) : .put(value)
        }
    }

    /// Converts etcd's error answer to an `EngineError`; unknown errors count as `.unreachable`.
    static func failure(_ json: JSONValue?, status: Int) -> EngineError {
        let said = json?["message"]?.string ?? json?["error"]?.string ?? "HTTP status \(status)"
        let sentence = String(said.prefix(300))
        let kinds: [(part: String, kind: EngineError.Kind, says: String)] = [
            (
                "database space exceeded", .noSpace,
                "its quota is used up (NOSPACE): compact and defragment it, then `etcdctl alarm disarm`"
            ),
            ("has been compacted", .compacted, sentence),
            ("requested lease not found", .leaseGone, sentence),
            ("invalid user ID or password", .refused, "the user or the password is wrong"),
            ("permission denied", .refused, "the user may not touch this fleet's keys"),
            ("user name is empty", .refused, "it asks for a password; set fleet.password"),
            ("authentication is not enabled", .refused, "it knows no passwords: enable its authentication"),
        ]
        for known in kinds where said.contains(known.part) { return EngineError(known.kind, known.says) }
        return EngineError(.unreachable, sentence)
    }

    static func isTokenOver(_ json: JSONValue?) -> Bool {
        let said = json?["message"]?.string ?? json?["error"]?.string ?? ""
        return said.contains("invalid auth token") || said.contains("revision in auth store is old")
    }
}
