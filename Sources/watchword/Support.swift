import ArgumentParser
import CLIP
import Checkpoints
import Commands
import Evaluation
import Foundation
import Heads
import Hub
import Ingest
import Matching
import Messaging
import Permissions
import Printing
import Tensors
import Tokenizers
import Training
import Watchtower

/// Exit codes of sysexits.
enum Exit {
    static let usage = ExitCode(64)
    static let badData = ExitCode(65)
    static let noInput = ExitCode(66)
    static let unavailable = ExitCode(69)
    static let cannotCreate = ExitCode(73)
    static let outputFailed = ExitCode(RootCommand.outputFailed)
    static let noPermission = ExitCode(77)
    static let badConfiguration = ExitCode(78)

    /// Runs a command; an error becomes one sentence on standard error and the right exit code.
    static func guarding(_ body: () async throws -> Void) async throws {
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

    /// Ends the program since a file cannot be written, from where nothing can be thrown.
    static func end(_ error: FileError) -> Never {
        Terminal.progress("")
        Terminal.complain("\(error)")
        // Other threads go on: nothing is taken apart under them.
        _exit(code(for: error).rawValue)
    }

    private static func code(for error: any Error) -> ExitCode {
        switch error {
        case let source as SourceError: source.isBadData ? badData : noInput
        case is EventTruthError: noInput
        case is QueryError, is QueryPartError, is TextError, is ClipError, is NumberAhead: badData
        case let data as DataSetError: data.isMissing ? noInput : badData
        case is EvalRetrieval.NothingToMeasure: noInput
        case is TrainingError: badData
        case let model as ModelError: model.reason.contains("no such model") ? noInput : badData
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
        default: ExitCode(70)
        }
    }

    /// Whether the same request may be answered a little later.
    private static func isPassing(_ code: String) -> Bool { ["busy", "too-many-requests", "timeout"].contains(code) }
}

/// Options of commands that load a model.
struct ModelOptions: ParsableArguments {
    @Option(help: "The model: a directory, a checkpoint file, or a name from `model list`.")
    var model: String = Installation.model.path
    @Option(help: "f32, bf16, int8, or auto: bf16 for the pictures of large models where the CPU has it.")
    var precision = Precision.auto
    @OptionGroup var models: ModelsOptions

    /// Opens the model; what a person should know of its configuration goes to standard error.
    func directory() throws -> ModelDirectory {
        let directory = try ModelDirectory(models.installed.resolve(model))
        for note in directory.notes { Terminal.complain(note) }
        return directory
    }
}

/// Options of commands that talk to the daemon.
struct DaemonOptions: ParsableArguments {
    @Option(help: "The daemon's control socket.")
    var control: String =
        ProcessInfo.processInfo.environment["WATCHWORD_CONTROL"] ?? Configuration.daemonEndpoint("control")

    @OptionGroup var keys: KeyOptions

    @Flag(help: "Print JSON.")
    var json = false

    /// Asks the daemon; an error of its becomes a `ControlFailure`.
    func ask(_ operation: String, _ args: JSONValue = .object([:]), timeout: Double = 30) throws -> JSONValue {
        try ask(encoded: WireCoding.encode(ControlRequest(id: ULID.make(), op: operation, args: args)), timeout)
    }

    /// Asks what is written already: a request that is too large to be made a `JSONValue` first.
    func ask(encoded request: Data, _ timeout: Double) throws -> JSONValue {
        guard request.count <= ControlClient.largestRequest else {
            let sizes =
                "\(request.count >> 20) MB, and at most \(ControlClient.largestRequest >> 20) MB are taken at once"
            throw ControlFailure("too-large", "the request has \(sizes); do it in parts")
        }
        let data = try ControlClient(control, identity: keys.identity()).request(request, timeout: timeout)
        let reply = try WireCoding.decode(ControlReply.self, data)
        if let error = reply.error { throw ControlFailure(error.code, error.message) }
        return reply.result ?? .null
    }
}

extension DecodeMode: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
