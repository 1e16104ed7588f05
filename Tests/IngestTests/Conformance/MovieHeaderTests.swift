import Containers
import Foundation
import Pixels
import TestSupport
import Testing

@Suite("The index of an MP4 film")
struct MovieHeaderTests {
    private func film(_ options: String, _ patch: FilmRow.Patch) async throws -> [UInt8] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "index-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let row = FilmRow("MP4", "mp4", "H.264", "", "-c:v libx264 -pix_fmt yuv420p\(options)", patch: patch)
        return try await blocking { [UInt8](try Data(contentsOf: row.make(in: folder))) }
    }

    private func found(_ file: [UInt8], piece: Int) -> [UInt32: TrackDisplay]? {
        var scanner = MovieScanner()
        for start in stride(from: 0, to: file.count, by: piece) {
            let index = file[start..<min(start + piece, file.count)].withUnsafeBytes {
                scanner.take($0, at: UInt64(start))
            }
            if let index { return MovieHeader.displays(in: index) }
        }
        return nil
    }

    @Test(
        "is found before and behind the pictures, whatever pieces a server sends it in",
        arguments: [
            "", " -movflags faststart",
        ])
    func pieces(_ options: String) async throws {
        let file = try await film(options, .matrix(.mirrored))
        for piece in [1, 7, 16, 4096, file.count] {
            #expect(found(file, piece: piece) == [1: TrackDisplay(orientation: .mirrored, aperture: nil)])
        }
    }

    @Test("names the part that is shown, and not one beyond the picture")
    func aperture() async throws {
        var file = try await film("", .cleanAperture)
        let shown = try #require(found(file, piece: file.count)?[1]?.aperture)
        #expect((shown.column, shown.row, shown.columns, shown.rows) == (8, 4, 64, 48))
        #expect((shown.width, shown.height) == (96, 64))
        let place = try #require(file.indices.dropLast(12).first { file[$0..<$0 + 4].elementsEqual("clap".utf8) })
        file[place + 6] = 1  // 320 columns
        #expect(found(file, piece: file.count)?[1]?.aperture == nil)
    }

    @Test("that is cut or damaged at any byte is read as far as it goes")
    func damaged() async throws {
        let file = try await film(" -movflags faststart", .matrix(.half))
        for at in 32..<min(file.count, 900) {
            var damaged = file
            damaged[at] ^= 0xFF
            _ = found(damaged, piece: 64)
            _ = MovieHeader.displays(in: Array(file[32..<at]))
        }
    }
}
