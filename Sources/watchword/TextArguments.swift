/// Marks text arguments that begin with a hyphen, such as "- a red van", which would be parsed as options.
///
/// No option has white space in its name, so an argument that does can only be a text.
enum TextArguments {
    /// Returns the arguments in which each text that begins with a hyphen is given by an option.
    ///
    /// The option is `--query=…` for `watch`, otherwise `--text=…`.
    static func named(_ arguments: [String]) -> [String] {
        guard let option = option(of: arguments) else { return arguments }
        var named: [String] = []
        var isAfterDashes = false
        for argument in arguments {
            isAfterDashes = isAfterDashes || argument == "--"
            let isValue = named.last.map { $0.hasPrefix("--") && $0 != option && !$0.contains("=") } ?? false
            if isAfterDashes || isValue || !isText(argument) {
                named.append(argument)
            } else {
                if named.last == option { named.removeLast() }
                named.append("\(option)=\(argument)")
            }
        }
        return named
    }

    private static func option(of arguments: [String]) -> String? {
        switch arguments.first {
        case "watch": "--query"
        case "query" where ["add", "test", "backtest"].contains(arguments.dropFirst().first): "--text"
        default: nil
        }
    }

    private static func isText(_ argument: String) -> Bool {
        argument.hasPrefix("-") && argument.prefix { $0 != "=" }.contains(where: \.isWhitespace)
    }
}
