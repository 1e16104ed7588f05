import Foundation
import History
import Synchronization
import SystemSupport

/// A separate folder for a history.
struct Scratch {
    let path: String
    init() { path = FileManager.default.temporaryDirectory.appending(path: "history-\(UUID())").path }
    var folder: HistoryFolder { HistoryFolder(path) }
    func remove() { try? FileManager.default.removeItem(atPath: path) }

    /// Copies the files as they are, which is what a kill of the writer at this moment leaves.
    func killed() throws -> Scratch {
        let other = Scratch()
        try FileManager.default.copyItem(atPath: path, toPath: other.path)
        return other
    }

    /// The size of all files in bytes.
    var bytes: Int {
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return names.reduce(0) { sum, name in
            var status = stat()
            let isFile = lstat("\(path)/\(name)", &status) == 0 && status.st_mode & S_IFMT == S_IFREG
            return sum + (isFile ? Int(status.st_size) : 0)
        }
    }
}

/// A clock that a test sets.
final class Clock: Sendable {
    private let time: Mutex<Double>
    init(_ time: Double) { self.time = Mutex(time) }
    var now: Double { time.withLock { $0 } }
    func advance(_ seconds: Double) { time.withLock { $0 += seconds } }
}

/// Writes bytes into a sealed segment, which is not writable.
func put(_ bytes: some Sequence<UInt8>, into path: String) throws {
    chmod(path, 0o600)
    try Data(bytes).write(to: URL(filePath: path))
    chmod(path, 0o400)
}

/// Embeddings that change slowly, like a camera's, with different lengths.
struct Walk {
    private var random: SeededRandom
    private var at: [Float]

    init(seed: UInt64, width: Int) {
        random = SeededRandom(seed: seed)
        at = []
        at = (0..<width).map { _ in Float(random.normal()) }
    }

    mutating func next() -> [Float] {
        at = at.map { 0.9 * $0 + 0.44 * Float(random.normal()) }
        let length = Float(random.uniform(5, 12))
        return unit(at).map { $0 * length }
    }
}

func unit(_ vector: [Float]) -> [Float] {
    let norm = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    return vector.map { Float(Double($0) / norm) }
}

func randomUnit(_ seed: UInt64, _ width: Int) -> [Float] {
    var random = SeededRandom(seed: seed)
    return unit((0..<width).map { _ in Float(random.normal()) })
}

/// The mean head's score by its definition: the normalised mean of unit rows, times the text.
func meanScore(_ rows: ArraySlice<[Float]>, _ text: [Float]) -> Double {
    var sum = [Double](repeating: 0, count: text.count)
    for row in rows { for (place, value) in unit(row).enumerated() { sum[place] += Double(value) } }
    let norm = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return zip(sum, text).reduce(0) { $0 + $1.0 * Double($1.1) } / norm
}

let width = 96
let window = 8
/// 2026-11-30 at noon, in seconds since 1970.
let noon = 1_796_040_000.0

func settings(_ retention: HistoryRetention = HistoryRetention(days: nil, bytes: nil)) -> HistoryWriter.Settings {
    HistoryWriter.Settings(model: "test@1", width: width, window: window, retention: retention)
}

/// Writes a stream's frames, one a second.
@discardableResult
func write(
    _ scratch: Scratch, stream: String = "lobby", seed: UInt64 = 1, frames: Int, from wall: Double = noon,
    closes: Bool = true
) throws -> (writer: HistoryWriter, rows: [[Float]]) {
    let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
    var walk = Walk(seed: seed, width: width)
    let rows = (0..<frames).map { _ in walk.next() }
    for (place, row) in rows.enumerated() {
        if place % 1000 == 999 { writer.flush() }
        writer.append(
            HistoryFrame(
                stream: stream, embedding: row, media: Double(place), wall: wall + Double(place),
                isDiscontinuity: place == 0))
    }
    if closes { writer.close() } else { writer.flush() }
    return (writer, rows)
}

func query(_ texts: [[Float]], limit: Int = 5) -> HistoryQuery {
    var query = HistoryQuery(texts: texts, model: "test@1", width: width)
    query.limit = limit
    return query
}

func read(_ scratch: Scratch) throws -> [HistoryRow] {
    try scratch.folder.segments().flatMap { segment in
        let reader = try HistoryReader(segment)
        var rows: [HistoryRow] = []
        while let next = reader.next() { rows += next }
        return rows
    }
}
