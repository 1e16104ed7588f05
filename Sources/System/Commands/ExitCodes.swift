package import ArgumentParser

/// Exit codes of both programs: those of sysexits(3), and the shell's for an interruption.
package enum Exit {
    package static let usage = ExitCode(64)
    package static let badData = ExitCode(65)
    package static let noInput = ExitCode(66)
    package static let unavailable = ExitCode(69)
    /// A fault of our own, of a kind that no other code is for.
    package static let fault = ExitCode(70)
    package static let cannotCreate = ExitCode(73)
    package static let outputFailed = ExitCode(74)
    package static let noPermission = ExitCode(77)
    package static let badConfiguration = ExitCode(78)
    package static let interrupted = ExitCode(130)
}
