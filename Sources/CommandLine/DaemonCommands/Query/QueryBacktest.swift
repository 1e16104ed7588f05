import ArgumentParser
import Backtesting
import CommandSupport
import ControlAPI
import Matching
import WatchwordConfiguration
import WireFormat

extension Query {
    struct Backtest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show which events a query would have had over the daemon's history.",
            discussion: """
                Of a standing query, by its id, or of one that is described as for `query add`. What is found is what the \
                daemon would have told: the same windows, rule, cooldown and hours.
                """)
        @Argument(help: "A standing query's id, or the event described in words.") var words: String?
        @Option(
            name: .long, parsing: .unconditional,
            help: "The event in words, for a text that begins with a hyphen or is a query's id.") var text: String?
        @Option(help: "The earliest end of a window, as in 2026-11-30T12:00:00Z; all there is, if left out.")
        var from: String?
        @Option(help: "The end of that span, not included.") var to: String?
        @Option(parsing: .unconditional, help: "Propose the threshold that would have made so many alerts a day.")
        var alertsPerDay: Double?
        @OptionGroup(title: "What is matched, and when") var query: QueryOptions
        @OptionGroup var daemon: DaemonOptions

        func validate() throws {
            try Query.refuseBoth(words, text)
            for (name, time) in [("--from", from), ("--to", to)] {
                if let time, Moment(time) == nil {
                    throw ValidationError("\(name) must be a time like 2026-11-30T12:00:00Z")
                }
            }
        }

        func run() async throws {
            try await Exit.guarding {
                var arguments = try described()
                arguments["from"] = from.map { .string($0) }
                arguments["to"] = to.map { .string($0) }
                arguments["alerts_per_day"] = alertsPerDay.map { .number($0) }
                let result = try daemon.ask("query.backtest", .object(arguments), timeout: 120)
                if daemon.json { return try Terminal.say(json: result) }
                try BacktestPage.say(WireCoding.decode(BacktestResult.self, WireCoding.encode(result)))
            }
        }

        /// Returns the request's keys: the id of a standing query, or the description of a new query.
        private func described() throws -> [String: JSONValue] {
            var keys = try query.given()
            if let words, keys.isEmpty, Name.isValid(words), try stands(words) { return ["id": .string(words)] }
            keys["text"] = (words ?? text).map { .string($0) }
            let query = try QueryConfiguration(json: .object(keys))
            guard case .object(let members) = try JSONValue(encoding: query) else { return [:] }
            return members
        }

        private func stands(_ id: String) throws -> Bool {
            do {
                _ = try daemon.ask("query.get", .object(["id": .string(id)]))
                return true
            } catch let failure as ControlFailure where failure.code == FailureCode.notFound.rawValue {
                return false
            }
        }
    }
}
