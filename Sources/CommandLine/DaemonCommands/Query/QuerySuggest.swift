import ArgumentParser
import CommandSupport
import WireFormat

extension Query {
    struct Suggest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Propose changes of a query for events that were called wrong.",
            discussion: """
                Say of events what they were with `events mark`. Each change is tried on the daemon's history: how many \
                alerts it would have left, how many of the wrong events, and which right ones it would have lost. \
                --apply takes one.
                """)
        @Argument(help: "A standing query's id.") var id: String
        @Option(help: "A contrast in words, which is tried as well.") var against: String?
        @Option(help: "Take the change of this number.") var apply: Int?
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                var arguments: [String: JSONValue] = ["id": .string(id)]
                arguments["against"] = against.map { .string($0) }
                let result = try daemon.ask("query.suggest", .object(arguments), timeout: 120)
                let proposals = result["proposals"]?.array ?? []
                guard let apply else { return try say(result, proposals) }
                guard proposals.indices.contains(apply - 1),
                    case .object(var changes)? = proposals[apply - 1]["changes"]
                else {
                    throw ValidationError("--apply: expected a change from 1 to \(proposals.count), found \(apply)")
                }
                changes["id"] = .string(id)
                let applied = try daemon.ask("query.update", .object(changes), timeout: 120)
                if daemon.json { return try Terminal.say(json: applied) }
                Terminal.say("\(id): \(words(proposals[apply - 1]))")
            }
        }

        private func say(_ result: JSONValue, _ proposals: [JSONValue]) throws {
            if daemon.json { return try Terminal.say(json: result) }
            func number(_ value: JSONValue, _ key: String) -> String { "\(value[key]?.integer ?? 0)" }
            Terminal.say(
                "now: \(number(result, "alerts")) alerts over the history, of which \(number(result, "right")) were called "
                    + "right and \(number(result, "wrong")) wrong")
            guard !proposals.isEmpty else {
                return Terminal.say(
                    "no change is proposed: mark wrong events with `watchword events mark EVENT --wrong`")
            }
            Terminal.table(
                ["NO", "CHANGE", "ALERTS", "WRONG LEFT", "RIGHT LOST"],
                proposals.enumerated().map { place, proposal in
                    [
                        "\(place + 1)", words(proposal), number(proposal, "alerts"), number(proposal, "wrong_left"),
                        number(proposal, "right_lost"),
                    ]
                })
        }

        /// Returns a proposed change in words, such as "threshold 0.312".
        private func words(_ proposal: JSONValue) -> String {
            guard case .object(let changes)? = proposal["changes"] else { return "" }
            return changes.sorted { $0.key < $1.key }.compactMap { key, value in
                switch value {
                case .null: nil
                case .array(let texts):
                    "\(key) \(texts.compactMap { $0.string.map { "\"\($0)\"" } }.joined(separator: ", "))"
                default: "\(key) \(value.double.map { "\($0)" } ?? "")"
                }
            }.joined(separator: ", ")
        }
    }
}
