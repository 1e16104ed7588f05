import Fleet
import Foundation
import Testing

@Suite("What is learnt, on its way to another node")
struct LearntRecordTests {
    @Test("it is read as it was written, and anything else is refused")
    func written() throws {
        let json = Data("[\(String(repeating: "{\"query\":\"q\"},", count: 500)){}]".utf8)
        let record = LearntRecord(node: "box-1", epoch: 3, json: json)
        let value = try #require(record.value)
        #expect(value.count < json.count / 10)
        #expect(LearntRecord(value) == record)
        #expect(LearntRecord(value.dropLast()) == nil)
        #expect(LearntRecord(Data("{}\n".utf8) + value) == nil)
        #expect(LearntRecord(Data(repeating: 10, count: 1_000_000)) == nil)
        #expect(LearntRecord(node: "box-1", epoch: 3, json: Data()).value == nil)
        var noise = Data()
        for _ in 0..<160_000 {
            withUnsafeBytes(of: UInt64.random(in: .min ... .max)) { noise.append(contentsOf: $0) }
        }
        #expect(LearntRecord(node: "box-1", epoch: 3, json: noise).value == nil)
    }

    @Test("a change of any byte is seen, also of a threshold far behind the beginning")
    func changes() {
        var json = Data(repeating: UInt8(ascii: "1"), count: 4000)
        let before = LearntRecord.digest(of: json)
        json[3000] = UInt8(ascii: "2")
        #expect(LearntRecord.digest(of: json) != before)
    }

    @Test("the keys that every node follows have neither the log nor what is learnt")
    func ranges() {
        let keys = FleetKeys("f")
        let followed = [keys.meta, keys.planner, keys.head, keys.trim, keys.node("n"), keys.drain("n")]
        let named = [keys.stream("s"), keys.query("q"), keys.want("s"), keys.own("s"), keys.cursor("j")]
        for key in followed + named { #expect(keys.state.count { $0.holds(key) } == 1, "\(key)") }
        for key in [keys.log(1), keys.learn("s")] { #expect(!keys.state.contains { $0.holds(key) }, "\(key)") }
    }
}
