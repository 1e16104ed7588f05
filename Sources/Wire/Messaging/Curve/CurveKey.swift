import CZeroMQ
import Foundation
package import SystemSupport

/// The error of a CURVE key that is invalid or whose file cannot be used.
package struct CurveKeyError: Error, Equatable, CustomStringConvertible {
    package let kind: FileProblem.Kind
    /// The path of the key's file; nil if the key is not from a file.
    package let path: String?
    package let reason: String

    package init(_ kind: FileProblem.Kind, path: String? = nil, _ reason: String) {
        self.kind = kind
        self.path = path
        self.reason = reason
    }

    package var description: String { path.map { "\($0): \(reason)" } ?? reason }
}

/// A public key of CurveZMQ: 32 bytes, written as 40 characters of Z85.
package struct CurvePublicKey: Sendable, Hashable, CustomStringConvertible {
    package let bytes: [UInt8]

    package init(z85 text: some StringProtocol) throws(CurveKeyError) { bytes = try Z85.key(text) }

    /// Makes a key from its 32 bytes; nil if the number of bytes is another.
    init?(bytes: Data) {
        guard bytes.count == 32 else { return nil }
        self.bytes = Array(bytes)
    }

    package var z85: String { Z85.text(bytes) }
    package var description: String { z85 }
}

/// A secret key of CurveZMQ; printing the value or inspecting it does not reveal the key, only `z85` does.
package struct CurveSecretKey: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    let bytes: [UInt8]

    package init(z85 text: some StringProtocol) throws(CurveKeyError) { bytes = try Z85.key(text) }

    package static func make() throws(CurveKeyError) -> CurveSecretKey {
        var publicText = [CChar](repeating: 0, count: 41)
        var secretText = publicText
        guard Curve.isAvailable, zmq_curve_keypair(&publicText, &secretText) == 0 else { throw Curve.unavailable }
        return try CurveSecretKey(z85: Curve.string(secretText))
    }

    package var z85: String { Z85.text(bytes) }
    package var description: String { "a secret key" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// Computes the public key that belongs to this secret key.
    package func publicKey() throws(CurveKeyError) -> CurvePublicKey {
        var publicText = [CChar](repeating: 0, count: 41)
        guard Curve.isAvailable, zmq_curve_public(&publicText, z85) == 0 else { throw Curve.unavailable }
        return try CurvePublicKey(z85: Curve.string(publicText))
    }
}

/// Tells whether this machine's ZeroMQ library supports CURVE.
package enum Curve {
    package static let isAvailable = zmq_has("curve") != 0
    static let unavailable = CurveKeyError(.missing, "this machine's ZeroMQ was built without CURVE")

    fileprivate static func string(_ text: [CChar]) -> String {
        String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// ZeroMQ's text encoding of bytes (RFC 32): five characters for every four bytes.
enum Z85 {
    private static let letters = Array(
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#".utf8)
    private static let values: [UInt8: UInt64] = Dictionary(
        uniqueKeysWithValues: letters.enumerated().map { ($1, UInt64($0)) })

    /// Decodes a key of 40 characters to its 32 bytes.
    static func key(_ text: some StringProtocol) throws(CurveKeyError) -> [UInt8] {
        let letters = Array(text.utf8)
        guard letters.count == 40 else {
            throw CurveKeyError(.malformed, "a key has 40 letters of Z85, this has \(letters.count)")
        }
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: 40, by: 5) {
            var number: UInt64 = 0
            for place in start..<start + 5 {
                guard let value = values[letters[place]] else {
                    throw CurveKeyError(.malformed, "a key is written in Z85, and letter \(place + 1) of this is not")
                }
                number = number * 85 + value
            }
            guard number <= UInt64(UInt32.max) else {
                throw CurveKeyError(
                    .malformed,
                    "a key is written in Z85, and letters \(start + 1) to \(start + 5) of this are too large")
            }
            bytes += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
        }
        return bytes
    }

    static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 4) {
            var number = bytes[start..<start + 4].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            var group: [UInt8] = []
            for _ in 0..<5 {
                group.append(letters[Int(number % 85)])
                number /= 85
            }
            text += group.reversed()
        }
        return String(decoding: text, as: UTF8.self)
    }
}
