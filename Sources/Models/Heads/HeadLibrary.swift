import Foundation
import SystemSupport
import WatchwordHeadABI

/// A loaded and checked head plugin (a shared library); `Head` is an instance of it.
///
/// It is never unloaded, because its code may still be on the stack of some thread.
// @unchecked: the descriptor has static lifetime and is never written
package struct HeadLibrary: @unchecked Sendable {
    package let path: String
    package let name: String
    package let version: String
    package let description: String
    /// True if the head pools: it turns a window of frames into a clip embedding.
    package var pools: Bool { descriptor.pool != nil }
    /// True if the head scores a text and a window together.
    package var pairs: Bool { pairing != nil }
    /// True if scores by this head are cosines, as of every pooling head; false if they are logits.
    package var givesCosines: Bool { pools || scoreKind == WW_SCORE_COSINES }
    let descriptor: watchword_head

    /// Opens a plugin file and reads its descriptor.
    ///
    /// The descriptor is read step by step: magic number, major version and size must be right before the rest is read.
    /// Throws if the plugin's own name is not `expectedName`, or if other users could write to the file.
    package init(path: String, expectedName: String) throws(HeadError) {
        func failure(_ reason: HeadError.Reason) -> HeadError { HeadError(plugin: path, reason: reason) }
        // Anyone who can write to the file could run code as this user.
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
