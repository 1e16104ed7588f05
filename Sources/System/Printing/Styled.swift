/// Coloured text for people: string literals are printed unchanged, interpolated values are escaped.
package struct Styled: ExpressibleByStringInterpolation, Sendable {
    /// The text with its escape sequences.
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

    /// Makes a text in one of a terminal's colours (1 is bold); without style if `colour` is nil.
    package init(_ text: String, colour: Int?) {
        let shown = ControlCharacters.escaped(text)
        self.text = colour.map { "\u{1B}[\($0)m\(shown)\u{1B}[0m" } ?? shown
    }
}
