import Checkpoints
import Foundation
package import WatchwordHeadABI

/// The C side of a Swift head: each function of the descriptor is one line that calls these with the head's type.
package enum HeadCalls {
    /// `watchword_head.create`.
    package static func create<H: TemporalHead>(
        _: H.Type, _ width: Int32, _ maxFrames: Int32, _ tensors: UnsafePointer<ww_tensor>?, _ count: Int,
        _ config: UnsafePointer<CChar>?, _ instance: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
        _ why: UnsafeMutablePointer<CChar>?, _ size: Int
    ) -> ww_status {
        report(why, size) {
            guard width > 0, maxFrames > 0 else {
                throw HeadFailure(WW_BAD_SHAPE, "width \(width) and max_frames \(maxFrames) must be positive")
            }
            var weights: [String: HeadWeights] = [:]
            for index in 0..<count {
                guard let tensor = tensors?[index], let name = tensor.name, let data = tensor.data else { continue }
                let shape = (0..<Int(tensor.rank)).map { Int(tensor.shape[$0]) }
                weights[String(cString: name)] = HeadWeights(
                    shape: shape, values: Array(UnsafeBufferPointer(start: data, count: shape.reduce(1, *))))
            }
            let head = try H(
                width: Int(width), maxFrames: Int(maxFrames),
                weights: MemoryTensors(weights, origin: "the head's weights"),
                config: HeadConfig(json: config.map { String(cString: $0) } ?? "{}"))
            instance?.pointee = Unmanaged.passRetained(head).toOpaque()
        }
    }

    /// `watchword_head.destroy`.
    package static func destroy<H: TemporalHead>(_: H.Type, _ instance: UnsafeMutableRawPointer?) {
        if let instance { Unmanaged<H>.fromOpaque(instance).release() }
    }

    /// `watchword_head.pool`.
    package static func pool<H: PoolingHead>(
        _: H.Type, _ instance: UnsafeMutableRawPointer?, _ frames: UnsafePointer<Float>?,
        _ mask: UnsafePointer<UInt8>?, _ B: Int32, _ T: Int32, _ out: UnsafeMutablePointer<Float>?,
        _ why: UnsafeMutablePointer<CChar>?, _ size: Int
    ) -> ww_status {
        report(why, size) {
            guard let instance, let out else { throw HeadFailure(WW_FAILED, "no instance, or no room for the result") }
            let head = Unmanaged<H>.fromOpaque(instance).takeUnretainedValue()
            let windows = try windows(head, frames, mask, B, T)
            try head.pool(windows, into: UnsafeMutableBufferPointer(start: out, count: windows.count * head.width))
        }
    }

    /// `ww_pairing.score`.
    package static func score<H: PairingHead>(
        _: H.Type, _ instance: UnsafeMutableRawPointer?, _ texts: UnsafePointer<Float>?, _ Q: Int32,
        _ frames: UnsafePointer<Float>?, _ mask: UnsafePointer<UInt8>?, _ B: Int32, _ T: Int32,
        _ pairText: UnsafePointer<Int32>?, _ pairWindow: UnsafePointer<Int32>?, _ P: Int,
        _ out: UnsafeMutablePointer<Float>?, _ why: UnsafeMutablePointer<CChar>?, _ size: Int
    ) -> ww_status {
        report(why, size) {
            guard P > 0 else { return }
            guard let instance, let out else { throw HeadFailure(WW_FAILED, "no instance, or no room for the result") }
            guard let texts, let pairText, let pairWindow, Q > 0 else {
                throw HeadFailure(WW_BAD_SHAPE, "\(P) pairs of \(Q) texts")
            }
            let head = Unmanaged<H>.fromOpaque(instance).takeUnretainedValue()
            let pairs = Pairs(
                texts: UnsafeBufferPointer(start: texts, count: Int(Q) * head.width),
                windows: try windows(head, frames, mask, B, T),
                text: UnsafeBufferPointer(start: pairText, count: P),
                window: UnsafeBufferPointer(start: pairWindow, count: P))
            guard pairs.text.allSatisfy({ 0..<Q ~= $0 }), pairs.window.allSatisfy({ 0..<B ~= $0 }) else {
                throw HeadFailure(WW_BAD_SHAPE, "a pair names a text or a window that is not there")
            }
            try head.score(pairs, into: UnsafeMutableBufferPointer(start: out, count: P))
        }
    }

    /// The windows of a call, if they fit the instance.
    private static func windows(
        _ head: some TemporalHead, _ frames: UnsafePointer<Float>?, _ mask: UnsafePointer<UInt8>?, _ B: Int32,
        _ T: Int32
    ) throws -> Windows {
        guard let frames, let mask, B > 0, T > 0 else {
            throw HeadFailure(WW_BAD_SHAPE, "\(B) windows of \(T) frames")
        }
        guard Int(T) <= head.maxFrames else {
            throw HeadFailure(WW_BAD_SHAPE, "windows of \(T) frames, made for at most \(head.maxFrames)")
        }
        return Windows(
            frames: UnsafeBufferPointer(start: frames, count: Int(B) * Int(T) * head.width),
            valid: try prefixes(mask, Int(B), Int(T)), frameCount: Int(T), width: head.width)
    }

    /// Lengths of the masks' prefixes; a hole or an empty window is refused.
    package static func prefixes(_ mask: UnsafePointer<UInt8>, _ B: Int, _ T: Int) throws -> [Int] {
        try (0..<B).map { b in
            let row = UnsafeBufferPointer(start: mask + b * T, count: T)
            let length = row.firstIndex(of: 0) ?? T
            guard length > 0 else { throw HeadFailure(WW_BAD_SHAPE, "window \(b) has no frame") }
            guard row[length...].allSatisfy({ $0 == 0 }) else {
                throw HeadFailure(WW_BAD_SHAPE, "the mask of window \(b) is no prefix")
            }
            return length
        }
    }

    /// Runs `body`; an error becomes a status and its text.
    package static func report(
        _ why: UnsafeMutablePointer<CChar>?, _ size: Int, _ body: () throws -> Void
    ) -> ww_status {
        do {
            try body()
            return WW_OK
        } catch {
            let (status, text): (ww_status, String) =
                switch error {
                case let failure as HeadFailure: (failure.status, failure.why)
                case let checkpoint as CheckpointError: (WW_BAD_WEIGHTS, "\(checkpoint)")
                default: (WW_FAILED, "\(error)")
                }
            if let why, size > 0 {
                let bytes = Array(text.utf8.prefix(size - 1))
                for (index, byte) in bytes.enumerated() { why[index] = CChar(bitPattern: byte) }
                why[bytes.count] = 0
            }
            return status
        }
    }
}
