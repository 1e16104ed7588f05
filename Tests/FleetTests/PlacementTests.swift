import Fleet
import Foundation
import Testing
import WireFormat

private let keys = FleetKeys("f")

private func stored(_ key: String, _ value: Data, _ revision: Int64 = 5) -> StoredValue {
    StoredValue(key: key, value: value, created: revision, modified: revision)
}

private func node(
    _ name: String, labels: [String] = [], credentials: [String] = [], cores: Double = 4, cpu: Double = 0,
    streams: Int = 0, sheds: Bool = false
) throws -> StoredValue {
    let record = NodeRecord(
        journal: name, host: name, version: "1", labels: labels, credentials: credentials, cores: cores, cpu: cpu,
        streams: streams, sheds: sheds)
    return stored(keys.node(name), try WireCoding.encode(record))
}

private func stream(_ name: String, _ more: String = "") -> StoredValue {
    stored(keys.stream(name), Data("{\"name\":\"\(name)\"\(more)}".utf8))
}

private func view(_ values: [StoredValue]) -> FleetView {
    var view = FleetView(keys)
    view.reset(values)
    return view
}

@Suite("Where streams are run")
struct PlacementTests {
    @Test("streams spread over the nodes, and a node that comes takes only its part of the ranking")
    func spreads() throws {
        let streams = (0..<300).map { stream("s\($0)") }
        let three = try ["a", "b", "c"].map { try node($0, cores: 1000) }
        let plan = Placement.changes(view(streams + three), limit: 1000) { _ in true }
        #expect(plan.count == 300)
        let counts = Dictionary(grouping: plan, by: \.node).mapValues(\.count)
        #expect(counts.values.allSatisfy { (70...130).contains($0) }, "\(counts)")
        let four = Placement.changes(view(streams + three + [try node("d", cores: 1000)]), limit: 1000) { _ in true }
        let before = Dictionary(uniqueKeysWithValues: plan.map { ($0.stream, $0.node) })
        let moved = four.filter { before[$0.stream] != $0.node }
        #expect(moved.allSatisfy { $0.node == "d" } && (40...110).contains(moved.count), "\(moved.count)")
    }

    @Test("what is planned stays, unless its node is gone for long enough or drained")
    func stays() throws {
        let want = stored(keys.want("s"), Data("b".utf8))
        let all = [stream("s"), try node("a"), try node("b"), want]
        #expect(Placement.changes(view(all)) { _ in true }.isEmpty)
        #expect(Placement.changes(view([stream("s"), try node("a"), want])) { _ in false }.isEmpty)
        let gone = Placement.changes(view([stream("s"), try node("a"), want])) { $0 == "b" }
        #expect(gone == [.init(stream: "s", node: "a")])
        let drained = Placement.changes(view(all + [stored(keys.drain("b"), Data("1".utf8))])) { _ in false }
        #expect(drained == [.init(stream: "s", node: "a")])
        #expect(Placement.changes(view([want, try node("b")])) { _ in true } == [.init(stream: "s", node: nil)])
    }

    @Test("labels and credentials restrict, a node that sheds takes no more, a full one only if all are")
    func restricts() throws {
        let near = try node("near", labels: ["hall"], credentials: ["door"])
        let far = try node("far")
        func home(_ values: [StoredValue]) -> String? { Placement.changes(view(values)) { _ in true }.first?.node }
        for index in 0..<20 {
            #expect(home([stream("s\(index)", ",\"labels\":[\"at-hall\",\"x\"]"), near, far]) == "near")
            #expect(home([stream("s\(index)", ",\"credentials\":\"door\""), near, far]) == "near")
            let busy = try node("busy", cores: 4, cpu: 2.79, streams: 3)
            #expect(home([stream("s\(index)"), busy, far]) == "far")
            #expect(home([stream("s\(index)"), try node("full", sheds: true), far]) == "far")
        }
        let stuck = view([stream("s", ",\"labels\":[\"at-roof\"]"), near, far])
        #expect(Placement.changes(stuck) { _ in true }.isEmpty)
        #expect(Placement.reason("s", stuck) == "no node has the label roof")
        #expect(home([stream("s"), try node("a", cpu: 3.5, streams: 2), try node("b", cpu: 3, streams: 2)]) == "b")
        #expect(home([stream("s"), try node("full", sheds: true)]) == nil)
    }

    @Test("a stream moves from the fullest node to one that has room, only where that makes it better")
    func balances() throws {
        func found(_ nodes: [StoredValue], _ homes: [(String, String)], rested: String? = nil) -> Balance.Move? {
            let plan = homes.flatMap { name, home in
                [
                    stream(name), stored(keys.want(name), Data(home.utf8)),
                    stored(keys.own(name), Data("\(home)/1".utf8)),
                ]
            }
            return Balance.move(view(nodes + plan), above: 0.15) { $0 != rested }
        }
        let four = (0..<4).map { ("s\($0)", "a") }
        let (full, empty) = (try node("a", cpu: 1.6, streams: 4), try node("b"))
        let move = try #require(found([full, empty], four))
        #expect(move.from == "a" && move.to == "b" && (move.loadFrom, move.loadTo) == (0.4, 0))
        let other = try #require(found([full, empty], four, rested: move.stream))
        #expect(other.stream != move.stream)
        // Near enough; one stream alone; a target that sheds, or that would be the fuller one.
        #expect(found([try node("a", cpu: 0.6, streams: 4), empty], four) == nil)
        #expect(found([full, empty], [("s0", "a")]) == nil)
        #expect(found([full, try node("b", sheds: true)], four) == nil)
        #expect(found([full, try node("b", cores: 0.5)], four) == nil)
        #expect(
            found([try node("a", cpu: 1.6, streams: 2), try node("b", cores: 1)], [("s", "a"), ("t", "a")]) == nil)
        // A node that sheds counts as full, and a move under way is waited for.
        let busy = try node("a", cpu: 0.4, streams: 4, sheds: true)
        #expect(found([busy, empty], four)?.loadFrom == 1)
        let moving = [stream("m"), stored(keys.want("m"), Data("b".utf8)), stored(keys.own("m"), Data("a/1".utf8))]
        #expect(found([full, empty] + moving, four) == nil)
        let far = [stream("s4", ",\"labels\":[\"at-hall\"]"), stream("s5", ",\"labels\":[\"at-hall\"]")]
        let pinned = [("s4", "a"), ("s5", "a")]
        let hall = try node("a", labels: ["hall"], cpu: 2, streams: 2)
        let plan = pinned.flatMap {
            [stored(keys.want($0), Data($1.utf8)), stored(keys.own($0), Data("\($1)/1".utf8))]
        }
        #expect(Balance.move(view([hall, empty] + far + plan), above: 0.15) { _ in true } == nil)
    }

    @Test("keys that cannot be read are named, and nothing else is lost")
    func problems() throws {
        let found = view([
            stored(keys.node("bad"), Data("{".utf8)), stored(keys.stream("big"), Data(count: 1_000_000)),
            stored(keys.own("s"), Data("box".utf8)), stored(keys.query("a.b"), Data("{}".utf8)),
            stored(keys.stream("list"), Data("[]".utf8)), stream("s"), try node("a"),
        ])
        #expect(found.problems.count == 5, "\(found.problems)")
        #expect(found.nodes.keys.sorted() == ["a"] && found.streams.keys.sorted() == ["s"])
        #expect(found.isOwnerUnreadable("s"))
        let big = found.problems[keys.stream("big")]
        #expect(big == "ww/f/stream/big: expected at most 256 KB, found 976 KB; it is left alone")
    }
}
