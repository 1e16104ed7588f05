package import Checkpoints
package import Foundation

/// The paths of golden data.
///
/// Missing data fails a test, and never skips it.
package enum Fixtures {
    /// The repository's root, derived from this file's path.
    package static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The reference data: the bundled copy, or `WATCHWORD_REFERENCE`.
    package static let reference = directory("WATCHWORD_REFERENCE", bundled: "Tests/Fixtures/reference")
    /// Videos with golden events: the bundled copy, or `WATCHWORD_VIDEOS`.
    package static let videos = directory("WATCHWORD_VIDEOS", bundled: "Tests/Fixtures/videos")
    /// A model of the shapes world, trained elsewhere, whose scores are the videos' golden scores.
    package static let shapes = repository.appending(path: "Tests/Fixtures/models/shapes")
    /// The bundled model, trained by `watchword train`.
    package static let bundled = repository.appending(path: "Models/shapes")

    private static func directory(_ variable: String, bundled: String) -> URL {
        if let path = ProcessInfo.processInfo.environment[variable] { return URL(filePath: path) }
        return repository.appending(path: bundled)
    }

    /// Returns the entries of a directory, sorted; throws if it is missing, or if no entry passes.
    package static func entries(of directory: URL, where keep: (URL) -> Bool = { _ in true }) throws -> [URL] {
        let found = try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
            .filter(keep).sorted { $0.lastPathComponent < $1.lastPathComponent }
        guard !found.isEmpty else { throw MissingFixture(path: directory.path) }
        return found
    }

    /// Decodes a JSON file.
    package static func json<T: Decodable>(_ type: T.Type, _ url: URL) throws -> T {
        try JSONDecoder().decode(type, from: Data(contentsOf: url))
    }

    /// The two files, either of which holds a reference case's weights.
    package static let weightFiles = ["model.safetensors", "pytorch_model.bin"]

    package static func checkpoint(_ url: URL) throws -> any CheckpointFile { try openCheckpoint(path: url.path) }

    package static func safetensors(_ url: URL) throws -> SafetensorsFile { try SafetensorsFile(path: url.path) }
}

/// Golden data that is missing.
package struct MissingFixture: Error, CustomStringConvertible {
    package let path: String
    package init(path: String) { self.path = path }
    package var description: String { "\(path) has no golden data" }
}

/// The cosine of the angle between two vectors, in double precision.
package func cosine(_ a: some Collection<Float>, _ b: some Collection<Float>) -> Double {
    var (dot, aa, bb) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
        dot += Double(x) * Double(y)
        aa += Double(x) * Double(x)
        bb += Double(y) * Double(y)
    }
    return a.count == b.count ? dot / (aa * bb).squareRoot() : .nan
}

/// The largest |a - b| - rtol·|b|; a NaN or a difference in length counts as infinite.
package func worstExcess(_ a: some Collection<Float>, _ b: some Collection<Float>, rtol: Double = 0) -> Double {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).map { x, y in
        let excess = abs(Double(x) - Double(y)) - rtol * abs(Double(y))
        return excess.isNaN ? .infinity : excess
    }.max() ?? 0
}

extension Fixtures {
    /// The directory where the build put programs and plugins: beside the test bundle.
    package static var plugins: String {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        // The runner is either the test binary itself or lies beside it.
        let arguments = [executable] + CommandLine.arguments
        for argument in arguments {
            let folder = URL(filePath: argument).deletingLastPathComponent().path
            if FileManager.default.fileExists(atPath: "\(folder)/libwatchword-head-mean.so") { return folder }
        }
        return repository.appending(path: ".build/release").path
    }
}
