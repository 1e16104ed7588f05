import Foundation
package import Printing
package import WireFormat

extension MatchMessage {
    /// The event message as a line of text for people, with colours on a terminal.
    package var line: Styled {
        let clock = end.formatted(.iso8601.time(includingFractionalSeconds: false))
        let word = phase.padding(toLength: 6, withPad: " ", startingAt: 0)
        let colour = ["start": 32, "update": 33, "end": 90][phase] ?? 0
        let name = ControlCharacters.escaped(stream)
        let padded = name + String(repeating: " ", count: max(0, 8 - DisplayWidth.of(name)))
        let numbers = String(
            format: "score %.3f peak %.3f  %.2f–%.2f s", score, peak.score, media.start, media.end)
        return """
            \(clock) \(Terminal.coloured(word, colour)) \(padded) \
            \(Terminal.coloured("\"\(query.text)\"", 1))  \(numbers)
            """
    }
}
