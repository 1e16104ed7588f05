import Printing
package import WireFormat

/// Prints names and values for people, one pair per line; all values begin in the same column.
///
/// Long values wrap within that column.
package struct Page {
    private let indent: Int
    private let names: Int

    /// Makes a page that indents lines by `indent` columns and gives names `names` columns.
    package init(indent: Int = 0, names: Int) { (self.indent, self.names) = (indent, names) }

    /// Prints a line with a name and its value.
    package func say(_ name: String, _ value: String) {
        let shown = ControlCharacters.escaped(value)
        let title = ControlCharacters.escaped(name)
        let room = max(20, Terminal.columns - indent - names)
        for (number, line) in TextTable.fold(shown, columns: room).enumerated() {
            let left = number == 0 ? title : ""
            let padding = String(repeating: " ", count: max(1, names - DisplayWidth.of(left)))
            Terminal.say(String(repeating: " ", count: indent) + left + padding + line)
        }
    }

    /// Prints a JSON object's keys and values: first the keys in `first`, in that order, then the others.
    package static func say(_ object: JSONValue, first: [String]) {
        guard case .object(let values) = object else { return }
        let order = first.filter { values[$0] != nil } + values.keys.filter { !first.contains($0) }.sorted()
        let rows = order.compactMap { key in values[key].flatMap { text($0) }.map { (words(key), $0) } }
        let page = Page(names: min(30, (rows.map { DisplayWidth.of($0.0) }.max() ?? 0) + 2))
        for (name, value) in rows { page.say(name, value) }
    }

    /// Turns a key into words: `effectiveFps` and `minimum_duration` become "effective fps" and "minimum duration".
    package static func words(_ key: String) -> String {
        key.reduce(into: "") { words, letter in
            words += letter == "_" ? " " : letter.isUppercase ? " \(letter.lowercased())" : String(letter)
        }
    }

    /// Returns a JSON value as text for people; nil if it is empty.
    private static func text(_ value: JSONValue) -> String? {
        switch value {
        case .null: nil
        case .bool(let truth): truth ? "yes" : "no"
        case .integer(let number): "\(number)"
        case .number(let number): "\((number * 10_000).rounded() / 10_000)"
        case .string(let text): text.isEmpty ? nil : text
        case .array(let items): items.isEmpty ? nil : items.compactMap(text).joined(separator: ", ")
        case .object(let pairs):
            pairs.isEmpty
                ? nil
                : pairs.sorted { $0.key < $1.key }.compactMap { key, value in text(value).map { "\(words(key)) \($0)" }
                }
                .joined(separator: ", ")
        }
    }
}
