import Checkpoints
import Foundation
import Heads
import TestSupport
import Testing
import WatchwordHeadABI

/// A plugin as C sees it, without Watchword's host code.
struct Contract {
    private let library: UnsafeMutableRawPointer
    let descriptor: watchword_head

    init(_ plugin: String) throws {
        library = try #require(dlopen("\(Fixtures.plugins)/libwatchword-head-\(plugin).so", RTLD_NOW | RTLD_LOCAL))
        let symbol = try #require(dlsym(library, WW_HEAD_ENTRY))
        descriptor = try #require(unsafeBitCast(symbol, to: watchword_head_entry_fn.self)()).pointee
    }

    func exports(_ symbol: String) -> Bool { dlsym(library, symbol) != nil }

    /// A refused call of a plugin.
    struct Refusal: Error, CustomStringConvertible {
        let status: ww_status
        let description: String
    }

    func instance(width: Int32, maxFrames: Int32, weights: [String: HeadWeights]) throws -> UnsafeMutableRawPointer {
        var instance: UnsafeMutableRawPointer?
        var why = [CChar](repeating: 0, count: 256)
        let status = Self.lend(weights) {
            descriptor.create(width, maxFrames, $0, $0.count, "{}", &instance, &why, why.count)
        }
        guard status == WW_OK, let instance else { throw Refusal(status: status, description: Self.text(why)) }
        return instance
    }

    /// Pools, or scores pairs of one text of ones with the first window.
    ///
    /// Returns the first number of the result, which is 7 before the call.
    func call(
        _ instance: UnsafeMutableRawPointer?, _ frames: [Float]?, _ mask: [UInt8]?, _ B: Int32, _ T: Int32
    ) -> (status: ww_status, why: String, out: Float) {
        var out = [Float](repeating: 7, count: 256)
        var why = [CChar](repeating: 0, count: 256)
        let status =
            if let pool = descriptor.pool {
                pool(instance, frames, mask, B, T, &out, &why, why.count)
            } else if let score = descriptor.get_extension?(WW_EXT_PAIRING)?.assumingMemoryBound(to: ww_pairing.self)
                .pointee.score
            {
                score(
                    instance, [Float](repeating: 1, count: 128), 1, frames, mask, B, T, [0], [0], 1, &out, &why,
                    why.count)
            } else {
                WW_FAILED
            }
        return (status, Self.text(why), out[0])
    }

    private static func text(_ why: [CChar]) -> String {
        String(decoding: why.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Lends weights as the contract's tensors, for the duration of `body`.
    static func lend<R>(_ weights: [String: HeadWeights], _ body: ([ww_tensor]) -> R) -> R {
        func copy<T>(_ values: [T]) -> UnsafeMutableBufferPointer<T> {
            let memory = UnsafeMutableBufferPointer<T>.allocate(capacity: values.count)
            _ = memory.initialize(from: values)
            return memory
        }
        let lent = weights.map { name, weight in
            (name: copy(Array(name.utf8CString)), shape: copy(weight.shape.map(Int64.init)), data: copy(weight.values))
        }
        defer {
            for tensor in lent {
                tensor.name.deallocate()
                tensor.shape.deallocate()
                tensor.data.deallocate()
            }
        }
        return body(
            lent.map {
                ww_tensor(
                    name: $0.name.baseAddress, shape: $0.shape.baseAddress, data: $0.data.baseAddress,
                    rank: UInt32($0.shape.count), reserved: 0)
            })
    }
}
