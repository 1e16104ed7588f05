import Foundation
import TestSupport
import Testing
import WireFormat

/// A fault of a camera in the middle of an event, and what its clip must be.
private struct ClipFault: Sendable {
    let kind: String
    /// Files of the clip, at least.
    var files = 1
    /// Whether each file is a part of the film, picture by picture.
    var isWhole = true
    /// Whether the second file is of another film.
    var isRecoded = false

    static let all = [
        ClipFault(kind: "gone", files: 2), ClipFault(kind: "stall", files: 2), ClipFault(kind: "clock"),
        ClipFault(kind: "loss", isWhole: false), ClipFault(kind: "nal", isWhole: false),
        ClipFault(kind: "size", files: 2, isRecoded: true), ClipFault(kind: "codec", files: 2, isRecoded: true),
    ]
}

@Suite("Drills: clips", .serialized)
struct ClipDrills {
    private static let film = HealthyStream.film
    /// A contrast that is always likelier: one event a stream, which lasts until the query is removed.
    private static let always = [
        "- {id: always, text: a blue circle, head: mean, against: [a dark room], probability: 0.000000001}"
    ]

    @Test("whatever a camera does in the middle of an event, each file of the clip plays and has the camera's units")
    func clips() async throws {
        let daemon = try Drilled(try Place(), queries: Self.always, more: ["clips: {before: 1, after: 2, max: 600}"])
        let cameras = try await Cameras()
        try await daemon.ready()
        for fault in ClipFault.all {
            try await daemon.add(fault.kind, try await cameras.add(fault.kind, film: Self.film, seconds: 12))
        }
        let kinds = ClipFault.all.map(\.kind)
        try await together(kinds, atMost: 8) { kind in
            let hasBegun = try await until { try await !daemon.messages("match.\(kind).always").isEmpty }
            #expect(hasBegun, "\(kind)")
            try await expectPlays(kind, daemon, frames: 8)
        }
        for fault in ClipFault.all { try await cameras.fault(fault.kind, fault.kind) }
        for kind in ["gone", "stall"] {
            #expect(try await until { try await daemon.states(kind).contains("backing-off") }, "\(kind)")
        }
        try await together(["size", "codec"], atMost: 8) { kind in try await expectPlays(kind, daemon, frames: 12) }
        for fault in ClipFault.all { try await cameras.heal(fault.kind) }
        try await together(kinds, atMost: 8) { kind in try await expectPlays(kind, daemon, frames: 12) }
        #expect(try await daemon.place.ask("query.remove", .object(["id": .string("always")])).ok)
        for fault in ClipFault.all {
            let name = "match.\(fault.kind).always"
            let hasEnded = try await until {
                try await daemon.messages(name).contains { $0["phase"]?.string == "end" }
            }
            #expect(hasEnded, "\(fault)")
        }
        let isOver = try await until {
            try await daemon.place.ask("status").result?["clips"]?["writing"] == .object([:])
        }
        try #require(isOver)
        #expect(try await daemon.place.ask("status").result?["clips"]?["failed"] == .integer(0))
        let film = try CodedSlices.of(file: Self.film)
        for fault in ClipFault.all { try await check(fault, daemon, film) }
        try await daemon.end()
    }

    private func expectPlays(_ kind: String, _ daemon: Drilled, frames: Int64) async throws {
        #expect(try await daemon.plays(kind, frames: frames), "\(kind)")
    }

    private func check(_ fault: ClipFault, _ daemon: Drilled, _ film: [[UInt8]]) async throws {
        let messages = try await daemon.messages("match.\(fault.kind).always")
        let ends = messages.filter { $0["phase"]?.string == "end" }
        var files: [String] = []
        for end in ends {
            let first = try #require(end["clip"]?.string)
            let others = end["clips"]?.array?.compactMap(\.string) ?? [first]
            #expect(others.first == first)
            files += others
        }
        #expect(files.count >= fault.files, "\(fault.kind): \(files.count) files of \(ends.count) events")
        for (number, file) in files.enumerated() {
            let what = "\(fault.kind), file \(number + 1) of \(files.count)"
            let said = try output(
                of: "ffprobe",
                ["-v", "error", "-show_entries", "format=duration:stream=codec_name", "-of", "csv=p=0", file])
            let words = String(decoding: said, as: UTF8.self).split(separator: "\n")
            // A camera that changes its size all the time has files as short as its sizes last.
            let (seconds, least) = fault.kind == "size" ? (0, 0) : (0.5, 10)
            #expect(words.count == 2 && Double(words.last ?? "") ?? 0 > seconds, "\(what): \(words)")
            // What is damaged decodes with complaints, and does decode; but for slices whose bytes are noise.
            if fault.kind != "nal" { try output(of: "ffmpeg", ["-v", "quiet", "-i", file, "-f", "null", "-"]) }
            let isH265 = words.first == "hevc"
            let slices = try CodedSlices.of(file: file, isH265: isH265)
            #expect(slices.count > least, "\(what)")
            let isFilm = slices.first.map(film.contains) ?? false
            #expect(isFilm || fault.isRecoded || fault.kind == "nal", "\(what)")
            if fault.isWhole, isFilm { #expect(Self.isRun(slices, of: film), "\(what)") }
            // Of what lost packets only whole pictures are kept.
            if fault.kind == "loss" { #expect(slices.allSatisfy(film.contains), "\(what)") }
        }
        print("drill of clips: \(fault.kind): \(files.count) files of \(ends.count) events")
    }

    /// Whether slices follow each other as in a film that is repeated.
    private static func isRun(_ slices: [[UInt8]], of film: [[UInt8]]) -> Bool {
        guard let first = slices.first, var place = film.firstIndex(of: first) else { return false }
        for slice in slices.dropFirst() {
            if place + 1 < film.count, film[place + 1] == slice {
                place += 1
            } else if film[0] == slice {
                place = 0
            } else {
                return false
            }
        }
        return true
    }
}
