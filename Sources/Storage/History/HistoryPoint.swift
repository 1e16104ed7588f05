import Foundation
import Segments

/// A time in a recorded stream or film, from which a search for similar moments ("more like this") begins.
package struct HistoryPoint: Sendable, Equatable {
    package enum Time: Sendable, Equatable {
        /// A time in a stream, in seconds since 1970.
        case wall(Double)
        /// A time in a film, in seconds from its beginning.
        case media(Double)
    }

    package var stream: String
    /// The time at which the window to search for ends; a window is the frames that are scored together.
    package var time: Time
    /// The greatest distance in seconds between the requested time and the end of the recorded window of frames.
    package static let reach = 10.0

    package init(stream: String, time: Time) { (self.stream, self.time) = (stream, time) }

    /// The nearest recorded frame or clip so far: its segment (file), its number there, and its distance in seconds.
    private struct Place {
        let segment: HistoryFolder.Segment
        let header: SegmentHeader
        let sequence: Int
        let distance: Double
    }

    /// Returns the unit embedding `[width]` of the recorded window that ends nearest to the point; nil without one.
    ///
    /// For the mean head it is the normalised mean of the unit embeddings of the window's frames, as many as there are
    /// without a gap; for another head, the clip embedding that this head made. `model`, `width`, `head` and `frames`
    /// are as in `HistoryQuery`. It reads files, so it must not run on the cooperative pool.
    package func embedding(
        _ folder: HistoryFolder, model: String, width: Int, head: String = "mean", frames: Int? = nil
    ) -> [Float]? {
        var best: Place?
        for segment in folder.segments(of: stream) where segment.isFrames == (head == "mean") && reaches(segment.day) {
            guard let chain = try? SegmentChain(segment) else { continue }
            let header = chain.header
            guard header.stream == stream, (header.model, header.width) == (model, width),
                (header.file == nil) == isWall, header.kind == .frames || header.head == head,
                header.kind == .frames || header.window == frames ?? header.window
            else { continue }
            while let block = chain.next() { see(block, header, segment, &best) }
        }
        guard let best else { return nil }
        let length = best.header.kind == .frames ? frames ?? best.header.window : 1
        return mean(of: rows(endingAt: best, length), width: width)
    }

    private var isWall: Bool { if case .wall = time { true } else { false } }

    /// Returns true if the segment (file) of a day can contain the point; a film's segment has no day.
    private func reaches(_ day: Int?) -> Bool {
        guard let day else { return !isWall }
        guard case .wall(let at) = time else { return false }
        let start = Double(day) * 86_400
        return at >= start - Self.reach && at < start + 86_400 + Self.reach
    }

    /// Updates `best` if one of the block's frames or clips is nearer to the point and has an embedding.
    private func see(
        _ block: SegmentReader.Block, _ header: SegmentHeader, _ segment: HistoryFolder.Segment, _ best: inout Place?
    ) {
        let (times, at) =
            switch time {
            case .wall(let at): (block.wall, at)
            case .media(let at): (block.media, at)
            }
        for place in 0..<block.header.entries where !block.flags(place).isBlind {
            let distance = abs(times[place] - at)
            guard distance <= Self.reach, distance < best?.distance ?? .infinity else { continue }
            best = Place(
                segment: segment, header: header, sequence: Int(block.header.sequence) + place, distance: distance)
        }
    }

    /// Returns the embeddings of the frames up to a given one, at most `length`, without a gap between them.
    private func rows(endingAt place: Place, _ length: Int) -> [[Float]] {
        guard let chain = try? SegmentChain(place.segment, readsLow: true) else { return [] }
        var rows: [PackedRow] = []
        var expected = -1
        while let block = chain.next() {
            let first = Int(block.header.sequence)
            defer { expected = first + block.header.entries }
            // Blocks that end before the window are skipped.
            guard first + block.header.entries > place.sequence - length else { continue }
            if first != expected { rows.removeAll() }
            for (offset, (entry, row)) in block.entries().enumerated() {
                if entry.flags.isDiscontinuity { rows.removeAll() }
                guard let row else {
                    rows.removeAll()
                    continue
                }
                rows.append(row)
                if rows.count > length { rows.removeFirst() }
                if first + offset == place.sequence { return rows.map { $0.embedding(width: place.header.width) } }
            }
        }
        return []
    }

    private func mean(of rows: [[Float]], width: Int) -> [Float]? {
        var sum = [Double](repeating: 0, count: width)
        for row in rows where row.count == width {
            let norm = Self.norm(row.lazy.map { Double($0) })
            guard norm > 0 else { continue }
            for place in 0..<width { sum[place] += Double(row[place]) / norm }
        }
        let norm = Self.norm(sum)
        return norm > 1e-6 ? sum.map { Float($0 / norm) } : nil
    }

    private static func norm(_ values: some Sequence<Double>) -> Double {
        values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
}
