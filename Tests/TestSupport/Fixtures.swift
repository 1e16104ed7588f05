package import Checkpoints
package import Foundation

/// Where golden data lies.
///
/// Missing data fails a test; it never skips one.
package enum Fixtures {
    /// The repository's root, found from this file.
    package static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Reference data: the bundled copy, or `WATCHWORD_REFERENCE`.
    package static let reference = directory("WATCHWORD_REFERENCE", bundled: "Tests/Fixtures/reference")
    /// Videos with goldens: the bundled copy, or `WATCHWORD_VIDEOS`.
    package static let videos = directory("WATCHWORD_VIDEOS", bundled: "Tests/Fixtures/videos")
    /// A model of the shapes world, trained elsewhere: the one whose scores the videos' goldens are.
    package static let shapes = repository.appending(path: "Tests/Fixtures/models/shapes")
    /// The model that is bundled, trained by `watchword train`.
    package static let bundled = repository.appending(path: "Models/shapes")

    private static func directory(_ variable: String, bundled: String) -> URL {
        if let path = ProcessInfo.processInfo.environment[variable] { return URL(filePath: path) }
        return repository.appending(path: bundled)
    }

    /// The entries of a directory, sorted; throws if it is missing, or if no entry passes.
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

    /// The two kinds of file that hold a reference case's weights.
    package static let weightFiles = ["model.safetensors", "pytorch_model.bin"]

    package static func checkpoint(_ url: URL) throws -> any CheckpointFile { try openCheckpoint(path: url.path) }

    package static func safetensors(_ url: URL) throws -> SafetensorsFile { try SafetensorsFile(path: url.path) }
}

/// Golden data that is not where it must be.
package struct MissingFixture: Error, CustomStringConvertible {
    package let path: String
    package init(path: String) { self.path = path }
    package var description: String { "\(path) has no golden data" }
}

/// Cosine of the angle between two vectors, in double precision.
package func cosine(_ a: some Collection<Float>, _ b: some Collection<Float>) -> Double {
    var (dot, aa, bb) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
        dot += Double(x) * Double(y)
        aa += Double(x) * Double(x)
        bb += Double(y) * Double(y)
    }
    return a.count == b.count ? dot / (aa * bb).squareRoot() : .nan
}

/// Largest |a - b| - rtol·|b|; NaN counts as infinite, as does a difference in length.
package func worstExcess(_ a: some Collection<Float>, _ b: some Collection<Float>, rtol: Double = 0) -> Double {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).map { x, y in
        let excess = abs(Double(x) - Double(y)) - rtol * abs(Double(y))
        return excess.isNaN ? .infinity : excess
    }.max() ?? 0
}

extension Fixtures {
    /// Where the build put programs and plugins: beside the test bundle.
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
