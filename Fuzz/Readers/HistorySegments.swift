import Foundation
import History
import Segments

/// Reads a history's segment: 256 bytes of header, then blocks.
///
/// Checksums are corrected first, since otherwise no mutated input would be read.
enum HistorySegments {
    /// The bytes of an input that belong to the header.
    static let headed = 256
    private static let folder = FileManager.default.temporaryDirectory.appending(path: "fuzz-history-\(getpid())").path

    static func read(_ bytes: [UInt8]) {
        let place = "\(folder)/lobby/2026-11-30.frames.0.seg"
        let sealed = SegmentSeal.sealed(header: Array(bytes.prefix(headed)), blocks: Array(bytes.dropFirst(headed)))
        attempt {
            try FileManager.default.createDirectory(atPath: "\(folder)/lobby", withIntermediateDirectories: true)
            try Data(sealed).write(to: URL(filePath: place))
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let history = HistoryFolder(folder)
            let segment = history.segments()[0]
            let reader = try HistoryReader(segment)
            var rows = 0
            while let next = reader.next() {
                precondition(next.allSatisfy { ($0.embedding?.count ?? reader.header.width) == reader.header.width })
                rows += next.count
            }
            precondition(rows * 21 <= bytes.count)
            search(history, reader.header, nil)
            search(history, reader.header, 2)
            attempt { _ = HistoryRemoval(from: 5, to: 7).run(history) }
        }
    }

    private static func search(_ history: HistoryFolder, _ header: SegmentHeader, _ frames: Int?) {
        let text = [Float](repeating: 1 / Float(header.width).squareRoot(), count: header.width)
        var query = HistoryQuery(texts: [text], model: header.model, width: header.width)
        query.head = header.kind == .frames ? "mean" : header.head
        (query.frames, query.threads) = (frames, 1)
        let found = HistorySearch(history, now: { 1_796_040_000 }).run(query)
        for moment in found.moments[0] {
            precondition(moment.score.isFinite && (0...1).contains(moment.rank))
        }
    }
}
