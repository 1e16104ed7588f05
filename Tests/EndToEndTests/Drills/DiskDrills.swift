import Foundation
import Journal
import TestSupport
import Testing
import WireFormat

@Suite("Drills: what lies on the disk", .serialized)
struct DiskDrills {
    /// Runs a command to its end; returns its exit code and its output.
    private func ends(_ command: [String], _ place: Place) async throws -> (code: Int32, said: String) {
        let said = place.folder.appending(path: "said").path
        let program = try Program("/bin/bash", ["-c", "exec \"$@\" 2>\"$0\"", said] + command)
        let ended = try await until { !program.isRunning }
        try #require(ended, "\(command) goes on")
        let code = try await program.terminate()
        return (code, try String(contentsOfFile: said, encoding: .utf8))
    }

    /// Makes a copy of the shapes model with changed weights.
    private func model(_ place: Place, _ bend: (inout Data) -> Void) throws -> URL {
        let copy = place.folder.appending(path: "model")
        try? FileManager.default.removeItem(at: copy)
        try FileManager.default.copyItem(at: Fixtures.shapes, to: copy)
        let file = copy.appending(path: "model.safetensors")
        var data = try Data(contentsOf: file)
        bend(&data)
        try data.write(to: file)
        return copy
    }

    @Test("a model that was cut short, or whose header has a wrong bit, is refused by a sentence that names the file")
    func corruptModel() async throws {
        let place = try Place()
        let size = try Data(contentsOf: Fixtures.shapes.appending(path: "model.safetensors")).count
        for length in [0, 7, 1000, size / 2, size - 1] {
            let model = try model(place) { $0 = $0.prefix(length) }
            let (code, said) = try await ends(try Drilled.command(place, model: model), place)
            #expect(code == 78, "\(length) bytes: \(code), \(said)")
            #expect(said.contains("model.safetensors") && said.split(separator: "\n").count == 1, "\(said)")
        }
        // The length of the header, then its first brace.
        for bit in [0, 20, 62, 64, 70] {
            let model = try model(place) { $0[$0.startIndex + bit / 8] ^= 1 << (bit % 8) }
            let (code, said) = try await ends(try Drilled.command(place, model: model), place)
            #expect(code == 78, "bit \(bit): \(code), \(said)")
            #expect(said.contains("model.safetensors") && said.split(separator: "\n").count == 1, "\(said)")
        }
    }

    @Test("a model with weights that are no numbers is refused by a sentence", arguments: [0.25, 0.5, 0.75])
    func damagedWeights(_ place: Double) async throws {
        let daemon = try Place()
        let model = try model(daemon) { data in
            let start = data.startIndex + Int(Double(data.count) * place)
            data.replaceSubrange(start..<start + 16_384, with: repeatElement(0xFF, count: 16_384))
        }
        let (code, said) = try await ends(try Drilled.command(daemon, model: model), daemon)
        #expect(code == 78, "\(code), \(said)")
        #expect(said.contains(model.path) && said.split(separator: "\n").count == 1, "\(said)")
    }

    @Test("a corrupt journal is moved aside, reported, and begun again empty; its bytes are kept")
    func corruptJournal() async throws {
        let place = try Place()
        let bytes = Data((0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        try bytes.write(to: URL(filePath: place.journal))
        let daemon = try Drilled(place)
        let cameras = try await Cameras()
        try await daemon.ready()
        let status = try await place.ask("status").result
        let damage = status?["journal"]?["damage"]?.string ?? ""
        #expect(damage.contains(place.journal), "\(status as Any)")
        let folder = URL(filePath: place.journal).deletingLastPathComponent()
        let aside = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
            $0.contains(".corrupt-")
        }
        try #require(aside.count == 1)
        #expect(try Data(contentsOf: folder.appending(path: aside[0])) == bytes && damage.contains(aside[0]))
        try await daemon.add(
            "one", try await cameras.add("one", film: HealthyStream.film, seconds: HealthyStream.seconds))
        #expect(try await until { try await !daemon.messages("match.one.circle").isEmpty })
        try await daemon.end()
        try expectWhole(place.entries())
    }

    @Test(
        "a journal on a disk that cannot be written is refused by a sentence that names it, before anything is opened")
    func readOnly() async throws {
        let place = try Place()
        let command = try Drilled.command(place)
        let mounted = ["/usr/bin/unshare", "-rm", "/bin/bash", "-ec", "mount -t tmpfs -o ro disk \"$0\"; exec \"$@\""]
        let disk = URL(filePath: place.journal).deletingLastPathComponent().path
        let (code, said) = try await ends(mounted + [disk] + command, place)
        #expect(code == 78, "\(code), \(said)")
        #expect(said.contains(place.journal) && said.split(separator: "\n").count == 1, "\(said)")
    }
}
