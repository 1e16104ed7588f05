package import Foundation

/// Real members of etcd on loopback (`make setup-test`), whose data outlive them.
package final class Etcd: Sendable {
    package let members: [String]
    package let folder: URL
    private let commands: [[String]]
    private let programs: LockedPrograms

    private static let binaries = Fixtures.repository.appending(path: ".build/etcd/usr/bin").path

    /// Starts so many, and waits until they answer.
    package init(members count: Int = 1, in folder: URL) async throws {
        self.folder = folder
        let ports = try (0..<count).map { _ in (client: try freePort(), peer: try freePort()) }
        members = ports.map { "http://127.0.0.1:\($0.client)" }
        let cluster = ports.enumerated().map { "e\($0)=http://127.0.0.1:\($1.peer)" }.joined(separator: ",")
        commands = ports.enumerated().map { index, port in
            [
                "-c", "exec \"$0\" \"$@\" >/dev/null 2>&1", "\(Self.binaries)/etcd", "--name", "e\(index)",
                "--data-dir",
                folder.appending(path: "e\(index)").path, "--listen-client-urls", "http://127.0.0.1:\(port.client)",
                "--advertise-client-urls", "http://127.0.0.1:\(port.client)", "--listen-peer-urls",
                "http://127.0.0.1:\(port.peer)", "--initial-advertise-peer-urls", "http://127.0.0.1:\(port.peer)",
                "--initial-cluster", cluster, "--heartbeat-interval", "100", "--election-timeout", "1000", "--logger",
                "zap", "--log-outputs", folder.appending(path: "e\(index).log").path,
            ]
        }
        programs = LockedPrograms(try commands.map { try Program("/bin/sh", $0) })
        guard try await until({ (try? self.control(["endpoint", "health"])) != nil }) else {
            throw ProgramError(description: "etcd does not answer; its logs are in \(folder.path)")
        }
    }

    /// Runs etcdctl; what it prints.
    @discardableResult
    package func control(_ arguments: [String]) throws -> String {
        let all = ["--endpoints", members.joined(separator: ",")] + arguments
        return String(decoding: try output(of: "\(Self.binaries)/etcdctl", all), as: UTF8.self)
    }

    /// SIGKILL for all of them.
    package func killAll() { programs.replace([]) }

    /// Starts them again, on the data that they had.
    package func restart() throws { programs.replace(try commands.map { try Program("/bin/sh", $0) }) }
}

/// Programs that are killed when they are let go.
private final class LockedPrograms: @unchecked Sendable {
    // @unchecked: the lock is held wherever they are touched
    private let lock = NSLock()
    private var all: [Program]

    init(_ all: [Program]) { self.all = all }

    func replace(_ new: [Program]) { lock.withLock { all = new } }
}
