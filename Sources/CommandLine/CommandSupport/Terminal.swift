import Commands
package import Foundation
package import Printing
import WireFormat

/// The output of `watchword`: lines for people or JSON; colours and progress only on a terminal.
///
/// Control characters are escaped. If standard output cannot be written, the program ends.
package enum Terminal {
    /// True if standard error is a terminal.
    package static let isInteractive = isatty(STDERR_FILENO) == 1
    /// True if standard output is a terminal and `NO_COLOR` is not set.
    package static let hasColour = isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil

    /// The number of columns: `COLUMNS`, else what the terminal reports, else 80.
    package static let columns: Int = {
        let variable = ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) }
        if let variable, (20...10_000).contains(variable) { return variable }
        var size = winsize()
        let isKnown = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col >= 20
        return isKnown ? Int(size.ws_col) : 80
    }()

    /// Prints progress and warnings of long tasks on standard error.
    package static let reporter = ProgressReporter(progress: { progress($0) }, warn: { complain($0) })

    /// Prints one line on standard error: an error or a warning.
    package static func complain(_ text: String) {
        RootCommand.complain("watchword: \(ControlCharacters.escaped(text))")
    }

    /// Prints one line on standard output.
    package static func say(_ line: String) { put(Data((ControlCharacters.escaped(line) + "\n").utf8)) }

    /// Prints one line that has its own colours on standard output.
    package static func say(styled line: Styled) { put(Data((line.text + "\n").utf8)) }

    /// Prints a value as JSON on one line.
    package static func say(json value: some Encodable) throws { say(json: try WireCoding.encode(value)) }

    /// Prints encoded JSON on one line.
    package static func say(json data: Data) { put(ControlCharacters.escaped(json: data) + Data("\n".utf8)) }

    /// Prints encoded lines unchanged, such as those of a query file.
    package static func say(lines: Data) { put(lines) }

    /// Shows a line on standard error that the next call overwrites; does nothing if that is not a terminal.
    package static func progress(_ text: String) {
        if isInteractive { RootCommand.write(toError: "\r\u{1B}[K\(ControlCharacters.escaped(text))") }
    }

    /// Returns text in an ANSI colour, or plain if standard output has no colours.
    package static func coloured(_ text: String, _ code: Int) -> Styled { Styled(text, colour: hasColour ? code : nil) }

    /// Prints a table with columns as wide as their widest cell; cells wrap if the terminal is too narrow.
    ///
    /// `notes` has, for each row, a line to print below it, or nil.
    package static func table(_ header: [String], _ rows: [[String]], notes: [String?] = []) {
        let lines = TextTable.lines(header, rows, notes: notes, width: columns)
        for line in lines.header { say(styled: coloured(line, 1)) }
        for line in lines.rows { say(line) }
    }

    private static func put(_ data: Data) { RootCommand.print(data, program: "watchword") }
}
