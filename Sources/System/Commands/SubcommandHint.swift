import ArgumentParser

/// Lists a command's subcommands after an unknown one.
enum SubcommandHint {
    /// Returns a sentence if a subcommand's name is unknown; nil if the names are right.
    static func sentence(_ root: any ParsableCommand.Type, _ arguments: [String]) -> String? {
        var command = root
        for argument in arguments {
            let subcommands = command.configuration.subcommands
            guard !subcommands.isEmpty, !argument.hasPrefix("-"), argument != "help" else { return nil }
            if let next = subcommands.first(where: { names(of: $0).contains(argument) }) {
                command = next
                continue
            }
            guard command.configuration.defaultSubcommand == nil else { return nil }
            let shown = subcommands.filter { $0.configuration.shouldDisplay }
            let known = shown.map { $0._commandName }.joined(separator: ", ")
            let near = shown.first { names(of: $0).contains { isNear($0, argument) } }
            let meant = near.map { "; did you mean \($0._commandName)?" } ?? ""
            return "There are: \(known)\(meant)"
        }
        return nil
    }

    private static func names(of command: any ParsableCommand.Type) -> [String] {
        [command._commandName] + command.configuration.aliases
    }

    /// Whether a word is the beginning of a name or one edit away: a letter more, less or other, or two swapped.
    private static func isNear(_ name: String, _ word: String) -> Bool {
        guard word.utf8.count <= 32, word != name else { return false }
        if word.count >= 3, name.hasPrefix(word) || word.hasPrefix(name) { return true }
        let (a, b) = (Array(name.lowercased()), Array(word.lowercased()))
        guard abs(a.count - b.count) <= 1 else { return a == b }
        let start = zip(a, b).prefix { $0 == $1 }.count
        let end = zip(a.dropFirst(start).reversed(), b.dropFirst(start).reversed()).prefix { $0 == $1 }.count
        let (left, right) = (a.count - start - end, b.count - start - end)
        return max(left, right) <= 1 || left == 2 && right == 2 && a[start] == b[start + 1] && a[start + 1] == b[start]
    }
}
