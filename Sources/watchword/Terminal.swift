import Commands
import Foundation
import Printing
import WireFormat

/// Output of `watchword`: for people, with colour and progress only on a terminal, or as JSON.
///
/// Whatever it prints for people is escaped. A standard output that cannot be written ends the program.
enum Terminal {
    static let isInteractive = isatty(STDERR_FILENO) == 1
    static let hasColour = isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil

    /// Columns of the terminal: `COLUMNS`, else what it says itself, else 80.
    static let columns: Int = {
        let variable = ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) }
        if let variable, (20...10_000).contains(variable) { return variable }
        var size = winsize()
        let isKnown = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col >= 20
        return isKnown ? Int(size.ws_col) : 80
    }()

    /// One line on standard error: what went wrong, or is worth knowing.
    static func complain(_ text: String) { RootCommand.complain("watchword: \(ControlCharacters.escaped(text))") }

    /// One line; whatever would end it, or mean something to a terminal, is escaped.
    static func say(_ line: String) { put(Data((ControlCharacters.escaped(line) + "\n").utf8)) }

    /// One line with colours of its own.
    static func say(styled line: Styled) { put(Data((line.text + "\n").utf8)) }

    static func say(json value: some Encodable) throws { say(json: try WireCoding.encode(value)) }

    /// JSON of one line.
    static func say(json data: Data) { put(ControlCharacters.escaped(json: data) + Data("\n".utf8)) }

    /// Several lines as they are, such as those of a file of queries.
    static func say(lines: Data) { put(lines) }

    /// One line that is overwritten; nothing where nobody looks.
    static func progress(_ text: String) {
        if isInteractive { RootCommand.write(toError: "\r\u{1B}[K\(ControlCharacters.escaped(text))") }
    }

    static func coloured(_ text: String, _ code: Int) -> Styled { Styled(text, colour: hasColour ? code : nil) }

    /// Columns as wide as their widest cell, folded where the terminal is not wide enough.
    ///
    /// `notes`: of each row, what stands below it.
    static func table(_ header: [String], _ rows: [[String]], notes: [String?] = []) {
        let lines = TextTable.lines(header, rows, notes: notes, width: columns)
        for line in lines.header { say(styled: coloured(line, 1)) }
        for line in lines.rows { say(line) }
    }

    private static func put(_ data: Data) { RootCommand.print(data, program: "watchword") }
}

extension MatchMessage {
    /// An event's phase as a line for people.
    var line: Styled {
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
