import Foundation
import Ingest
import Pixels
import Sampling
import StreamSources
import TestSupport
import Testing

/// Compares films of many kinds with what the ffmpeg command decodes: number of pictures, times, and pixels.
@Suite("Films of all kinds")
struct ConformanceTests {
    private static let side = 64
    /// The tolerance of times in seconds: containers store them in milliseconds, or in their own ticks.
    private static let tolerance = 0.002

    @Test("every picture comes, at its time and in its colours, or a sentence says why not", .timeLimit(.minutes(10)))
    func films() async throws {
        // Most of a film's time is that of ffmpeg's two processes.
        try await together(FilmTable.rows, atMost: 3) { try await expectPictures($0) }
    }

    private func expectPictures(_ row: FilmRow) async throws {
        let name = row.testDescription
        let folder = FileManager.default.temporaryDirectory.appending(path: "conformance-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let film = try await blocking { try row.make(in: folder) }
        // Watchword's own square pictures of all that is decoded.
        let (frames, events): ([Frame], [SourceEvent])
        do {
            (frames, events) = try await play(SourceDescription(uri: film.path, fps: 1000, side: Self.side))
        } catch let error as SourceError {
            // Refused before it is tried.
            (frames, events) = ([], [.failed(error.description)])
        }
        if let sentence = row.outcome.sentence {
            guard case .failed(let why) = events.last else {
                Issue.record("\(name): expected a failure with \"\(sentence)\", found \(events)")
                return
            }
            #expect(why.contains(sentence), "\(name): \(why)")
            #expect(frames.isEmpty != row.outcome.isPartly, "\(name)")
            return
        }
        let warnings = events.compactMap { if case .warning(let text) = $0 { text } else { nil } }
        #expect(
            row.warning.map { words in warnings.contains { $0.contains(words) } } ?? warnings.isEmpty,
            "\(name): \(warnings)")
        #expect(events.last == .endOfStream, "\(name): \(events)")
        let reference = try await blocking { try row.reference(film) }
        try #require(
            reference.count == frames.count - row.extra + row.missing.first + row.missing.last,
            "\(name): \(frames.map(\.mediaTime)) of \(reference.map(\.time))")
        try #require(!frames.isEmpty, "\(name)")
        let pairs = zip(frames.dropFirst(row.extra), reference.dropFirst(row.missing.first))
        for (index, (frame, picture)) in pairs.enumerated() {
            let time = row.isCounted ? Double(index) / Double(row.rate) : picture.time + row.later
            #expect(abs(frame.mediaTime - time) <= Self.tolerance, "\(name): \(frame.mediaTime) s, not \(time) s")
            let near = psnr(frame.picture.rgb, picture.square(Self.side))
            #expect(near >= row.psnr, "\(name), at \(frame.mediaTime) s: \(near) dB")
        }
    }

    @Test("docs/INPUTS.md has the table of these films")
    func document() throws {
        let file = Fixtures.repository.appending(path: "docs/INPUTS.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let wanted = try InputsTable.replaced(in: text, FilmTable.rows)
        if ProcessInfo.processInfo.environment["WATCHWORD_WRITE_INPUTS"] == "1" {
            try wanted.write(to: file, atomically: true, encoding: .utf8)
        } else {
            #expect(text == wanted, "run this test with WATCHWORD_WRITE_INPUTS=1 to write the table anew")
        }
    }
}

/// The table between two marks of `docs/INPUTS.md`.
enum InputsTable {
    private static let marks = ("<!-- table of films -->\n", "<!-- end of the table -->\n")

    static func replaced(in text: String, _ rows: [FilmRow]) throws -> String {
        guard let start = text.range(of: marks.0), let end = text.range(of: marks.1),
            start.upperBound <= end.lowerBound
        else { throw ProgramError(description: "docs/INPUTS.md: expected \(marks.0) and \(marks.1), found neither") }
        return text[..<start.upperBound] + table(rows) + text[end.lowerBound...]
    }

    private static func table(_ rows: [FilmRow]) -> String {
        let lines = rows.map { row in
            let variant = row.variant.isEmpty ? "" : row.variant
            return "| \(row.container) (.\(row.file)) | \(row.codec) | \(variant) | \(row.verdict) |\n"
        }
        return "| container | codec | what is special | what becomes of it |\n|---|---|---|---|\n" + lines.joined()
    }
}

extension FilmRow {
    /// The outcome of the film, in words.
    fileprivate var verdict: String {
        var parts: [String] = []
        switch outcome {
        case .plays: parts.append("plays")
        case .refused(let sentence): parts.append("does not play: \"… \(sentence) …\"")
        case .partly(let sentence): parts.append("plays to there, then fails: \"… \(sentence) …\"")
        }
        if missing.first > 0 { parts.append("the first \(missing.first) are left out") }
        if missing.last > 0 { parts.append("the last \(missing.last) are left out") }
        if later != 0 { parts.append("times are \(later) s later than ffmpeg's") }
        if psnr < 40 { parts.append("within \(Int(psnr)) dB of ffmpeg's pixels") }
        if let warning { parts.append("it warns: \"\(warning)\"") }
        if !note.isEmpty { parts.append(note) }
        return parts.joined(separator: "; ")
    }
}

extension FilmRow.Outcome {
    /// Words of the sentence with which it ends; nil if it ends normally.
    fileprivate var sentence: String? {
        switch self {
        case .plays: nil
        case .refused(let sentence), .partly(let sentence): sentence
        }
    }

    fileprivate var isPartly: Bool { if case .partly = self { true } else { false } }
}
