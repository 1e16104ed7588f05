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

/// A head's pairing extension and the kind of its scores, made once for the life of the process.
// @unchecked: written once, in init, and never freed or changed
package struct PairingExtension: @unchecked Sendable {
    private let pointer: UnsafePointer<ww_pairing>
    private let kind: UnsafePointer<ww_score_kind>

    /// `givesCosines`: whether scores are cosines; they are logits otherwise.
    package init(
        givesCosines: Bool = false,
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
        let kind = UnsafeMutablePointer<ww_score_kind>.allocate(capacity: 1)
        kind.initialize(
            to: ww_score_kind(
                struct_size: UInt32(MemoryLayout<ww_score_kind>.size),
                kind: givesCosines ? WW_SCORE_COSINES : WW_SCORE_LOGITS))
        self.kind = UnsafePointer(kind)
    }

    /// Returns the struct that `id` asks for, as `get_extension` does; nil for others.
    package func answer(_ id: UnsafePointer<CChar>?) -> UnsafeRawPointer? {
        guard let id else { return nil }
        if strcmp(id, WW_EXT_PAIRING) == 0 { return UnsafeRawPointer(pointer) }
        return strcmp(id, WW_EXT_SCORE_KIND) == 0 ? UnsafeRawPointer(kind) : nil
    }
}
