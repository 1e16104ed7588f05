import TestSupport
import Testing
import WatchwordConfiguration

@Suite("The section fleet")
struct FleetConfigurationTests {
    private func read(_ fleet: String, _ more: String = "journal: j.sqlite") throws -> FleetConfiguration? {
        try Configuration(yaml: "\(more)\nfleet: \(fleet)", path: "w.yaml").fleet
    }

    @Test("all of it is read, and what is left out is the usual")
    func whole() throws {
        let fleet = try #require(
            try read(
                """
                {name: site-a, node: box-1, engine: [https://box-1:2379, https://box-2:2379], password: pw, lease: 5,
                  tls: {ca: c.pem, certificate: n.pem, key: n.key}, on_cut_off: stop, labels: [hall], identity: x,
                  log: {window_megabytes: 64, hours: 12}, rebalance: {above: 20, after: 90}}
                """))
        #expect(fleet.name == "site-a" && fleet.node == "box-1" && fleet.engine.count == 2 && fleet.lease == 5)
        #expect(fleet.authority == "c.pem" && fleet.certificate == "n.pem" && fleet.key == "n.key")
        #expect(fleet.password == "pw" && fleet.onCutOff == .stop && fleet.labels == ["hall"])
        #expect(fleet.identity == "x" && fleet.logMegabytes == 64 && fleet.logHours == 12)
        let usual = try #require(try read("{name: s, node: b, engine: http://127.0.0.1:2379}"))
        #expect(usual.lease == 2 && usual.onCutOff == .watch && usual.logMegabytes == 256 && usual.logHours == 24)
        #expect(fleet.rebalance?.above == 0.2 && fleet.rebalance?.after == 90 && fleet.rebalance?.every == 30)
        #expect(usual.rebalance == FleetConfiguration.Rebalance())
        #expect(try read("{name: s, node: b, engine: http://127.0.0.1:2379, rebalance: off}")?.rebalance == nil)
        #expect(try Configuration(yaml: "journal: j.sqlite", path: "w.yaml").fleet == nil)
    }

    @Test(
        "a wrong value is refused by one sentence that names its key",
        arguments: [
            ("{node: b, engine: http://h:1}", "fleet: \"name\" is missing"),
            (
                "{name: a.b, node: b, engine: http://h:1}",
                "name: expected 1 to 64 letters, digits, - and _, found \"a.b\""
            ),
            ("{name: s, node: b}", "engine: expected 1 to 9 members, found 0; one is as in https://box-1:2379"),
            ("{name: s, node: b, engine: box}", "engine: expected a member as in https://box-1:2379, found \"box\""),
            (
                "{name: s, node: b, engine: [http://h:1, http://h:1]}",
                "engine: expected each member once, found one twice"
            ),
            ("{name: s, node: b, engine: http://h:1, lease: 1}", "lease: expected 2 to 60 seconds, found 1"),
            (
                "{name: s, node: b, engine: http://h:1, on_cut_off: no}",
                "on_cut_off: expected watch or stop, found \"no\""
            ),
            (
                "{name: s, node: b, engine: http://h:1, on_cut_off: go}",
                "on_cut_off: expected watch or stop, found \"go\""
            ),
            (
                "{name: s, node: b, engine: https://h:1, tls: {key: k}}",
                "tls: expected certificate and key together, found one of them"
            ),
            (
                "{name: s, node: b, engine: http://h:1, tls: {ca: k}}",
                "tls: expected https:// in every member of engine, found http://"
            ),
            (
                "{name: s, node: b, engine: http://h:1, log: {hours: 0}}",
                "hours: expected a number above 0 and up to 8784"
            ),
            (
                "{name: s, node: b, engine: http://h:1, rebalance: {above: 0.15}}",
                "above: expected 1 to 70 percent of a node's cores, found 0.15"
            ),
            (
                "{name: s, node: b, engine: http://h:1, rebalance: {every: 0}}",
                "every: expected 1 to 86400 seconds, found 0.0"
            ),
            (
                "{name: s, node: b, engine: http://h:1, lable: x}",
                "unknown key \"lable\" in fleet; did you mean \"labels\"?"
            ),
        ])
    func wrong(_ yaml: String, _ sentence: String) {
        #expect { try read(yaml) } throws: { "\($0)".contains(sentence) }
    }

    @Test("beside it there are no streams and no queries, and there is a journal")
    func alone() {
        let fleet = "{name: s, node: b, engine: http://h:1}"
        #expect { try read(fleet, "journal: j\nstreams: [{name: a, uri: b}]") } throws: {
            "\($0)".contains("streams: expected none beside fleet: its streams are added by watchword stream add")
        }
        #expect { try read(fleet, "journal: j\nqueries: [a cat]") } throws: {
            "\($0)".contains("queries: expected none beside fleet: its queries are added by watchword query add")
        }
        #expect { try read(fleet, "head: mean") } throws: {
            "\($0)".contains("fleet: it needs a journal, which keeps this node's messages: journal: FILE")
        }
    }
}
