import ArgumentParser

/// Makes the hint that is printed after an unknown subcommand: the known ones, and a similar name.
enum SubcommandHint {
    /// Returns a line that lists the known subcommands, if `arguments` name an unknown one; otherwise nil.
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

    /// Returns true if one text is a prefix of the other (of at least 3 letters), or they differ by one typing error.
    ///
    /// A typing error is one letter added, left out or replaced, or two neighbours swapped.
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
