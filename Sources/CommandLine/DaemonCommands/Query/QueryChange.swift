import ArgumentParser
import CommandSupport
import WireFormat

extension Query {
    /// Changes a query's keys in the daemon and prints the result; `word` is the verb to print, such as "changed".
    static func change(
        _ id: String, _ keys: [String: JSONValue], _ word: String, _ daemon: DaemonOptions
    ) throws {
        let arguments = JSONValue.object(keys.merging(["id": .string(id)]) { $1 })
        try sayChanged(daemon.ask("query.update", arguments, timeout: 120), word, daemon)
    }

    /// Prints the daemon's answer to adding or changing a query; `word` is the verb to print, such as "added".
    static func sayChanged(_ result: JSONValue, _ word: String, _ daemon: DaemonOptions) throws {
        if daemon.json { return try Terminal.say(json: result) }
        if result["truncated"] == .bool(true) {
            Terminal.complain("the text is longer than the model reads; the rest is ignored")
        }
        Terminal.say("\(word) \(result["query"]?["id"]?.string ?? "")")
    }

    /// Throws if the text is given both as an argument and with --text.
    static func refuseBoth(_ words: String?, _ text: String?) throws {
        guard words != nil, text != nil else { return }
        throw ValidationError("give the text once: alone, or with --text")
    }
}
