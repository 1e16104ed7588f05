import Foundation
import Journal
import Testing

@Suite("A damaged journal")
struct DamageTests {
    private func aside(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: URL(filePath: path).deletingLastPathComponent().path)
            .filter { $0.contains(".corrupt-") && !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm") }
    }

    /// Makes a journal with several pages of messages, all of them in the main file.
    private func made() throws -> (path: String, pages: Int) {
        let path = temporary()
        let journal = try Journal(path: path)
        _ = try journal.append((0..<400).map { message(event: "E\($0)", .start, size: 300) })
        journal.checkpoint()
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        return (path, size / 4096)
    }

    private func overwrite(_ path: String, page: Int, count: Int = 1, with byte: UInt8) throws {
        let file = try FileHandle(forUpdating: URL(filePath: path))
        try file.seek(toOffset: UInt64(page * 4096))
        try file.write(contentsOf: Data(repeating: byte, count: 4096 * count))
        try file.close()
    }

    @Test("what is no database is moved aside, unchanged and named, and an empty one takes its place")
    func nonsense() throws {
        let path = temporary()
        let folder = URL(filePath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let bytes = Data(repeating: 65, count: 9000)
        try bytes.write(to: URL(filePath: path))
        let journal = try Journal(path: path)
        let moved = try #require(aside(path).first)
        #expect(journal.damage?.contains(path) == true && journal.damage?.contains(moved) == true)
        #expect(try Data(contentsOf: folder.appending(path: moved)) == bytes)
        #expect(try journal.append([message("a")]).map(\.seq) == [1])
        #expect(try Journal(path: path).damage == nil && aside(path).count == 1)
    }

    @Test("a page overwritten anywhere is found, or nothing of what can be read is wrong", arguments: 0..<12)
    func page(_ number: Int) throws {
        let (path, pages) = try made()
        try #require(pages > 12)
        try overwrite(path, page: number * pages / 12, with: 0xFF)
        let journal = try Journal(path: path)
        try #require(journal.damage != nil)
        #expect(try aside(path).count == 1)
        // The file beside the journal says how far it was published: the number goes on there, whichever page is lost.
        let next = try journal.append([message("a")]).map(\.seq)
        #expect(next == [401])
        #expect(try journal.seqs() == next && journal.openEvents().isEmpty)
    }

    @Test("a file cut short is moved aside, and messages are taken again")
    func truncated() throws {
        let (path, pages) = try made()
        let file = try FileHandle(forUpdating: URL(filePath: path))
        try file.truncate(atOffset: UInt64(pages * 4096 / 2))
        try file.close()
        let journal = try Journal(path: path)
        #expect(journal.damage != nil)
        #expect(try journal.append([message("a")]).count == 1)
    }

    @Test("a place that cannot be written is an error that names it; nothing is moved")
    func refused() throws {
        #expect { try Journal(path: "/proc/no/journal.sqlite") } throws: { "\($0)".contains("/proc/no/journal.sqlite") }
        let folder = URL(filePath: temporary()).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        #expect(throws: JournalError.self) { try Journal(path: folder.path) }
        #expect(FileManager.default.fileExists(atPath: folder.path))
    }
}
