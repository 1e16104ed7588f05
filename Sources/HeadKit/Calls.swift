import Checkpoints
import Foundation
package import WatchwordHeadABI

/// The C side of a Swift head: each function of the descriptor is one line that calls these with the head's type.
package enum HeadCalls {
    /// `watchword_head.create`.
    package static func create<H: PoolingHead>(
        _: H.Type, _ width: Int32, _ maxFrames: Int32, _ tensors: UnsafePointer<ww_tensor>?, _ count: Int,
        _ instance: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ why: UnsafeMutablePointer<CChar>?, _ size: Int
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
                width: Int(width), maxFrames: Int(maxFrames), weights: MemoryTensors(weights, origin: "the head's weights"))
            instance?.pointee = Unmanaged.passRetained(head).toOpaque()
        }
    }

    /// `watchword_head.destroy`.
    package static func destroy<H: PoolingHead>(_: H.Type, _ instance: UnsafeMutableRawPointer?) {
        if let instance { Unmanaged<H>.fromOpaque(instance).release() }
    }

    /// `watchword_head.pool`.
    package static func pool<H: PoolingHead>(
        _: H.Type, _ instance: UnsafeMutableRawPointer?, width: (H) -> Int, _ frames: UnsafePointer<Float>?,
        _ mask: UnsafePointer<UInt8>?, _ B: Int32, _ T: Int32, _ out: UnsafeMutablePointer<Float>?,
        _ why: UnsafeMutablePointer<CChar>?, _ size: Int
    ) -> ww_status {
        report(why, size) {
            guard let instance, let frames, let mask, let out, B > 0, T > 0 else {
                throw HeadFailure(WW_BAD_SHAPE, "\(B) windows of \(T) frames")
            }
            let head = Unmanaged<H>.fromOpaque(instance).takeUnretainedValue()
            let width = width(head)
            let windows = Windows(
                frames: UnsafeBufferPointer(start: frames, count: Int(B) * Int(T) * width),
                valid: try prefixes(mask, Int(B), Int(T)), frameCount: Int(T), width: width)
            try head.pool(windows, into: UnsafeMutableBufferPointer(start: out, count: Int(B) * width))
        }
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

/// A descriptor and its strings, made once for the life of the process.
package struct HeadDescriptor: @unchecked Sendable {  // written once, in init, and never freed or changed
    package let pointer: UnsafePointer<watchword_head>

    package init(
        name: String, version: String, description: String,
        create: @convention(c) (
            Int32, Int32, UnsafePointer<ww_tensor>?, Int, UnsafePointer<CChar>?,
            UnsafeMutablePointer<UnsafeMutableRawPointer?>?, UnsafeMutablePointer<CChar>?, Int
        ) -> ww_status,
        destroy: @convention(c) (UnsafeMutableRawPointer?) -> Void,
        pool: (
            @convention(c) (
                UnsafeMutableRawPointer?, UnsafePointer<Float>?, UnsafePointer<UInt8>?, Int32, Int32,
                UnsafeMutablePointer<Float>?, UnsafeMutablePointer<CChar>?, Int
            ) -> ww_status
        )?,
        getExtension: (@convention(c) (UnsafePointer<CChar>?) -> UnsafeRawPointer?)? = nil
    ) {
        let made = UnsafeMutablePointer<watchword_head>.allocate(capacity: 1)
        made.initialize(
            to: watchword_head(
                magic: WW_HEAD_MAGIC, abi_major: WW_HEAD_ABI_MAJOR, abi_minor: WW_HEAD_ABI_MINOR,
                struct_size: UInt32(MemoryLayout<watchword_head>.size), name: strdup(name), version: strdup(version),
                description: strdup(description), create: create, destroy: destroy, pool: pool,
                get_extension: getExtension))
        pointer = UnsafePointer(made)
    }
}
