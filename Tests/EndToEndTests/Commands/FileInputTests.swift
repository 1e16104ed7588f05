import Foundation
import TestSupport
import Testing

/// Tests messages and exit codes for films and other files given on a command line.
@Suite("Files that are watched", .serialized)
struct FileInputTests {
    private let folder: URL
    private let lobby = Fixtures.videos.appending(path: "lobby.mp4").path

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "files-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// Runs `watchword` in the folder with arguments as a shell splits them; `$LOBBY` and `$SHORT` are films.
    private func shell(_ words: String) async throws -> (code: Int32, out: String, err: String) {
        let (folder, lobby, short) = (folder, lobby, try Films.short())
        return try await blocking {
            let process = Process()
            process.executableURL = URL(filePath: "/bin/bash")
            process.arguments = ["-c", "watchword() { '\(Fixtures.plugins)/watchword' \"$@\"; }; \(words)"]
            process.currentDirectoryURL = folder
            process.environment = ProcessInfo.processInfo.environment.merging([
                "WATCHWORD_PIPELINES": Fixtures.repository.appending(path: "Pipelines").path,
                "WATCHWORD_MODEL": Fixtures.shapes.path, "LOBBY": lobby, "SHORT": short,
            ]) { $1 }
            let (out, err) = (folder.appending(path: ".out"), folder.appending(path: ".err"))
            for file in [out, err] { try Data().write(to: file) }
            process.standardOutput = try FileHandle(forWritingTo: out)
            process.standardError = try FileHandle(forWritingTo: err)
            process.standardInput = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            let texts = try [out, err].map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
            return (process.terminationStatus, texts[0], texts[1])
        }
    }

    private func watched(_ file: String, _ more: String = "") async throws -> (code: Int32, out: String, err: String) {
        try await shell("watchword watch \(file) --query red --head mean \(more)")
    }

