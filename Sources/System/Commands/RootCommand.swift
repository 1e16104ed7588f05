package import ArgumentParser
package import Foundation
package import Printing

/// The start and the end of a program: its output is written, or its exit code says that it was not.
package enum RootCommand {
    /// Runs the command that the arguments name; returns for exit code 0, and exits with any other.
    ///
    /// It replaces ArgumentParser's own `main`, which does not notice if its help could not be printed.
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

    /// Writes to standard output; ends the program if that fails.
    package static func print(_ bytes: some DataProtocol, program: String) {
        do { try StandardStream.output.write(bytes) } catch { end(error, program: program) }
    }

    package static func print(_ text: String, program: String) { print(Data(text.utf8), program: program) }

    /// Writes a line to standard error; if that fails, the program continues, and its exit code says so at the end.
    package static func complain(_ line: String) { write(toError: line + "\n") }

    /// Writes text to standard error without adding a line end; failures are treated as by `complain`.
    package static func write(toError text: String) {
        do { try StandardStream.error.write(text) } catch {
            // A closed standard error is the caller's wish.
            if !error.isClosed { complaintLost.store(true) }
        }
    }

    /// Ends the program because its output cannot be written; silently, as by SIGPIPE, if the reader closed the pipe.
    package static func end(_ error: StreamError, program: String) -> Never {
        if error.isClosedPipe { endByPipe() }
        complain("\(program): \(ControlCharacters.escaped(error.description))")
        // Other threads go on: nothing is taken apart under them.
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
