import Foundation
import Heads
import TestSupport
import Testing

@Suite("Looking into plugins")
struct InspectionTests {
    /// The result of `watchword head probe`, in a child process, for the head "last".
    private func inspect(_ heads: ForeignHeads, _ name: String = "last", seconds: Double = 60) async throws
        -> HeadInspection
    {
        let inspector = HeadInspector(
            finder: heads.finder, program: "\(Fixtures.plugins)/watchword", seconds: seconds)
        return await inspector.inspect(try heads.finder.file(name))
    }

    @Test("a plugin says what it is, whatever else it prints")
    func works() async throws {
        let found = try await inspect(ForeignHeads("ON_ENTRY=(void)0"))
        #expect(found.problem == nil)
        #expect(found.name == "last" && found.version == "0.1" && found.kind == "pools")
        #expect(found.description == "the last frame" && found.path.hasSuffix("/libwatchword-head-last.so"))
    }

    @Test("a plugin may describe itself at length")
    func longDescription() async throws {
        let found = try await inspect(ForeignHeads("LONG"))
        #expect(found.problem == nil)
        #expect(found.description == String(repeating: "the last frame ", count: 10_000))
    }

    @Test("one that crashes, hangs or ends the process is reported with its path")
    func broken() async throws {
        let all: [(macro: String, seconds: Double, sentence: String)] = [
            ("ON_ENTRY=abort()", 60, "crashed with signal 6"),
            ("ON_ENTRY=*(volatile int*)0=1", 60, "crashed with signal 11"),
            ("ON_ENTRY=raise(9)", 60, "crashed with signal 9"),
            ("ON_ENTRY=for(;;)pause()", 0.5, "does not answer within 0.5 s"),
            ("ON_ENTRY=_exit(3)", 60, "ended the process that looked into it, with code 3"),
            ("ON_ENTRY=_exit(0)", 60, "ended the process that looked into it, with code 0"),
            ("MAJOR=2u", 60, "was built for ABI 2"),
        ]
        // Most of the time is a compiler's.
        try await together(all, atMost: 2) { try await expectProblem($0.macro, $0.seconds, $0.sentence) }
    }

    private func expectProblem(_ macro: String, _ seconds: Double, _ sentence: String) async throws {
        let heads = try ForeignHeads(macro)
        let problem = try #require(try await inspect(heads, seconds: seconds).problem)
        #expect(problem.hasPrefix("head plugin \(heads.path("last")) \(sentence)"), "\(problem)")
    }

    @Test("an impostor is reported, and a program that cannot start")
    func others() async throws {
        let heads = try ForeignHeads()
        try heads.add("newest")
        #expect(
            try await inspect(heads, "newest").problem?.contains("which is the name of \(heads.path("last"))") == true)
        let inspector = HeadInspector(finder: heads.finder, program: "/nowhere/watchword")
        #expect(
            await inspector.inspect(try heads.finder.file("last")).problem?.contains("cannot be looked into") == true)
    }
}
