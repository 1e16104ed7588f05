import Checkpoints
import Foundation
import SystemSupport
import Training

/// Encodes the logs of trainings as JSON with sorted keys.
enum LogEncoding {
    /// A training's log, and the number of optimiser steps of the checkpoint that it belongs to.
    private struct Dated<Log: Codable>: Codable {
        let step: Int
        let log: Log
    }

    /// The file of the log of a checkpoint that may not be written yet.
    private static func next(_ file: URL) -> URL { file.appendingPathExtension("next") }

    /// Writes a checkpoint after `step` optimiser steps and its log, so that a crash leaves a checkpoint with its log.
    ///
    /// The new log is written first, beside the old one. `read` takes that of the checkpoint's step.
    static func write(_ log: some Codable, at step: Int, to file: URL, checkpoint: () throws -> Void) throws {
        try write(Dated(step: step, log: log), to: next(file))
        try checkpoint()
        guard rename(next(file).path, file.path) == 0 else { throw WriteError(file.path, errno: errno) }
    }

    /// Reads the log of the checkpoint after `step` optimiser steps; throws `TrainingError` if there is none.
    static func read<Log: Codable>(_: Log.Type = Log.self, at step: Int, from file: URL) throws -> Log {
        for place in [file, next(file)] {
            guard let data = try? Data(contentsOf: place),
                let found = try? JSONDecoder().decode(Dated<Log>.self, from: data), found.step == step
            else { continue }
            return found.log
        }
        throw TrainingError(
            "\(file.path): expected the log of the checkpoint; without --resume the training begins anew")
    }

    /// Removes a checkpoint's log.
    static func remove(_ file: URL) {
        for place in [file, next(file)] { try? FileManager.default.removeItem(at: place) }
    }

    static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return encoder
    }

    /// Writes a file atomically; throws `WriteError`.
    private static func write(_ log: some Encodable, to file: URL) throws {
        do {
            try encoder.encode(log).write(to: file, options: .atomic)
        } catch {
            throw WriteError(file.path, error.localizedDescription)
        }
    }
}
