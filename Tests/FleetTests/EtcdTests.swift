import Concurrency
import Fleet
import Foundation
import SystemSupport
import TestSupport
import Testing

@Suite("The engine's client, with a real etcd", .serialized)
struct EtcdTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "ww-\(UUID().uuidString.prefix(8))")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    @Test("a thousand random transactions are answered as the double answers them")
    func isLikeTheDouble() async throws {
        let etcd = try await Etcd(in: folder)
        let engine = try EtcdClient(.init(members: etcd.members))
        var store = MemoryStore()
        var random = SeededRandom(seed: 3)
        let names = ["a", "a/b", "a/c", "b", "\u{E9}", "z/1"]
        var offset: Int64?
        var (lease, ours) = (try await engine.grant(seconds: 60), store.grant(seconds: 60, at: 0))
        for round in 0..<1000 {
            let key = { (random: inout SeededRandom) in random.choice(names) }
            let known = store.values[key(&random)]
            var conditions: [TransactionCondition] = []
            for _ in 0..<random.below(3) {
                let one = key(&random)
                switch random.below(4) {
                case 0: conditions.append(.absent(one))
                case 1: conditions.append(.value(one, Data("\(random.below(3))".utf8)))
                case 2: if let known, offset != nil { conditions.append(.modified(known.key, known.modified)) }
                default: if let known, offset != nil { conditions.append(.created(known.key, known.created)) }
                }
            }
            let put = key(&random)
            let value = Data("\(random.below(3))".utf8)
            var then: [TransactionStep] = [.put(put, value, lease: random.chance(0.3) ? 1 : 0)]
            if random.chance(0.3) { then = [.delete(put)] }
            if random.chance(0.1) { then = [.deleteAll(KeyRange(prefix: "a/"))] }
            then.append(.read(key(&random)))
            let transaction = EngineTransaction(if: conditions, then: then, otherwise: [.read(put), .read("a")])
            let expected = try store.commit(transaction.with(lease: ours, offset: 0))
            let found = try await engine.commit(transaction.with(lease: lease, offset: offset ?? 0))
            if offset == nil { offset = found.revision - expected.revision }
            #expect(found.succeeded == expected.succeeded, "\(round)")
            #expect(found.revision - (offset ?? 0) == expected.revision, "\(round)")
            #expect(found.found.map(\.key) == expected.found.map(\.key), "\(round)")
            #expect(found.found.map(\.value) == expected.found.map(\.value), "\(round)")
            if round % 100 == 99 {
                try await engine.revoke(lease)
                store.revoke(ours)
                (lease, ours) = (try await engine.grant(seconds: 60), store.grant(seconds: 60, at: 0))
            }
        }
        let all = try await engine.read(KeyRange(prefix: "a"), limit: 2, at: nil)
        let expected = store.read(KeyRange(prefix: "a"), limit: 2)
        #expect(all.values.map(\.key) == expected.values.map(\.key) && all.isMore == expected.isMore)
        await engine.close()
    }

    @Test("a lease's end is seen by a watch, a watch goes on where it was, and compacted revisions are said")
    func watches() async throws {
        let etcd = try await Etcd(in: folder)
        let engine = try EtcdClient(.init(members: etcd.members))
        let lease = try await engine.grant(seconds: 2)
        #expect(try await engine.keepAlive(lease) > 0)
        let first = try await engine.commit(
            EngineTransaction(if: [], then: [.put("k/1", Data("x".utf8), lease: lease), .put("other", Data())]))
        let seen = Mailbox<[KeyChange]>(timeout: [])
        let watching = Task {
            try? await engine.watch(KeyRange(prefix: "k/"), after: first.revision - 1) { seen.send($0) }
        }
        #expect(await seen.next(until: .now + .seconds(30)).map(\.key) == ["k/1"])
        guard case .delete(let key, let at)? = await seen.next(until: .now + .seconds(30)).first else {
            Issue.record("the lease's end is not seen")
            return
        }
        #expect(key == "k/1" && at > first.revision)
        watching.cancel()
        #expect(try await engine.keepAlive(lease) == 0)
        try etcd.control(["compaction", "\(at)"])
        await #expect { try await engine.watch(KeyRange(prefix: "k/"), after: 1) { _ in } } throws: {
            ($0 as? EngineError)?.kind == .compacted
        }
        await engine.close()
    }

    @Test("the next member is asked, and a wrong password is named")
    func faults() async throws {
        let etcd = try await Etcd(in: folder)
        let dead = "http://127.0.0.1:\(try freePort())"
        let engine = try EtcdClient(.init(members: [dead] + etcd.members))
        _ = try await engine.read(KeyRange(prefix: "k"), limit: 1, at: nil)
        let alone = try EtcdClient(.init(members: [dead]))
        await #expect { try await alone.grant(seconds: 2) } throws: {
            "\($0)".hasSuffix("cannot be reached: connection refused")
        }
        for command in [
            "role add site", "role grant-permission site readwrite ww/site/ --prefix", "user add site:right",
            "user grant-role site site", "user add root:root", "user grant-role root root", "auth enable",
        ] { try etcd.control(command.split(separator: " ").map { String($0) }) }
        var access = EtcdClient.Access(members: etcd.members)
        (access.user, access.password) = ("site", "wrong")
        let wrong = try EtcdClient(access)
        await #expect { try await wrong.grant(seconds: 2) } throws: {
            "\($0)".hasSuffix("the user or the password is wrong")
        }
        access.password = "right"
        let right = try EtcdClient(access)
        _ = try await right.commit(EngineTransaction(if: [], then: [.put("ww/site/a", Data("1".utf8))]))
        await #expect {
            try await right.commit(EngineTransaction(if: [], then: [.put("ww/other/a", Data("1".utf8))]))
        } throws: {
            "\($0)".hasSuffix("the user may not touch this fleet's keys")
        }
        for one in [engine, alone, wrong, right] { await one.close() }
    }
}

extension EngineTransaction {
    /// With a real lease in the place of 1, and revisions that began elsewhere.
    fileprivate func with(lease: Int64, offset: Int64) -> EngineTransaction {
        var one = self
        one.conditions = conditions.map { condition in
            switch condition {
            case .created(let key, let revision): .created(key, revision + offset)
            case .modified(let key, let revision): .modified(key, revision + offset)
            default: condition
            }
        }
        one.then = then.map { step in
            if case .put(let key, let value, 1) = step { return .put(key, value, lease: lease) }
            return step
        }
        return one
    }
}
