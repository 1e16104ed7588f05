/// Text for a terminal, with colours: string literals are printed unchanged, interpolated values are escaped.
package struct Styled: ExpressibleByStringInterpolation, Sendable {
    /// The text to print, with the terminal's escape sequences for its colours.
    package let text: String

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        package init(literalCapacity: Int, interpolationCount: Int) {}

        package mutating func appendLiteral(_ literal: String) { text += literal }
        package mutating func appendInterpolation(_ styled: Styled) { text += styled.text }
        package mutating func appendInterpolation(_ value: some CustomStringConvertible) {
            text += ControlCharacters.escaped(value.description)
        }
    }

    package init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }
    package init(stringLiteral literal: String) { text = literal }

    /// Escapes `text` and shows it in a colour: the number of an ANSI style (31 is red, 1 is bold), or nil for none.
    package init(_ text: String, colour: Int?) {
        let shown = ControlCharacters.escaped(text)
        self.text = colour.map { "\u{1B}[\($0)m\(shown)\u{1B}[0m" } ?? shown
    }
}
