import Foundation
import SystemSupport
import WatchwordHeadABI

/// A head plugin that was found by name and checked; `Head` makes an instance of it.
///
/// It is never unloaded: plugin code may still be on some thread's stack.
// @unchecked: the descriptor has static lifetime and is never written
package struct HeadLibrary: @unchecked Sendable {
    package let path: String
    package let name: String
    package let version: String
    package let description: String
    /// Whether the head pools windows to clip embeddings.
    package var pools: Bool { descriptor.pool != nil }
    /// Whether the head scores texts and windows together.
    package var pairs: Bool { pairing != nil }
    /// Whether the head's scores are cosines, as a pooling head's always are; else they are logits.
    package var givesCosines: Bool { pools || scoreKind == WW_SCORE_COSINES }
    let descriptor: watchword_head

    /// Opens a plugin file and reads its descriptor; each field is read only after those before it were checked.
    package init(path: String, expectedName: String) throws(HeadError) {
        func failure(_ reason: HeadError.Reason) -> HeadError { HeadError(path: path, reason: reason) }
        // Whoever can write there can run what he likes as this user.
        if let problem = PathTrust.problem(path) { throw failure(.cannotOpen(problem)) }
        guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            throw failure(.cannotOpen(dlerror().map { String(cString: $0) } ?? "unknown error"))
        }
        guard let symbol = dlsym(library, WW_HEAD_ENTRY) else {
            throw failure(.notAHead("it exports no \(WW_HEAD_ENTRY)"))
        }
        guard let pointer = unsafeBitCast(symbol, to: watchword_head_entry_fn.self)() else {
            throw failure(.notAHead("its entry function returns no descriptor"))
        }
        guard pointer.pointee.magic == WW_HEAD_MAGIC else {
            throw failure(.notAHead("its descriptor has no magic number"))
        }
        guard pointer.pointee.abi_major == WW_HEAD_ABI_MAJOR else {
            throw failure(.abiMismatch(host: WW_HEAD_ABI_MAJOR, plugin: pointer.pointee.abi_major))
        }
        guard Int(pointer.pointee.struct_size) >= MemoryLayout<watchword_head>.size else {
            throw failure(
                .notAHead(
                    "its descriptor has \(pointer.pointee.struct_size) bytes, expected \(MemoryLayout<watchword_head>.size)"
                ))
        }
        descriptor = pointer.pointee
        let ownName = descriptor.name.map { String(cString: $0) } ?? ""
        guard ownName == expectedName else { throw failure(.wrongName(ownName, expected: expectedName)) }
        guard descriptor.create != nil, descriptor.destroy != nil else {
            throw failure(.notAHead("its descriptor has no create or destroy"))
        }
        self.path = path
        self.name = expectedName
        version = descriptor.version.map { String(cString: $0) } ?? "?"
        description = descriptor.description.map { String(cString: $0) } ?? ""
        guard pools || pairs else { throw failure(.notAHead("it neither pools nor pairs")) }
    }

    private var scoreKind: UInt32 {
        guard let found = descriptor.get_extension?(WW_EXT_SCORE_KIND) else { return WW_SCORE_LOGITS }
        let kind = found.assumingMemoryBound(to: ww_score_kind.self)
        return Int(kind.pointee.struct_size) < MemoryLayout<ww_score_kind>.size ? WW_SCORE_LOGITS : kind.pointee.kind
    }

    var pairing: ww_pairing? {
        guard let found = descriptor.get_extension?(WW_EXT_PAIRING) else { return nil }
        let pairing = found.assumingMemoryBound(to: ww_pairing.self)
        guard Int(pairing.pointee.struct_size) >= MemoryLayout<ww_pairing>.size else { return nil }
        return pairing.pointee.score == nil ? nil : pairing.pointee
    }
}
