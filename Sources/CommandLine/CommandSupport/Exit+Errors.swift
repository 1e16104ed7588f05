import ArgumentParser
import Benchmarking
import CLIP
import Checkpoints
package import Commands
import ControlAPI
import Evaluation
import EvaluationRuns
import Foundation
import Heads
import History
import Hub
import Ingest
import Matching
import Messaging
import Printing
import Segments
import StreamSources
import SystemSupport
import Tokenizers
import Training
import WatchwordConfiguration
import WireFormat

package typealias Exit = Commands.Exit

/// Maps errors to exit codes.
extension Exit {
    /// Runs a command; on an error prints it as one line on standard error, and throws its exit code.
    package static func guarding(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let code as ExitCode {
            throw code
        } catch let validation as ValidationError {
            throw validation
        } catch {
            Terminal.complain("\(error)")
            throw code(for: error)
        }
    }

    /// Ends the program because of an error, such as that of a file that cannot be written, for code that cannot throw.
    package static func end(_ error: any Error) -> Never {
        Terminal.progress("")
        Terminal.complain("\(error)")
        // `_exit` runs no exit handlers, which could free memory that other threads still use.
        _exit(code(for: error).rawValue)
    }

    private static func code(for error: any Error) -> ExitCode {
        switch error {
        case let source as SourceError: source.isBadData ? badData : noInput
        case is EventTruthError: noInput
        case is QueryError, is QueryPartError, is TextError, is ClipError, is NumberAhead: badData
        case let data as DataSetError: data.isMissing ? noInput : badData
        case is RetrievalEvaluation.NothingToMeasure: noInput
        case is TrainingError: badData
        case let model as ModelError: model.kind == .missing ? noInput : badData
        case is CheckpointError, is TokenizerError: badData
        case let file as FileError: file.isFault ? outputFailed : cannotCreate
        case let video as VideoWriteError: video.isFault ? outputFailed : cannotCreate
        case is WriteError: cannotCreate
        case is StreamError: outputFailed
        case let hub as HubError:
            switch hub.kind {
            case .usage: usage
            case .notFound: noInput
            case .noPermission: noPermission
            case .unavailable: unavailable
            case .badData: badData
            }
        case is ConfigurationError, is HeadError: badConfiguration
        case let problem as HistoryProblem: code(for: problem.kind)
        case is HistoryRefusal: unavailable
        case is UnreadableFile: noInput
        case let key as CurveKeyError:
            switch key.kind {
            case .missing: noInput
            case .exposed: noPermission
            case .malformed: badData
            }
        case let error as MessagingError where error.isDenied: noPermission
        case is WriteRefusal: cannotCreate
        case is HalfAnIdentity, is Advice: usage
        case is MessagingError, is ClipServer.Missing: unavailable
        case let failure as ControlReply.Failure where failure.code == "forbidden": noPermission
        case let failure as ControlFailure where failure.code == "forbidden": noPermission
        case let failure as ControlReply.Failure: isPassing(failure.code) ? unavailable : badData
        case let failure as ControlFailure where isPassing(failure.code): unavailable
        case let failure as ControlFailure: failure.code == "not-found" ? noInput : badData
        default: fault
        }
    }

    private static func code(for problem: HistoryProblem.Kind) -> ExitCode {
        switch problem {
        case .unwritable: cannotCreate
        case .inUse: unavailable
        case .gone: noInput
        case .unreadable, .damaged, .cut, .future, .otherModel, .otherWidth: badData
        }
    }

    /// Returns true for a code of the daemon's errors after which the same request may soon succeed.
    private static func isPassing(_ code: String) -> Bool { ["busy", "too-many-requests", "timeout"].contains(code) }
}
