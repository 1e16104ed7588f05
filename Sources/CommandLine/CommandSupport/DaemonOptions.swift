package import ArgumentParser
import ControlAPI
package import Foundation
import Messaging
import WatchwordConfiguration
package import WireFormat

/// The options of commands that talk to the daemon.
package struct DaemonOptions: ParsableArguments {
    @Option(help: "The daemon's control socket.")
    package var control: String =
        ProcessInfo.processInfo.environment["WATCHWORD_CONTROL"] ?? Configuration.daemonEndpoint("control")

    @OptionGroup package var keys: KeyOptions

    @Flag(help: "Print JSON.")
    package var json = false

    package init() {}

    /// Sends a request to the daemon and returns the result; `timeout` is in seconds.
    ///
    /// Throws `ControlFailure` if the daemon answers with an error.
    package func ask(_ operation: String, _ args: JSONValue = .object([:]), timeout: Double = 30) throws -> JSONValue {
        try ask(encoded: WireCoding.encode(ControlRequest(id: ULID.make(), op: operation, args: args)), timeout)
    }

    /// Sends a request that is already encoded; used if it is too large to build as a `JSONValue`.
    package func ask(encoded request: Data, _ timeout: Double) throws -> JSONValue {
        guard request.count <= ControlClient.largestRequest else {
            let sizes =
                "\(request.count >> 20) MB, and at most \(ControlClient.largestRequest >> 20) MB are taken at once"
            throw ControlFailure("too-large", "the request has \(sizes); do it in parts")
        }
        let data = try ControlClient(control, identity: keys.identity()).request(request, timeout: timeout)
        let reply = try WireCoding.decode(ControlReply.self, data)
        if let error = reply.error { throw ControlFailure(error.code, error.message) }
        return reply.result ?? .null
    }
}
