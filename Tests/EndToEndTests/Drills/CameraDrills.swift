import Foundation
import TestSupport
import Testing

/// A trouble of a camera, and what its stream must do.
private struct Trouble: Sendable, CustomTestStringConvertible {
    enum Kind: String {
        case gone, frozen, mute, stall, sdp, noise, unframed, nal, loss, clock, audio, size, codec
        /// The camera does not exist yet when its stream is added.
        case absent
    }
    let kind: Kind
    /// Whether the stream must leave `playing`; nil if it may.
    var leaves: Bool? = true
    /// Whether the stream plays on during the trouble.
    var playsOn = false

    var fault: String { kind == .absent ? "gone" : kind.rawValue }
    var testDescription: String { kind.rawValue }

    static let all: [Trouble] = [
        Trouble(kind: .absent), Trouble(kind: .gone), Trouble(kind: .frozen), Trouble(kind: .mute),
        Trouble(kind: .stall), Trouble(kind: .sdp), Trouble(kind: .noise), Trouble(kind: .unframed),
        Trouble(kind: .audio), Trouble(kind: .codec, playsOn: true),
        Trouble(kind: .nal, leaves: nil), Trouble(kind: .loss, leaves: nil),
        Trouble(kind: .clock, leaves: nil, playsOn: true), Trouble(kind: .size, leaves: nil, playsOn: true),
    ]
}

@Suite("Drills: cameras", .serialized)
struct CameraDrills {
    /// Runs one daemon with a healthy stream, and every kind of trouble at once on streams of their own.
    @Test("whatever cameras do, each stream comes back when its camera does, and the healthy one loses nothing")
    func cameras() async throws {
        let daemon = try Drilled(try Place())
        let cameras = try await Cameras()
        try await daemon.ready()
        for trouble in Trouble.all {
            let name = trouble.kind.rawValue
            let uri = try await cameras.add(name, film: HealthyStream.film, seconds: 4)
            if trouble.kind == .absent { try await cameras.fault(name, "gone") }
            try await daemon.add(name, uri)
        }
        let stopped = try await Cameras()
        try await daemon.add("stopped", try await stopped.add("stopped", film: HealthyStream.film, seconds: 4))
        let killed = try await RTSPServer(["--file", HealthyStream.film, "--loop"])
        try await daemon.add("killed", killed.uri)
        let healthy = try await daemon.addHealthy(cameras)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for trouble in Trouble.all {
                group.addTask { try await Self.drill(trouble, daemon, cameras) }
            }
            group.addTask { try await Self.stop(stopped, daemon) }
            group.addTask { try await Self.kill(killed, daemon) }
            try await group.waitForAll()
        }
        try await healthy.expectUnaffected()
        try await daemon.end()
    }

    private static func drill(_ trouble: Trouble, _ daemon: Drilled, _ cameras: Cameras) async throws {
        let name = trouble.kind.rawValue
        for round in 0..<drillRounds {
            var before: Int64 = 0
            if trouble.kind != .absent || round > 0 {
                #expect(try await daemon.plays(name), "\(name) does not play at first")
                before = await daemon.place.seq()
                try await cameras.fault(name, trouble.fault)
            }
            let since = before
            if trouble.leaves == true {
                let left = try await until {
                    try await daemon.states(name, since: since).contains { $0 == "backing-off" }
                }
                let now = try await daemon.stream(name)
                #expect(left, "\(name) is not seen to fail: \(now as Any)")
            }
            if trouble.playsOn {
                #expect(try await daemon.plays(name, frames: 12), "\(name) does not play on")
            } else if trouble.leaves == nil {
                // The trouble lasts as long as the healthy stream takes for 4 s of its film.
                #expect(try await daemon.plays(HealthyStream.name, frames: 16))
            }
            try await cameras.heal(name)
            let recovered = try await daemon.plays(name)
            let states = try await daemon.states(name, since: since)
            let now = try await daemon.stream(name)
            #expect(recovered, "\(name) does not come back: \(now as Any)")
            if trouble.leaves == true { #expect(states.last == "playing", "\(name): \(states)") }
            print("drill \(name): \(states.joined(separator: ", "))")
        }
    }

    /// Stops a separate server, whose connections stay open.
    private static func stop(_ server: Cameras, _ daemon: Drilled) async throws {
        for _ in 0..<drillRounds {
            #expect(try await daemon.plays("stopped"))
            let since = await daemon.place.seq()
            server.send(SIGSTOP)
            #expect(try await until { try await daemon.states("stopped", since: since).contains("backing-off") })
            server.send(SIGCONT)
            #expect(try await daemon.plays("stopped"), "stopped does not come back")
            print("drill stopped: \(try await daemon.states("stopped", since: since).joined(separator: ", "))")
        }
    }

    /// Kills a separate server, and starts it again on the same port.
    private static func kill(_ first: RTSPServer, _ daemon: Drilled) async throws {
        var server = first
        for _ in 0..<drillRounds {
            #expect(try await daemon.plays("killed"))
            let since = await daemon.place.seq()
            server.kill()
            #expect(try await until { try await daemon.states("killed", since: since).contains("backing-off") })
            server = try await RTSPServer(["--file", HealthyStream.film, "--loop", "--port", "\(first.port)"])
            #expect(try await daemon.plays("killed"), "killed does not come back")
            print("drill killed: \(try await daemon.states("killed", since: since).joined(separator: ", "))")
        }
    }
}
