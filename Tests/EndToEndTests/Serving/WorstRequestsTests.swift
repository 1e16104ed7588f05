import Concurrency
import Foundation
import TestSupport
import Testing

/// Sends both sockets and the configuration the worst possible requests, while the daemon must continue.
///
/// `WATCHWORD_WORST_BYTES` sets the size of large ones: 13900000 reaches the limits of 16 MiB a request and 128 MiB an
/// import. The pool's time is measured as processor time, so that a busy machine or an unoptimised build does not
/// matter.
@Suite("The worst requests", .serialized)
struct WorstRequestsTests {
    /// The milliseconds of the cooperative pool that no operation and no reload may exceed.
    private static let most = 50.0
    private static let bytes =
        ProcessInfo.processInfo.environment["WATCHWORD_WORST_BYTES"].flatMap { Int($0) } ?? defaultBytes
    #if DEBUG
        private static let defaultBytes = 150_000
    #else
        private static let defaultBytes = 2_000_000
    #endif

    /// A daemon whose cooperative pool and watchdog are measured.
    private final class Measured: Sendable {
        let place: Place
        let socket: NotifySocket
        let daemon: Program
        let config: URL
        let log: URL
        let probe: URL
        static let token = "token-of-the-worst-requests"

        init() async throws {
            place = try Place()
            socket = try NotifySocket()
            config = place.folder.appending(path: "w.yaml")
            log = place.folder.appending(path: "err")
            probe = place.folder.appending(path: "probe")
            let library = place.folder.appending(path: "pool-probe.so").path
            let source = Fixtures.repository.appending(path: "scripts/clients/pool-probe.c").path
            let built = try await Program(
                "/bin/sh", ["-c", "cc -shared -fPIC -O2 -o \(library) \(source) -ldl -lpthread 2>&1 && echo made"]
            ).rest()
            try #require(built == "made\n", "\(built)")
            try Self.lines(place).write(to: config, atomically: true, encoding: .utf8)
            let secret = place.folder.appending(path: "token").path
            try #require(
                FileManager.default.createFile(
                    atPath: secret, contents: Data(Self.token.utf8), attributes: [.posixPermissions: 0o600]))
            daemon = try Program(
                "/bin/sh",
                ["-c", "exec env \"$@\" 2>\"$0\"", log.path] + [
                    "LD_PRELOAD=\(library)", "POOL_PROBE=\(probe.path)", "NOTIFY_SOCKET=\(socket.name)",
                    "WATCHDOG_USEC=4000000", Fixtures.plugins + "/watchwordd", "--config", config.path,
                ])
            try #require(await socket.reaches("READY=1"), "\(said)")
            // The line with its address comes after that.
            _ = try await until { self.address != nil }
        }

        /// A configuration with additional lines.
        static func lines(_ place: Place, _ more: String = "") -> String {
            """
            model: \(Fixtures.shapes.path)
            head: mean
            journal: \(place.journal)
            publish: \(place.publish)
            control: \(place.control)
            pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)
            http: {listen: "127.0.0.1:0", rate: 100000, token: \(place.folder.appending(path: "token").path)}
            limits: {requests_per_second: 100000}
            streams: [{name: world, uri: "shapes://7", fps: 2}]
            \(more)
            """
        }

