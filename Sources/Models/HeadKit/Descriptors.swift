import Foundation
package import WatchwordHeadABI

/// A descriptor and its strings, made once for the life of the process.
// @unchecked: written once, in init, and never freed or changed
package struct HeadDescriptor: @unchecked Sendable {
    package let pointer: UnsafePointer<watchword_head>

    package init(
        name: String, version: String, description: String,
        create:
            @convention(c) (
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

/// A head's pairing extension, made once for the life of the process.
// @unchecked: written once, in init, and never freed or changed
package struct PairingExtension: @unchecked Sendable {
    package let pointer: UnsafePointer<ww_pairing>

    package init(
        score:
            @convention(c) (
                UnsafeMutableRawPointer?, UnsafePointer<Float>?, Int32, UnsafePointer<Float>?, UnsafePointer<UInt8>?,
                Int32, Int32, UnsafePointer<Int32>?, UnsafePointer<Int32>?, Int, UnsafeMutablePointer<Float>?,
                UnsafeMutablePointer<CChar>?, Int
            ) -> ww_status
    ) {
        let made = UnsafeMutablePointer<ww_pairing>.allocate(capacity: 1)
        made.initialize(
            to: ww_pairing(struct_size: UInt32(MemoryLayout<ww_pairing>.size), reserved: 0, score: score))
        pointer = UnsafePointer(made)
    }

    /// The struct if `id` asks for it: what `get_extension` returns.
    package func answer(_ id: UnsafePointer<CChar>?) -> UnsafeRawPointer? {
        guard let id, strcmp(id, WW_EXT_PAIRING) == 0 else { return nil }
        return UnsafeRawPointer(pointer)
    }
}
