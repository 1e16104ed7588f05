import ArgumentParser
import CommandSupport
import Concurrency
import Dispatch
import Foundation
import TrainingRuns

/// Runs a training on its own thread; SIGINT and SIGTERM raise the flag that asks it to stop.
///
/// `train` returns false if it stopped early; then a hint is printed, and exit code 130 is thrown.
func runInterruptibly(
    checkpoint: URL, _ train: @escaping @Sendable (StopFlag) throws -> Bool
) async throws {
    let flag = StopFlag()
    let sources = [SIGINT, SIGTERM].map { number in
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number)
        source.setEventHandler { flag.raise() }
        source.resume()
        return source
    }
    defer { for source in sources { source.cancel() } }
    guard try await offPoolThrowing({ try train(flag) }) else {
        Terminal.complain("interrupted; \(checkpoint.path) has the state, and --resume goes on")
        throw ExitCode(130)
    }
}
