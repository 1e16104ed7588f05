import ControlAPI
import Foundation
import WatchwordConfiguration
import WebAPI
import WireFormat

/// Reads a request to the web API, up to the arguments that an operation would get.
///
/// The input is a request as sent, with bare new lines: method and target, header fields, an empty line, a body.
enum WebRequests {
    private static let gates: [Gate] = {
        let tokens = zip(["0123456789abcdef", "fedcba9876543210"], [Role.control, .view])
            .map { HTTPToken(name: "\($1)", role: $1, secret: Array($0.utf8)) }
        return [Gate(HTTPConfiguration(), tokens: []), Gate(HTTPConfiguration(), tokens: tokens)]
    }()

    static func read(_ data: Data) throws {
        let parts = data.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
        let first = String(decoding: parts[0], as: UTF8.self).split(separator: " ", maxSplits: 1)
        var fields: [String: String] = [:]
        var rest = parts.count > 1 ? parts[1] : Data()
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")), end > rest.startIndex {
            let line = String(decoding: rest[..<end], as: UTF8.self)
            let sides = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            fields[sides[0].lowercased()] = sides.count > 1 ? sides[1].trimmingCharacters(in: .whitespaces) : ""
            rest = rest[(end + 1)...]
        }
        for gate in gates {
            try? gate.check(host: fields["host"], origin: fields["origin"], site: fields["sec-fetch-site"])
            _ = try? gate.check(authorization: fields["authorization"])
        }
        let target = try RequestTarget(first.count > 1 ? String(first[1]) : "")
        var page = Exposition()
        page.family(.gauge, "x", fields["help"] ?? "", [([("label", target.segments.joined(separator: "\n"))], 1)])
        // One line of help, one of type, one sample, whatever stands in them.
        precondition(page.text.utf8.count { $0 == UInt8(ascii: "\n") } == 3)
        let (route, path) = try Routes.find(first.first.map(String.init) ?? "", target.segments)
        guard case .operation(let operation) = route.endpoint else { return }
        let arguments = try ArgumentReader.read(
            operation, path: path, query: target.query, body: Data(rest.dropFirst()),
            contentType: fields["content-type"])
        // The arguments of an operation fit its document, and can be encoded again.
        precondition(Schemas.problem(arguments, as: operation.arguments) == nil)
        _ = try WireCoding.encode(arguments)
    }
}
