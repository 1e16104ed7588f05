import Concurrency
import Daemon
import Engine
import Foundation
import Logging
import Service
import Synchronization
import TestSupport
import Testing
import WatchwordConfiguration
import WireFormat

@Suite("What systemd and the journal are told")
struct ServiceTests {
    @Test("each message arrives as sd_notify(3) has it, at a path and at an abstract name", arguments: [false, true])
    func messages(_ abstract: Bool) async throws {
        let socket = try NotifySocket(abstract: abstract)
        let notifier = SystemdNotifier(environment: ["NOTIFY_SOCKET": socket.name])
        notifier.ready()
        #expect(await socket.next() == "READY=1")
        notifier.status("one\ntwo\r\nREADY=1")
        #expect(await socket.next() == "STATUS=one two READY=1")
        notifier.alive()
        #expect(await socket.next() == "WATCHDOG=1")
        var before = timespec()
        clock_gettime(CLOCK_MONOTONIC, &before)
        notifier.reloading()
        let reloading = try #require(await socket.next())
        let told = try #require(try /RELOADING=1\nMONOTONIC_USEC=(\d+)/.wholeMatch(in: reloading)?.1)
        #expect(try #require(Int(told)) >= before.tv_sec * 1_000_000 + before.tv_nsec / 1000)
        notifier.stopping()
        #expect(await socket.next() == "STOPPING=1")
    }

    @Test("a name that sd_notify(3) does not allow is told nothing, though a socket is there")
    func wrongNames() async throws {
        let socket = try NotifySocket()
        let upwards = FileManager.default.currentDirectoryPath.split(separator: "/").map { _ in ".." }
        let relative = upwards.joined(separator: "/") + socket.name
        try #require(FileManager.default.fileExists(atPath: relative))
        // A path is at most 107 bytes long; more slashes name the same file.
        let long = String(repeating: "/", count: 200) + socket.name
        for name in ["", relative, long, "@" + socket.name, "/no/such/socket"] {
            SystemdNotifier(environment: ["NOTIFY_SOCKET": name]).ready()
        }
        SystemdNotifier(environment: [:]).ready()
        #expect(await socket.next(within: .zero) == nil)
        SystemdNotifier(environment: ["NOTIFY_SOCKET": socket.name]).ready()
        #expect(await socket.next() == "READY=1")
    }

