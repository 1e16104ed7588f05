import Concurrency
import ControlAPI
import Fleet
import Foundation
import Journal
import Synchronization
import TestSupport
import Testing
import WireFormat

@Suite("The fleet's log, as a node gives it to clients", .serialized)
struct FleetLogTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "ww-\(UUID().uuidString.prefix(8))")
    private let keys = FleetKeys("site")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    private struct Sent: Equatable {
        let topic: String
        let seq: Int64
        let prev: Int64?
    }

    private func found(_ engine: EtcdClient, _ identity: String = "identity") async throws {
        let meta = try WireCoding.encode(FleetMeta(identity: identity, schema: FleetMeta.schema, model: "m"))
        _ = try await engine.commit(EngineTransaction(if: [], then: [.put(keys.meta, meta)]))
    }

    /// Writes a batch as a node's forwarder does.
    private func append(_ first: Int64, _ messages: [String], by node: String = "a", _ engine: EtcdClient) async throws
    {
        let batch =
            "{\"first\":\(first),\"before\":0,\"at\":1,\"node\":\"\(node)\",\"journal\":\"j\(node)\",\"messages\":["
            + messages.joined(separator: ",") + "]}"
        let head = LogHead(seq: first + Int64(messages.count) - 1, bytes: 1)
        _ = try await engine.commit(
            EngineTransaction(
                if: [], then: [.put(keys.log(first), Data(batch.utf8)), .put(keys.head, WireCoding.encode(head))]))
    }

    private func match(_ n: Int, _ stream: String, _ event: String, _ phase: String) -> String {
        """
        {"n":\(n),"topic":"match.\(stream).q","stream":"\(stream)","epoch":2,"body":{"v":1,"seq":\(n),"prev":99,\
        "event":"\(event)","phase":"\(phase)","query":{"id":"q","text":"t","tags":[]},"stream":"\(stream)"}}
        """
    }

    @Test("messages get the fleet's numbers, each topic its number before, and events are open until they end")
    func numbers() async throws {
        let etcd = try await Etcd(in: folder)
        let engine = try EtcdClient(.init(members: etcd.members))
        try await found(engine)
        let sent = Mutex<[Sent]>([])
        let log = FleetLog(keys, engine: engine) { topic, seq, body in
            let prev = (try? JSONText.parse(body))?["prev"]?.integer
            sent.withLock { $0.append(Sent(topic: topic, seq: seq, prev: prev)) }
        }
        await #expect(throws: (any Error).self) { try await log.openEvents() }
        try await append(1, [match(1, "s", "E1", "start"), match(2, "t", "E2", "start")], engine)
        let following = Task { await log.follow("identity") }
        #expect(try await until { log.lastSeq == 2 })
        try await append(3, [match(7, "s", "E1", "update")], engine)
        try await append(
            4, ["{\"n\":9,\"topic\":\"lost\",\"lost\":[4,9]}", match(10, "t", "E2", "end")], by: "b", engine)
        #expect(try await until { log.lastSeq == 5 })

        // What was there before this node began is not published, but known.
        #expect(
            sent.withLock { $0 } == [
                Sent(topic: "match.s.q", seq: 3, prev: 1), Sent(topic: "lost.b", seq: 4, prev: nil),
                Sent(topic: "match.t.q", seq: 5, prev: 2),
            ])
        let open = try await log.openEvents()
        #expect(open.seq == 5 && open.entries.map(\.event?.id) == ["E1"] && open.entries.map(\.seq) == [3])
        let all = try await log.replay(since: 0, limit: 10, filter: MessageFilter())
        #expect(all.entries.map(\.seq) == [1, 2, 3, 4, 5] && all.holes.isEmpty)
        let body = try JSONText.parse(all.entries[2].body)
        #expect(body["seq"] == .integer(3) && body["node"] == .string("a") && body["epoch"] == .integer(2))
        let gone = try JSONText.parse(all.entries[3].body)
        #expect(gone["first"] == .integer(4) && gone["last"] == .integer(9) && gone["node"] == .string("b"))
        let some = try await log.replay(since: 2, limit: 2, filter: MessageFilter(stream: "t"))
        #expect(some.entries.map(\.seq) == [5] && some.entries[0].prev == 2)
        #expect(try await log.replay(since: 1, limit: 2, filter: MessageFilter()).entries.map(\.seq) == [2, 3])
        for beyond in [Int64.max, Int64.max - 1] {
            #expect(try await log.replay(since: beyond, limit: 2, filter: MessageFilter()).entries.isEmpty)
        }
        try await log.checkReaches(5)
        await #expect(throws: ControlFailure.self) { try await log.checkReaches(6) }
        // A batch that would overflow, and one of a wrong form, are nothing.
        for wrong in ["{\"first\":9223372036854775807,\"before\":0,\"messages\":[]}", "[1]"] {
            let put = TransactionStep.put(keys.log(6), Data(wrong.utf8))
            _ = try await engine.commit(EngineTransaction(if: [], then: [put]))
        }
        try await append(7, ["{\"n\":1,\"topic\":\"a\\nb\",\"body\":{\"v\":1}}"], by: "c", engine)
        #expect(try await until { log.lastSeq == 7 })
        let (last, hole) = (try await log.replay(since: 5, limit: 9, filter: MessageFilter()), log.feed.newest)
        #expect(last.holes == [Hole(first: 6, last: 6, reason: .retention)] && hole == 7)
        #expect(last.entries.map(\.topic) == [""])
        following.cancel()
        await engine.close()
    }

    @Test("what the window no longer holds is a hole, and a log that went back is said")
    func window() async throws {
        let etcd = try await Etcd(in: folder)
        let engine = try EtcdClient(.init(members: etcd.members))
        try await found(engine)
        for first in stride(from: Int64(1), through: 91, by: 10) {
            try await append(first, (0..<10).map { match(Int(first) + $0, "s", "E", "update") }, engine)
        }
        let log = FleetLog(keys, engine: engine) { _, _, _ in }
        let following = Task { await log.follow("identity") }
        #expect(try await until { log.lastSeq == 100 })
        _ = try await engine.commit(
            EngineTransaction(if: [], then: [.deleteAll(KeyRange(from: keys.log.first, to: keys.log(51)))]))
        let page = try await log.replay(since: 20, limit: 5, filter: MessageFilter())
        #expect(page.holes == [Hole(first: 21, last: 50, reason: .retention)])
        #expect(page.entries.map(\.seq) == [51, 52, 53, 54, 55])
        #expect(try await log.replay(since: 72, limit: 1, filter: MessageFilter()).entries.map(\.seq) == [73])
        _ = try await engine.commit(EngineTransaction(if: [], then: [.deleteAll(keys.log)]))
        let nothing = try await log.replay(since: 98, limit: 5, filter: MessageFilter())
        #expect(nothing.entries.isEmpty && nothing.holes == [Hole(first: 99, last: 100, reason: .retention)])
        following.cancel()
        await following.value

        // A client that is before what is gone is told of it, also where this node has followed all the time.
        let later = FleetLog(keys, engine: engine) { _, _, _ in }
        let reading = Task { await later.follow("identity") }
        #expect(try await until { later.lastSeq == 100 })
        guard case .behind = later.feed.next(after: 40, limit: 1) else {
            Issue.record("a feed that gives what it does not have")
            return
        }
        reading.cancel()
        await reading.value
        let other = FleetLog(keys, engine: engine) { _, _, _ in }
        let refused = Task { await other.follow("another") }
        #expect(try await until { other.problem?.contains("another fleet's log") == true })
        refused.cancel()
        await refused.value

        // Another node's view of an engine that was set back.
        _ = try await engine.commit(
            EngineTransaction(if: [], then: [.put(keys.head, WireCoding.encode(LogHead(seq: 7, bytes: 1)))]))
        let again = Task { await log.follow("identity") }
        #expect(try await until { log.problem?.contains("ends at 7, and had 100 before") == true })
        again.cancel()
        await again.value
        await engine.close()
    }
}
