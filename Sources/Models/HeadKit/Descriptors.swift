import Foundation
package import WatchwordHeadABI

/// The descriptor that a plugin written in Swift returns from its entry function.
///
/// Its memory is never freed, as the plugin contract demands. Only its `create` function depends on the type of the
/// head; the other functions find the head through the instance pointer.
// @unchecked: written once, in init, and never freed or changed
package struct HeadDescriptor: @unchecked Sendable {
    /// The kind of scores that a pairing head (one that scores a text with a window) returns.
    package enum Scores: Sendable { case cosines, logits }

    package typealias Create =
        @convention(c) (
            Int32, Int32, UnsafePointer<ww_tensor>?, Int, UnsafePointer<CChar>?,
            UnsafeMutablePointer<UnsafeMutableRawPointer?>?, UnsafeMutablePointer<CChar>?, Int
        ) -> ww_status

    package let pointer: UnsafePointer<watchword_head>

    /// Describes a head that pools windows, or, if `scores` is given, one that scores pairs of text and window.
    package init(name: String, version: String, description: String, scores: Scores? = nil, create: @escaping Create) {
        let made = UnsafeMutablePointer<watchword_head>.allocate(capacity: 1)
        made.initialize(
            to: watchword_head(
                magic: WW_HEAD_MAGIC, abi_major: WW_HEAD_ABI_MAJOR, abi_minor: WW_HEAD_ABI_MINOR,
                struct_size: UInt32(MemoryLayout<watchword_head>.size), name: strdup(name), version: strdup(version),
                description: strdup(description), create: create, destroy: { HeadCalls.destroy($0) }, pool: nil,
                get_extension: nil))
        switch scores {
        case nil: made.pointee.pool = { HeadCalls.pool($0, $1, $2, $3, $4, $5, $6, $7) }
        case .cosines: made.pointee.get_extension = { PairingExtension.cosines.answer($0) }
        case .logits: made.pointee.get_extension = { PairingExtension.logits.answer($0) }
        }
        pointer = UnsafePointer(made)
    }
}

/// The C structs of the two extensions of a head that scores pairs: its score function, and the kind of its scores.
///
/// Their memory is never freed, as the plugin contract demands.
// @unchecked: written once, in init, and never freed or changed
struct PairingExtension: @unchecked Sendable {
    private let pointer: UnsafePointer<ww_pairing>
    private let kind: UnsafePointer<ww_score_kind>

    static let cosines = PairingExtension(WW_SCORE_COSINES)
    static let logits = PairingExtension(WW_SCORE_LOGITS)

    private init(_ scores: UInt32) {
        let made = UnsafeMutablePointer<ww_pairing>.allocate(capacity: 1)
        made.initialize(
            to: ww_pairing(
                struct_size: UInt32(MemoryLayout<ww_pairing>.size), reserved: 0,
                score: { HeadCalls.score($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) }))
        pointer = UnsafePointer(made)
        let kind = UnsafeMutablePointer<ww_score_kind>.allocate(capacity: 1)
        kind.initialize(
            to: ww_score_kind(struct_size: UInt32(MemoryLayout<ww_score_kind>.size), kind: scores))
        self.kind = UnsafePointer(kind)
    }

    /// Returns the struct for an extension id; nil if the id is unknown.
    ///
    /// It implements `get_extension` of the plugin contract.
    func answer(_ id: UnsafePointer<CChar>?) -> UnsafeRawPointer? {
        guard let id else { return nil }
        if strcmp(id, WW_EXT_PAIRING) == 0 { return UnsafeRawPointer(pointer) }
        return strcmp(id, WW_EXT_SCORE_KIND) == 0 ? UnsafeRawPointer(kind) : nil
    }
}