        var said: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }
        var address: String? { try? /http:\/\/127\.0\.0\.1:\d+/.firstMatch(in: said).map { String($0.output) } ?? nil }

        /// The longest job of the pool since the last call, in milliseconds.
        func longest() throws -> Double {
            let file = try FileHandle(forUpdating: probe)
            defer { try? file.close() }
            let data = try file.read(upToCount: 8) ?? Data()
            try file.seek(toOffset: 0)
            try file.write(contentsOf: Data(count: 8))
            return Double(data.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }) / 1e6
        }

        /// Counts watchdog pings until the task is cancelled; also returns the longest time between two.
        func pings() async -> (count: Int, longest: Duration) {
            var (count, longest, last) = (0, Duration.zero, ContinuousClock.now)
            while !Task.isCancelled {
                guard let message = await socket.next(within: .milliseconds(200)), message.hasPrefix("WATCHDOG=1")
                else {
                    continue
                }
                (count, longest, last) = (count + 1, max(longest, .now - last), .now)
            }
            return (count, longest)
        }
    }

    /// A line of the client's output.
    private struct Told: Decodable {
        let `case`: String?
        let ms: Double?
        let bytes: Int?
        let seconds: Double?
        let health: Double?
        let jobs: Int?
    }

    @Test("no operation of either socket holds the cooperative pool, and the watchdog is pinged throughout")
    func operations() async throws {
        let measured = try await Measured()
        let address = try #require(measured.address, "\(measured.said)")
        let pings = Task { await measured.pings() }
        let script = Fixtures.repository.appending(path: "scripts/clients/worst-requests.py").path
        let client = try Program(
            "/usr/bin/python3",
            [script, measured.place.control, address, measured.probe.path, "\(Self.bytes)", Measured.token])
        let lines = try await client.rest().split(separator: "\n")
        pings.cancel()
        let told = try lines.map { try JSONDecoder().decode(Told.self, from: Data($0.utf8)) }
        let cases = told.filter { $0.case != nil }
        try #require(cases.count > 1400, "\(lines.suffix(3)) \(measured.said.suffix(2000))")
        for one in cases {
            #expect(one.ms ?? .infinity <= Self.most, "\(one)")
            // Refusals quote a little of what they refuse; an answer may hold all queries.
            #expect(one.bytes ?? 0 > 0, "no answer: \(one)")
        }
        let last = try #require(told.last)
        #expect(last.jobs ?? 0 > cases.count, "the pool was not measured")
        #expect(last.health ?? .infinity < 15)
        let (count, longest) = await pings.value
        #expect(count > 2 && longest < .seconds(15), "\(count) pings, \(longest) between two")
        let slowest = cases.sorted { $0.ms ?? 0 > $1.ms ?? 0 }.prefix(5).map { "\($0.case ?? "") \($0.ms ?? 0) ms" }
        print("worst requests: \(slowest.joined(separator: "; ")); health \(last.health ?? 0) s, pings \(longest)")
        #expect(try await measured.daemon.terminate() == 0)
    }

    @Test("nor does a configuration that is read again, whatever it holds")
    func configuration() async throws {
        let measured = try await Measured()
        let size = Self.bytes
        let long = String(repeating: "k", count: size)
        let many = (0..<size / 40).map { "- {id: q\($0), text: a blue circle, threshold: 0.9}" }.joined(separator: "\n")
        let worst = [
            "a long key": "\(long): 1", "a long text": "head: \(long)",
            "a long list": "prompts: [" + String(repeating: "k,", count: size) + "k]",
            "many keys": (0..<size / 12).map { "k\($0): 1" }.joined(separator: "\n"),
            "marks": "e" + String(repeating: "\u{301}\u{316}", count: min(size, 200_000) / 4) + ": 1",
            "uris": "head: [\"" + String(repeating: "://", count: size / 3) + "\"]",
            "aliases": "a: &a [x,x]\n" + (0..<40).map { "b\($0): &b\($0) [*a,*a]" }.joined(separator: "\n"),
            "deep": "queries: " + String(repeating: "[", count: 2000), "many queries": "queries:\n\(many)",
            "twice": "queries:\n\(many)\n- {id: q0, text: b}",
        ]
        for (name, more) in worst.sorted(by: { $0.key < $1.key }) {
            try Measured.lines(measured.place, more).write(to: measured.config, atomically: true, encoding: .utf8)
            _ = try measured.longest()
            measured.daemon.send(SIGHUP)
            // Told before and after; a refused file is told of, too.
            #expect(await measured.socket.reaches("RELOADING=1"), "\(name)")
            var pings = 0
            while let message = await measured.socket.next(within: .seconds(120)), !message.hasPrefix("READY=1") {
                if message.hasPrefix("WATCHDOG=1") { pings += 1 }
            }
            let longest = try measured.longest()
            #expect(longest <= Self.most, "\(name)")
        }
        #expect(await measured.socket.reaches("WATCHDOG=1"))
        // What the log says of such a file is short.
        #expect(measured.said.utf8.count < 100_000)
        #expect(try await measured.daemon.terminate() == 0)
    }
}
