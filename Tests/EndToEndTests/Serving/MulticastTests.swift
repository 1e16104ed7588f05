import Foundation
import TestSupport
import Testing
import WireFormat

/// A network with a multicast camera: two namespaces, joined by a pair of interfaces that carry multicast.
///
/// On a single machine, camera and client would both need the group's ports.
private struct MulticastNetwork {
    private let program: Program
    private let camera: Int32
    static let address = "10.9.0.2"

    init() async throws {
        let rules = """
            ip link set lo up
            ip link add inside type veth peer name outside
            ip addr add 10.9.0.1/24 dev inside
            ip link set inside up
            ip route add 224.0.0.0/4 dev inside
            coproc CAMERA { exec unshare -n /bin/sh -c 'echo in; exec cat'; }
            read -r _ <&"${CAMERA[0]}"
            ip link set outside netns "$CAMERA_PID"
            nsenter -t "$CAMERA_PID" -n /bin/bash -ec \\
                'ip link set lo up; ip addr add \(Self.address)/24 dev outside; ip link set outside up
                ip route add 224.0.0.0/4 dev outside'
            echo "$CAMERA_PID"
            cat
            echo out
            """
        program = try Program("/usr/bin/unshare", ["-rn", "/bin/bash", "-ec", rules], hasInput: true)
        camera = Int32(try await program.line()) ?? 0
        try #require(camera > 0, "there is no network with a camera")
    }

    private func within(_ process: Int32) -> [String] {
        ["/usr/bin/nsenter", "-t", "\(process)", "-U", "-n", "--preserve-credentials", "--"]
    }
    /// The command that runs a client in the network.
    var within: [String] { within(program.identifier) }

    /// Starts a camera that sends only to a multicast group.
    func serve(port: Int) async throws -> Program {
        let script = Fixtures.repository.appending(path: "scripts/servers/rtsp-server.py").path
        let film = Fixtures.videos.appending(path: "lobby.mp4").path
        let command =
            within(camera) + ["/usr/bin/python3", script, "--file", film, "--loop", "--transport", "multicast"]
            + ["--address", Self.address, "--port", "\(port)"]
        let server = try Program(command[0], Array(command.dropFirst()))
        let ready = try await server.line()
        guard ready.hasPrefix("READY ") else { throw ProgramError(description: "no RTSP server: \(ready)") }
        return server
    }
}

@Suite("Multicast")
struct MulticastTests {
    @Test("a camera that sends to a group is played by `transport: multicast`, and again after it was away")
    func plays() async throws {
        let network = try await MulticastNetwork()
        let daemon = try Drilled(try Place(), within: network.within)
        try await daemon.ready()
        let port = 8554
        let first = try await network.serve(port: port)
        let uri = "rtsp://\(MulticastNetwork.address):\(port)/clip"
        try await daemon.add("group", uri, ["transport": .string("multicast"), "fps": .number(4)])
        #expect(try await daemon.plays("group"))
        first.kill()
        #expect(try await until { try await daemon.stream("group")?["state"]?.string != "playing" })
        let second = try await network.serve(port: port)
        #expect(try await daemon.plays("group"))
        // A client that asks for packets within the connection is refused: what it got came from the group.
        try await daemon.add("tcp", uri, ["transport": .string("tcp")])
        #expect(try await until { try await daemon.stream("tcp")?["state"]?.string == "backing-off" })
        second.kill()
        try await daemon.end()
    }
}
