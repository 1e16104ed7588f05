import Foundation
import StreamSources
import TestSupport
import Testing
import WatchwordConfiguration

@Suite("The configuration")
struct ConfigurationTests {
    private let shipped = Fixtures.repository.appending(path: "systemd/watchword.yaml")

    @Test(
        "the shipped configuration says nothing: a daemon that runs with it has no streams, and takes all else by default"
    )
    func shippedDefault() throws {
        #expect(try Configuration.load(shipped.path) == Configuration())
    }

    @Test("each setting that the shipped configuration shows as a comment is right, and no key is left out")
    func shippedExamples() throws {
        let lines = try String(contentsOf: shipped, encoding: .utf8).split(separator: "\n")
        // Settings begin with a key, or are indented under one; prose does neither.
        let settings = lines.compactMap { try? /# (?<setting>[a-z_]+:.*|  .*)/.wholeMatch(in: $0)?.setting }
        // A fleet has its streams and queries elsewhere: its section is read alone.
        let begin = try #require(settings.firstIndex(of: "fleet:"))
        let end = settings[(begin + 1)...].firstIndex { !$0.hasPrefix(" ") } ?? settings.endIndex
        let fleet = ["journal: journal.sqlite"] + settings[begin..<end]
        let node = try Configuration(yaml: fleet.joined(separator: "\n"), path: shipped.path).fleet
        #expect(node?.engine.count == 3 && node?.certificate == "fleet.pem")
        let others = settings[..<begin] + settings[end...]
        let found = try Configuration(yaml: others.joined(separator: "\n"), path: shipped.path)
        #expect(found.streams.count == 4 && found.queries.count == 4 && found.log == LogSettings())
        let said = Set(settings.compactMap { try? /(?<key>[a-z_]+):.*/.wholeMatch(in: $0)?.key }.map(String.init))
        #expect { try Configuration(yaml: "zzzzzzzzzzzzz: 1", path: "w.yaml") } throws: { error in
            // The sentence about an unknown key names those that are known.
            said.allSatisfy { "\(error)".contains($0) }
                && "\(error)".split(separator: "known keys: ").last?.split(separator: ", ").count == said.count
        }
    }

    @Test(
        "what is wrong is named with its line and what to do",
        arguments: [
            ("modle: x", "1: unknown key \"modle\" in the configuration; did you mean \"model\"?"),
            ("model: x\nframes: many", "2: frames: expected a whole number, found the text \"many\""),
            ("streams:\n- name: a\n  uri: b\n  fps: fast", "4: fps: expected a number, found the text \"fast\""),
            ("streams:\n- name: a\n  uri: b\n  fps: 0", "fps: expected a number above 0"),
            (
                "streams:\n- name: a\n  uri: b\n  decode: some",
                "4: decode: expected one of all, keyframes, auto, found \"some\""
            ),
            ("streams:\n- name: a\n  uri: b\n  stall: 0", "4: stall: expected 0.5 to 3600 seconds, found 0.0"),
            (
                "streams:\n- name: a\n  uri: b\n  connect: soon",
                "4: connect: expected a number, found the text \"soon\""
            ),
            (
                "streams:\n- name: a\n  uri: b\n  backoff: {first: 5, most: 2}",
                "4: backoff: first: expected no more than most, which is 2.0 seconds"
            ),
            (
                "streams:\n- name: a\n  uri: b\n  backoff: {frist: 5}",
                "4: unknown key \"frist\" in backoff; did you mean"
            ),
            ("streams:\n- name: a\n  uri: b\n  backoff: 5", "backoff: expected keys and values, found"),
            ("streams:\n- {name: a, launch: x, credentials: c}", "credentials: a launch line has its own"),
            ("sources: {schemes: [rtsp, fd]}", "schemes: expected some of"),
            ("sources: {addresses: [camera]}", "addresses: expected an address or a range"),
            ("sources: {launch: maybe}", "launch: expected true or false"),
            ("sources: {file: [/x]}", "unknown key \"file\" in sources"),
            ("credentials: {lobby: {file: x}}", "hosts: name the hosts"),
            ("credentials: {lobby: {hosts: ['*']}}", "hosts: expected a host"),
            ("credentials: {a/b: {hosts: [x]}}", "a name must be a word without /"),
            ("streams:\n- rtsp://me:secret@camera/1", "found the text \"rtsp://camera/1\""),
            ("streams:\n- name: a\n  uri: b\n- name: a\n  uri: c", "two of the name \"a\""),
            ("streams:\n- name: a.b\n  uri: c", "letters, digits"),
            ("queries:\n- id: q", "a query: \"text\" is missing"),
            ("rerank: 0", "1: rerank: expected 1 or more"),
            ("precision: fp8", "precision: \"fp8\" is none of auto, f32, bf16, int8"),
            ("queries: 3", "queries: expected a list"),
            ("zzzzzzzzzzzzzzz: 1", "known keys: batch"),
            ("model: [", "this is not YAML"),
            ("model: a\nmodel: b", "twice"),
            ("- a", "expected keys and values"),
        ])
    func errors(_ yaml: String, _ part: String) {
        #expect { try Configuration(yaml: yaml, path: "w.yaml") } throws: {
            "\($0)".hasPrefix("w.yaml") && "\($0)".contains(part)
        }
    }

    @Test("what is decoded is read, and may be left out")
    func decode() throws {
        let yaml = "streams:\n- {name: a, uri: b, decode: keyframes}\n- {name: c, uri: d}"
        #expect(try Configuration(yaml: yaml, path: "w.yaml").streams.map(\.decode) == [.keyframes, nil])
    }

    @Test("queries may be texts alone, and get ids from them")
    func slugs() throws {
        let found = try Configuration(yaml: "queries:\n- A red van!\n- text: two  dogs\n  id: d", path: "w.yaml")
        #expect(found.queries.map(\.id) == ["a-red-van", "d"])
    }

    @Test("phrasings and prompts are read, of a query and for all")
    func prompts() throws {
        let yaml = """
            prompts: ["a photo of {}"]
            queries:
            - {text: a dog, phrasings: [a puppy, a hound], prompts: ["{}"]}
            """
        let found = try Configuration(yaml: yaml, path: "w.yaml")
        #expect(found.prompts == ["a photo of {}"] && found.queries[0].prompts == ["{}"])
        #expect(found.queries[0].phrasings == ["a puppy", "a hound"])
    }
}