    @Test("a socket that nobody reads takes what the kernel queues; the rest is lost, and later messages arrive")
    func unread() async throws {
        let limit = try String(contentsOfFile: "/proc/sys/net/unix/max_dgram_qlen", encoding: .utf8)
        // The kernel refuses a datagram once more than this many wait (`unix_recvq_full`).
        let queued = try #require(Int(limit.trimmingCharacters(in: .whitespacesAndNewlines))) + 1
        let socket = try NotifySocket()
        let notifier = SystemdNotifier(environment: ["NOTIFY_SOCKET": socket.name])
        for _ in 0..<queued { notifier.alive() }
        notifier.ready()
        for _ in 0..<queued { #expect(await socket.next(within: .zero) == "WATCHDOG=1") }
        #expect(await socket.next(within: .zero) == nil)
        notifier.stopping()
        #expect(await socket.next() == "STOPPING=1")
    }

    @Test("the watchdog's time is read, if it is for this process")
    func watchdogTime() {
        func watchdog(_ environment: [String: String]) -> Duration? {
            SystemdNotifier(environment: environment, process: 7).watchdog
        }
        #expect(watchdog(["WATCHDOG_USEC": "30000000"]) == .seconds(30))
        #expect(watchdog(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"]) == .seconds(30))
        #expect(watchdog(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"]) == nil)
        for wrong in ["", "0", "-1", "soon"] { #expect(watchdog(["WATCHDOG_USEC": wrong]) == nil) }
        #expect(watchdog([:]) == nil)
    }

    @Test("pings come while the loop goes round, and end with it")
    func pings() async throws {
        let socket = try NotifySocket()
        let notifier = SystemdNotifier(environment: ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "1000"])
        let rounds = Atomic(0)
        await Watchdog(notifier, logger: LogLines(LogSettings()).logger("test")).ping {
            rounds.wrappingAdd(1, ordering: .relaxed).newValue <= 3
        }
        for _ in 0..<3 { #expect(await socket.next() == "WATCHDOG=1") }
        #expect(await socket.next(within: .zero) == nil)
    }

    @Test("an idle loop answers by being nudged; one that is over says so, to all who wait")
    func pulse() async {
        let pulse = LoopProbe()
        #expect(await pulse.next { pulse.beat() })
        #expect(await !pulse.next { pulse.end() })
        #expect(await !pulse.next { Issue.record("nudged what is over") })
    }

    @Test("a nudge makes the queue's consumer go round with nothing, once")
    func nudge() async {
        let queue = FrameQueue()
        queue.nudge()
        #expect(await queue.next(limit: 8, maxDelay: .seconds(1))?.isEmpty == true)
        async let waiting = queue.next(limit: 8, maxDelay: .seconds(1))
        queue.nudge()
        #expect(await waiting?.isEmpty == true)
        queue.finish()
        #expect(await queue.next(limit: 8, maxDelay: .seconds(1)) == nil)
    }

    @Test("what hangs is waited for no longer than said")
    func hanging() async {
        #expect(await within(.seconds(60)) {})
        #expect(await !within(.milliseconds(1)) { try? await Task.sleep(for: .seconds(3600)) })
    }
}

@Suite("Logs")
struct LogTests {
    /// The output of a logger.
    private func written(
        _ settings: LogSettings = LogSettings(), journal: Bool = false, _ body: (LogLines, inout Logger) -> Void
    ) -> String {
        let pipe = Pipe()
        let noon = Date(timeIntervalSince1970: 1_769_860_800)
        let lines = LogLines(
            settings, descriptor: pipe.fileHandleForWriting.fileDescriptor, journal: journal, now: { noon })
        var logger = lines.logger("test")
        body(lines, &logger)
        pipe.fileHandleForWriting.closeFile()
        return String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    }

    @Test("an event is a line with its time, level and values in order")
    func text() {
        let found = written { _, logger in
            logger.info("ready", metadata: ["b": "two words", "a": "1", "c": "", "d": "say \"a=b\\\""])
            logger.debug("not said")
        }
        #expect(found == "2026-01-31T12:00:00Z info ready a=1 b=\"two words\" c=\"\" d=\"say \\\"a=b\\\\\\\"\"\n")
    }

    @Test("the journal gets the priority, and no time", arguments: zip(Logger.Level.allCases, [7, 7, 6, 5, 4, 3, 2]))
    func journal(_ level: Logger.Level, _ priority: Int) {
        var settings = LogSettings()
        settings.level = .trace
        #expect(
            written(settings, journal: true) { _, logger in logger.log(level: level, "it", metadata: ["x": "1"]) }
                == "<\(priority)>it x=1\n")
    }

    @Test("whatever a value holds, an event is one line, and says nothing to a terminal or in another's name")
    func control() {
        let bad = "a\nb\r\u{1b}[2J\u{7}\u{0}\u{2028}\u{202e}\u{85}<0>"
        let found = written(journal: true) { _, logger in logger.error("\(bad)", metadata: ["k\ney": "\(bad)"]) }
        #expect(found.unicodeScalars.filter { $0.value < 32 || $0.value == 0x85 } == ["\n"])
        #expect(found.hasPrefix("<3>a\\nb\\r\\u{1B}[2J") && found.contains("k\\ney=") && found.hasSuffix("<0>\n"))
        #expect(!found.contains("\u{2028}") && !found.contains("\u{202e}"))
    }

    @Test("JSON is an object a line, with the journal's priority before it")
    func json() throws {
        var settings = LogSettings()
        settings.format = .json
        let found = written(settings, journal: true) { _, logger in
            logger.warning("line\nline", metadata: ["stream": "lobby", "level": "not it"])
        }
        #expect(found.hasPrefix("<4>{") && found.filter(\.isNewline).count == 1)
        let object = try WireCoding.decode(JSONValue.self, Data(found.dropFirst(3).utf8))
        #expect(object["message"] == .string("line\nline") && object["stream"] == .string("lobby"))
        #expect(object["level"] == .string("warning") && object["at"] == .string("2026-01-31T12:00:00Z"))
    }

    @Test("a change of the level holds for loggers that there are; a logger's own level goes before")
    func levels() {
        let found = written { lines, logger in
            let other = logger
            logger.logLevel = .error
            lines.settings.level = .debug
            other.debug("said")
            logger.info("not said")
        }
        #expect(found == "2026-01-31T12:00:00Z debug said\n")
    }

    @Test("the journal is known by the device and inode that systemd names")
    func isJournal() throws {
        let pipe = Pipe()
        let descriptor = pipe.fileHandleForReading.fileDescriptor
        var found = stat()
        try #require(fstat(descriptor, &found) == 0)
        #expect(LogLines.isJournal(descriptor, named: "\(found.st_dev):\(found.st_ino)"))
        for name in ["\(found.st_dev):\(found.st_ino + 1)", "", "x"] {
            #expect(!LogLines.isJournal(descriptor, named: name))
        }
        #expect(!LogLines.isJournal(descriptor, named: nil))
    }

    @Test("levels and formats are read, and wrong ones named")
    func settings() throws {
        let found = try Configuration(yaml: "log: {level: debug, format: json}", path: "w.yaml").log
        #expect(found.level == .debug && found.format == .json)
        for (yaml, part) in [
            ("log: {level: loud}", "none of trace, debug"), ("log: {format: xml}", "none of text, json"),
        ] {
            #expect { try Configuration(yaml: yaml, path: "w.yaml") } throws: { "\($0)".contains(part) }
        }
    }
}
