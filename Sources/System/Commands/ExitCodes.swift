package import ArgumentParser

/// The exit codes of the daemon and the command-line client.
///
/// Their numbers are those of sysexits(3), and the shell's code for a program that was interrupted (SIGINT).
package enum Exit {
    package static let usage = ExitCode(64)
    package static let badData = ExitCode(65)
    package static let noInput = ExitCode(66)
    package static let unavailable = ExitCode(69)
    /// The exit code for an internal error that no other code describes (EX_SOFTWARE).
    package static let fault = ExitCode(70)
    package static let cannotCreate = ExitCode(73)
    package static let outputFailed = ExitCode(74)
    package static let noPermission = ExitCode(77)
    package static let badConfiguration = ExitCode(78)
    package static let interrupted = ExitCode(130)
}
