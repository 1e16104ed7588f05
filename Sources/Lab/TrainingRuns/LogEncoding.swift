import Checkpoints
import Foundation
import SystemSupport

/// Encodes the logs of trainings as JSON with sorted keys.
enum LogEncoding {
    static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return encoder
    }

    /// Writes a training's log beside its checkpoint, atomically; throws `WriteError`.
    static func write(_ log: some Encodable, to file: URL) throws {
        do {
            try encoder.encode(log).write(to: file, options: .atomic)
        } catch {
            throw WriteError(file.path, error.localizedDescription)
        }
    }
}
