package import ArgumentParser
package import Foundation
package import Printing

/// Runs a program's root command, and writes to standard output and standard error with the failures handled.
///
/// If output is lost, the program exits with code 74.
package enum RootCommand {
    /// Parses `arguments` and runs the command that they name; returns after success, and exits the process otherwise.
    ///
    /// It replaces ArgumentParser's own `main`, which does not notice if its help text could not be printed.
    package static func run<Root: AsyncParsableCommand>(
        _ root: Root.Type, _ arguments: [String], program: String
    ) async {
        do {
            var command = try await Root.asyncParseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            let code = Root.exitCode(for: error)
            let text = Root.fullMessage(for: error)
            guard code != .success else {
                if !text.isEmpty { print(text + "\n", program: program) }
                return end(0)
            }
            // The message quotes the arguments.
            if !text.isEmpty { complain(ControlCharacters.escaped(text, keeping: ["\n", "\t"])) }
            if code == .validationFailure, let hint = SubcommandHint.sentence(Root.self, arguments) { complain(hint) }
            return end(code.rawValue)
        }
        end(0)
    }

    /// Writes bytes to standard output; ends the program (exit code 74) if the write fails.
    ///
    /// `program` is the program's name, which begins the error message.
    package static func print(_ bytes: some DataProtocol, program: String) {
        do { try StandardStream.output.write(bytes) } catch { end(error, program: program) }
    }

    package static func print(_ text: String, program: String) { print(Data(text.utf8), program: program) }

    /// Writes a line to standard error.
    ///
    /// If the write fails, the program continues, and exits with code 74 at its end if it otherwise succeeds.
    package static func complain(_ line: String) { write(toError: line + "\n") }

    /// Writes text to standard error without adding a line end; a failed write only changes the final exit code.
    package static func write(toError text: String) {
        do { try StandardStream.error.write(text) } catch {
            // A caller that closes standard error does not want the messages, so this is no loss.
            if !error.isClosed { complaintLost.store(true) }
        }
    }

    /// Ends the program because its output cannot be written: with an error message and exit code 74.
    ///
    /// If the reader has closed the pipe, the program ends by SIGPIPE without a message, as other Unix programs do.
    package static func end(_ error: StreamError, program: String) -> Never {
        if error.isClosedPipe { endByPipe() }
        complain("\(program): \(ControlCharacters.escaped(error.description))")
        // `_exit` runs no exit handlers, because other threads are still using what these would destroy.
        _exit(Exit.outputFailed.rawValue)
    }

    private static func endByPipe() -> Never {
        signal(SIGPIPE, SIG_DFL)
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGPIPE)
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
        raise(SIGPIPE)
        _exit(128 + SIGPIPE)
    }

    private static func end(_ code: Int32) {
        let last = code == 0 && complaintLost.load() ? Exit.outputFailed.rawValue : code
        if last != 0 { exit(last) }
    }

    private static let complaintLost = Flag()
}
