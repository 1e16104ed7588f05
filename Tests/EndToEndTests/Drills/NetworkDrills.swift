import Concurrency
import Foundation
import TestSupport
import Testing
import WireFormat

/// A network namespace whose packets from and to 127.0.0.2 are partly lost.
///
/// The kernel drops a fifth of them in `input`, at random, for any protocol. `netem` is not in every kernel; `nft
/// numgen` nearly is.
private struct LossyNetwork {
    /// The cameras behind the losses; this process is the first in the network.
    let cameras: Cameras
    /// The command that runs others in the network.
    var within: [String] {
        ["/usr/bin/nsenter", "-t", "\(cameras.identifier)", "-U", "-n", "--preserve-credentials", "--"]
    }

    init() async throws {
        let rules = """
            ip link set lo up
            nft add table inet drill
            nft 'add chain inet drill lossy { type filter hook input priority 0; }'
            exec "$@"
            """
        cameras = try await Cameras(
            within: ["/usr/bin/unshare", "-rn", "/bin/bash", "-ec", rules, "bash"], address: "127.0.0.2")
    }

    func lose() async throws {
        for address in ["saddr", "daddr"] {
            try await filter("add rule inet drill lossy ip \(address) 127.0.0.2 numgen random mod 5 == 0 counter drop")
        }
    }

    /// Ends the losses; returns how many packets were dropped.
    func heal() async throws -> Int {
        let rules = try await filter("list chain inet drill lossy")
        try await filter("flush chain inet drill lossy")
        return rules.matches(of: /packets (\d+)/).compactMap { Int($0.1) }.reduce(0, +)
    }

    @discardableResult
    private func filter(_ words: String) async throws -> String {
        let command = within + ["/usr/sbin/nft"] + words.split(separator: " ").map(String.init)
        return try await Program(command[0], Array(command.dropFirst())).rest()
    }
}

@Suite("Drills: the network", .serialized)
struct NetworkDrills {
    @Test("of streams whose network loses 20 % of all packets, over TCP and over UDP, there are pictures all the same")
    func loss() async throws {
        let network = try await LossyNetwork()
        let sound = try await Cameras(within: network.within)
        let daemon = try Drilled(try Place(), within: network.within)
        try await daemon.ready()
        for name in ["tcp", "udp"] {
            _ = try await network.cameras.add(name, film: HealthyStream.film, seconds: 4)
            let uri = try await network.cameras.direct(name)
            let launch =
                "rtspsrc location=\(uri) protocols=udp latency=200 ! application/x-rtp,media=video ! decodebin"
                + " ! videoconvert name=convert ! appsink name=frames"
            try await daemon.add(
                name, uri, name == "udp" ? ["launch": .string(launch), "realtime": .bool(true)] : [:])
        }
        let healthy = try await daemon.addHealthy(sound)
        for name in ["tcp", "udp"] { #expect(try await daemon.plays(name)) }
        for _ in 0..<drillRounds {
            let before = try await ["tcp": daemon.sampled("tcp"), "udp": daemon.sampled("udp")]
            try await network.lose()
            for name in ["tcp", "udp"] { #expect(try await daemon.plays(name, frames: 12)) }
            let after = try await ["tcp": daemon.sampled("tcp"), "udp": daemon.sampled("udp")]
            let lost = try await network.heal()
            print("drill: \(lost) packets lost; frames sampled before \(before), after \(after)")
            #expect(lost > 10)
            for name in ["tcp", "udp"] { #expect(try await daemon.plays(name)) }
        }
        try await healthy.expectUnaffected()
        try await daemon.end()
    }
}
