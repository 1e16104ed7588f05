import Foundation
import Journal
import TestSupport
import Testing

@Suite("The guide's commands")
struct GuideTests {
    /// A block of commands from the operator's guide, with other paths, and without effect of `sudo` and `systemctl`.
    private func commands(_ name: String, _ folder: URL) throws -> String {
        let guide = try String(contentsOf: Fixtures.repository.appending(path: "docs/OPERATING.md"), encoding: .utf8)
        let block = try #require(guide.components(separatedBy: "```sh \(name)\n").dropFirst().first)
        var commands = try #require(block.components(separatedBy: "```").first)
        for (path, place) in [("/var/lib/watchword", "state"), ("/backup", "backup"), ("/etc/watchword", "etc")] {
            #expect(commands.contains(path) || path == "/etc/watchword")
            commands = commands.replacingOccurrences(of: path, with: folder.appending(path: place).path)
        }
        return "set -eu; sudo() { \"$@\"; }; systemctl() { :; }\n" + commands
    }

    private func shell(_ commands: String) async throws -> String {
        try await Program("/bin/bash", ["-c", "exec 2>&1\n\(commands)\necho done"]).rest()
    }

    @Test(
        "a backup and a restore go as they are written, before the first snapshot and after it",
        arguments: [false, true])
    func backup(_ hasSnapshot: Bool) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "guide-\(UUID())")
        let (state, backup) = (folder.appending(path: "state"), folder.appending(path: "backup"))
        let path = state.appending(path: "journal.sqlite").path
        try FileManager.default.createDirectory(
            at: folder.appending(path: "etc"), withIntermediateDirectories: true)
        let pending = PendingMessage(topic: "match.s.q", event: EventMark(id: "E", phase: .end)) { _, _ in Data() }
        var journal: Journal? = try Journal(path: path)
        _ = try journal?.append([pending])
        if hasSnapshot { _ = try journal?.write(snapshot: Data([7]), event: "E") }
        let identity = journal?.identity
        // While the daemon has it, and twice.
        for _ in 0..<2 { #expect(try await shell(commands("backup", folder)) == "done\n") }
        let attributes = try FileManager.default.attributesOfItem(atPath: backup.path)
        #expect(attributes[.posixPermissions] as? Int == 0o700)
        _ = try journal?.append([pending, pending])
        journal = nil
        #expect(try await shell(commands("restore", folder)) == "done\n")
        let owner = try FileManager.default.attributesOfItem(atPath: state.path)[.ownerAccountID] as? Int
        for name in try FileManager.default.contentsOfDirectory(atPath: state.path) {
            let file = state.appending(path: name).path
            #expect(try FileManager.default.attributesOfItem(atPath: file)[.ownerAccountID] as? Int == owner)
        }
        let restored = try Journal(path: path)
        #expect(try restored.replay(since: 0, limit: 10).entries.map(\.seq) == [1])
        #expect(restored.lastSeq == 3 && restored.identity != identity && restored.damage == nil)
        #expect(restored.snapshot(of: "E") == (hasSnapshot ? Data([7]) : nil))
    }
}
