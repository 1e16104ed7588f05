import Foundation
import History
import Segments
import SystemSupport
import Testing

@Suite("A moment of a history as what is searched for")
struct PointTests {
    private func distance(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).map { abs($0 - $1) }.max() ?? .infinity }

    /// The mean of unit rows, by its definition.
    private func mean(_ rows: ArraySlice<[Float]>) -> [Float] {
        let units = rows.map(unit)
        return unit((0..<width).map { place in units.reduce(0) { $0 + $1[place] } })
    }

    @Test("the window that ends there is the query, whether its rows are in the segment or its tail")
    func wholeWindow() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let (writer, rows) = try write(scratch, frames: 700, closes: false)
        for end in [3, 7, 100, 255, 256, 260, 511, 699] {
            let point = HistoryPoint(stream: "lobby", time: .wall(noon + Double(end)))
            let found = try #require(point.embedding(scratch.folder, model: "test@1", width: width))
            let expected = mean(rows[max(0, end - window + 1)...end])
            #expect(distance(found, expected) < 1e-4, "window that ends at \(end)")
        }
        let point = HistoryPoint(stream: "lobby", time: .wall(noon + 300.4))
        let found = try #require(point.embedding(scratch.folder, model: "test@1", width: width, frames: 3))
        #expect(distance(found, mean(rows[298...300])) < 1e-4)
        // It is like itself above all.
        let asked = try #require(point.embedding(scratch.folder, model: "test@1", width: width))
        let moments = HistorySearch(scratch.folder, now: { noon }).run(query([asked])).moments[0]
        #expect(moments.first?.mediaPeak == 300 && (moments.first?.score ?? 0) > 0.9999)
        writer.close()
    }

    @Test("a window spans no gap, and where nothing was seen there is none")
    func gaps() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
        let rows = (0..<60).map { randomUnit(UInt64($0), width) }
        for (place, row) in rows.enumerated() where !(30..<45).contains(place) {
            writer.append(
                HistoryFrame(
                    stream: "lobby", embedding: place == 20 ? nil : row, media: Double(place),
                    wall: noon + Double(place),
                    isDiscontinuity: place == 0 || place == 45))
        }
        writer.close()
        func found(_ stream: String, _ wall: Double, model: String = "test@1", head: String = "mean") -> [Float]? {
            HistoryPoint(stream: stream, time: .wall(wall))
                .embedding(scratch.folder, model: model, width: width, head: head)
        }
        #expect(distance(try #require(found("lobby", noon + 22)), mean(rows[21...22])) < 1e-4)
        // The blind picture has no row: the next one is as near.
        #expect(found("lobby", noon + 20) != nil)
        #expect(distance(try #require(found("lobby", noon + 46)), mean(rows[45...46])) < 1e-4)
        #expect(found("lobby", noon + 80) == nil && found("gate", noon + 5) == nil)
        #expect(found("lobby", noon + 5, model: "other@1") == nil && found("lobby", noon + 5, head: "lstm") == nil)
        #expect(found("lobby", .nan) == nil)
        let film = HistoryPoint(stream: "lobby", time: .media(5))
        #expect(film.embedding(scratch.folder, model: "test@1", width: width) == nil)
    }

    @Test("of another head the clip that it made is the query")
    func clip() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
        for place in 0..<30 {
            for frames in [8, 12] {
                writer.append(
                    HistoryClip(
                        stream: "lobby", head: "lstm", frames: frames,
                        embedding: randomUnit(UInt64(place * frames), width),
                        mediaStart: Double(place), mediaEnd: Double(place + 7), wallEnd: noon + Double(place)))
            }
        }
        writer.flush()
        let point = HistoryPoint(stream: "lobby", time: .wall(noon + 9))
        let found = try #require(
            point.embedding(scratch.folder, model: "test@1", width: width, head: "lstm", frames: 12))
        #expect(distance(found, randomUnit(9 * 12, width)) < 1e-4)
        writer.close()
    }

    @Test("a film's moment is in seconds from its beginning")
    func film() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let header = SegmentHeader(
            kind: .frames, model: "test@1", width: width, window: window, head: "mean", stream: "court",
            file: "/films/court.mp4")
        let writer = try FilmWriter(scratch.folder, header)
        let rows = (0..<40).map { randomUnit(UInt64($0), width) }
        for (place, row) in rows.enumerated() {
            try writer.append(
                HistoryFrame(
                    stream: "court", embedding: row, media: Double(place) / 4, wall: 0, isDiscontinuity: place == 0))
        }
        try writer.finish(isCut: false)
        let found = HistoryPoint(stream: "court", time: .media(5)).embedding(
            scratch.folder, model: "test@1", width: width)
        #expect(distance(try #require(found), mean(rows[13...20])) < 1e-4)
    }
}