    @Test("names that are no UTF-8 play, by the bytes that they are given as or as a URI")
    func bytes() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let made = try await shell("cp \"$SHORT\" $'caf\\xe9.mp4'; cp \"$SHORT\" 'a%20b #1?.mp4'")
        #expect(made.code == 0)
        for name in [
            "$'caf\\xe9.mp4'", "$'./caf\\xe9.mp4'", "\"$PWD\"/$'caf\\xe9.mp4'", "\"file://$PWD/caf%E9.mp4\"",
            "\"file:$PWD/caf%e9.mp4\"", "$'file:'\"$PWD\"$'/caf\\xe9.mp4'", "'a%20b #1?.mp4'",
            "\"file://$PWD/a%2520b #1?.mp4\"",
        ] {
            let found = try await watched(name, "--fps 1")
            #expect(found.code == 0 && found.out.contains("5 frames sampled"), "\(name): \(found)")
        }
        let missing = try await watched("$'caf\\xe8.mp4'")
        #expect(missing.code == 66 && missing.err.contains("there is no such file"), "\(missing.err)")
    }

    @Test("a picture and a file of scores may be named by bytes that are no UTF-8, too")
    func otherBytes() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let picture = Fixtures.repository.appending(path: "Tests/Fixtures/pictures/444.jpg").path
        let found = try await shell(
            "cp '\(picture)' $'caf\\xe9.jpg' && watchword embed --image $'caf\\xe9.jpg' --raw >one "
                + "&& watchword embed --image '\(picture)' --raw >two "
                + "&& [ -n \"$(grep -o '\"embedding\":[^]]*' one | tee three)\" ] "
                + "&& grep -o '\"embedding\":[^]]*' two | cmp - three "
                + "&& watchword watch \"$SHORT\" --query red --head mean --scores $'sc\\xe9.jsonl' "
                + "&& watchword watch \"$SHORT\" --query red --head mean --scores=$'s2\\xe9.jsonl' "
                + "&& cmp $'sc\\xe9.jsonl' $'s2\\xe9.jsonl' && [ -s $'sc\\xe9.jsonl' ]")
        #expect(found.code == 0, "\(found.err)")
    }

    @Test("a file is named by a path, file:/path, file:///path and file://localhost/path, and not by another machine's")
    func uris() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        for uri in ["\"file:$SHORT\"", "\"file://$SHORT\"", "\"file://localhost$SHORT\"", "\"FILE:$SHORT\""] {
            let found = try await watched(uri, "--fps 1")
            #expect(found.code == 0 && found.out.contains("5 frames sampled"), "\(uri): \(found)")
        }
        let other = try await watched("\"file://server$SHORT\"")
        #expect(other.code == 66 && other.err.contains("a path of another machine"), "\(other.err)")
    }

    @Test("a film that is cut off is watched as far as it goes, then said, by the code of bad data")
    func cut() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let made = try await shell(
            """
            set -e; for kind in mp4 mkv avi; do
            ffmpeg -v error -i "$LOBBY" -c copy -movflags +faststart whole.$kind
            head -c $(( $(stat -c %s whole.$kind) / 2 )) whole.$kind >cut.$kind; done
            """)
        #expect(made.code == 0, "\(made.err)")
        for kind in ["mp4", "mkv", "avi"] {
            let whole = try await watched("whole.\(kind)", "--fps 1")
            #expect(whole.code == 0 && !whole.err.contains("cut off"), "\(kind): \(whole)")
            let cut = try await watched("cut.\(kind)", "--fps 1")
            #expect(cut.code == 65 && cut.err.contains("it is cut off: its"), "\(kind): \(cut)")
            #expect(cut.out.contains("frames sampled"), "\(kind): \(cut)")
        }
    }

    @Test(
        "what is in a file and cannot be watched is said, by the code of bad data; what cannot be had, by another",
        arguments: [
            ("garbage.mp4", Int32(65), "not one picture of it could be decoded"),
            ("headless.mp4", 65, "there is no index"),
            ("sound.wav", 65, "it has no video track"), ("text.mp4", 65, "it is no video"),
            ("empty.mp4", 65, "found an empty one"), (".", 66, "found a directory"),
            ("gone.mp4", 66, "there is no such file"),
        ])
    func unusable(_ name: String, _ code: Int32, _ words: String) async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let made = try await shell(
            """
            set -e; ffmpeg -v error -f lavfi -i sine=d=1 sound.wav; : >empty.mp4; head -c 9000 /etc/services >text.mp4
            ffmpeg -v error -i "$LOBBY" -c copy -movflags +faststart whole.mp4
            python3 - <<'P'
            whole = open("whole.mp4", "rb").read()
            at = whole.index(b"mdat") + 4
            open("garbage.mp4", "wb").write(whole[:at] + bytes(k * 7 & 255 for k in range(len(whole) - at)))
            open("headless.mp4", "wb").write(whole[:32] + whole[at - 8:])
            P
            """)
        #expect(made.code == 0, "\(made.err)")
        for more in ["", "--clip"] {
            let found = try await watched(name, more)
            #expect(found.code == code && found.err.contains(words), "\(name) \(more): \(found)")
            #expect(!found.err.contains("data stream error") && !found.err.contains("Delayed linking"), "\(found.err)")
        }
    }

    @Test(
        "what is written to a pipe, a device or a link goes into it", arguments: ["scores", "ranks", "keygen", "film"])
    func outputs(_ kind: String) async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let commands = [
            "scores": "watchword watch \"$SHORT\" --query red --head mean --fps 1 --frames 4 --scores OUT",
            "ranks": "watchword eval --manifest clips/manifest.jsonl --head mean --bootstrap 0 --ranks OUT",
            "keygen": "watchword keygen --force --output OUT",
            "film": "watchword world video --seed 3 --seconds 2 --output OUT",
        ]
        let command = try #require(commands[kind])
        func with(_ place: String) -> String { command.replacing("OUT", with: place) }
        let made = try await shell(
            """
            set -e; mkdir real; mkfifo pipe; ln -s real/target link; ln -s pipe pipelink
            \(kind == "ranks" ? "watchword world clips --seed 3 --count 4 --full --output clips >/dev/null" : "")
            \(with("link")) >/dev/null; [ -L link ]; [ -s real/target ]
            cat pipe >read & \(with("pipe")) >/dev/null; wait; [ -p pipe ]; [ -s read ]
            cat pipe >read2 & \(with("pipelink")) >/dev/null; wait; [ -L pipelink ]; [ -s read2 ]
            \(["keygen", "film"].contains(kind) ? "" : with("/dev/stdout") + " | cat >read3; [ -s read3 ]")
            """)
        #expect(made.code == 0, "\(made.err)")
    }
}
