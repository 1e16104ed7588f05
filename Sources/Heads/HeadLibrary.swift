import Foundation
import WatchwordHeadABI

/// A head plugin found by name and checked, not yet made into an instance.
///
/// Never unloaded: plugin code may still be on some thread's stack.
// @unchecked: the descriptor has static lifetime and is never written
package struct HeadLibrary: @unchecked Sendable {
    package let path: String
    package let name: String
    package let version: String
    package let description: String
    package let abiMinor: UInt32
    /// Whether it pools windows to clip embeddings.
    package var pools: Bool { descriptor.pool != nil }
    /// Whether it scores texts and windows together.
    package var pairs: Bool { pairing != nil }
    let descriptor: watchword_head

    /// Opens a plugin file and reads its descriptor, field by field, as far as each proves the next.
    package init(path: String, expectedName: String) throws(HeadError) {
        func failure(_ reason: HeadError.Reason) -> HeadError { HeadError(path: path, reason: reason) }
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
        guard let name = descriptor.name, String(cString: name) == expectedName else {
            throw failure(
                .notAHead(
                    "it calls itself \"\(descriptor.name.map { String(cString: $0) } ?? "")\", not \"\(expectedName)\"")
            )
        }
        guard descriptor.create != nil, descriptor.destroy != nil else {
            throw failure(.notAHead("its descriptor has no create or destroy"))
        }
        self.path = path
        self.name = expectedName
        version = descriptor.version.map { String(cString: $0) } ?? "?"
        description = descriptor.description.map { String(cString: $0) } ?? ""
        abiMinor = descriptor.abi_minor
        guard pools || pairs else { throw failure(.notAHead("it neither pools nor pairs")) }
    }

    var pairing: ww_pairing? {
        guard let found = descriptor.get_extension?(WW_EXT_PAIRING) else { return nil }
        let pairing = found.assumingMemoryBound(to: ww_pairing.self)
        guard Int(pairing.pointee.struct_size) >= MemoryLayout<ww_pairing>.size else { return nil }
        return pairing.pointee.score == nil ? nil : pairing.pointee
    }
}

/// The plugin directories, searched in order: `WATCHWORD_PLUGIN_PATH`, beside the executable, `/usr/lib/watchword/heads`.
package struct HeadFinder: Sendable {
    package let directories: [String]

    package init(directories: [String]) { self.directories = directories }

    /// The standing search path, after directories a configuration names.
    package static func standard(first: [String] = []) -> HeadFinder {
        let variable = ProcessInfo.processInfo.environment["WATCHWORD_PLUGIN_PATH"] ?? ""
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let beside = URL(filePath: executable).deletingLastPathComponent().path
        return HeadFinder(
            directories: first + variable.split(separator: ":").map(String.init) + [beside, "/usr/lib/watchword/heads"])
    }

    /// Loads a head by name.
    ///
    /// A name that is no name, such as a path, is refused before any file is looked at.
    package func load(_ name: String) throws(HeadError) -> HeadLibrary {
        guard Self.isName(name) else { throw HeadError(path: name, reason: .badName) }
        for directory in directories {
            let path = "\(directory)/libwatchword-head-\(name).so"
            if FileManager.default.fileExists(atPath: path) { return try HeadLibrary(path: path, expectedName: name) }
        }
        throw HeadError(path: name, reason: .notFound(known: names, searched: directories))
    }

    /// Names of all plugins in the directories; the first directory wins.
    package var names: [String] {
        var found: Set<String> = []
        for directory in directories {
            for file in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
            where file.hasPrefix("libwatchword-head-") && file.hasSuffix(".so") {
                let name = String(file.dropFirst(18).dropLast(3))
                if Self.isName(name) { found.insert(name) }
            }
        }
        return found.sorted()
    }

    private static func isName(_ name: String) -> Bool { name.wholeMatch(of: /[a-z][a-z0-9-]*/) != nil }
}

/// A head plugin that could not be used, and why.
package struct HeadError: Error, Equatable, CustomStringConvertible {
    package enum Reason: Equatable, Sendable {
        case badName
        case notFound(known: [String], searched: [String])
        case cannotOpen(String)
        case notAHead(String)
        case abiMismatch(host: UInt32, plugin: UInt32)
        case call(String, why: String)
    }

    package let path: String
    package let reason: Reason

    package init(path: String, reason: Reason) {
        self.path = path
        self.reason = reason
    }

    package var description: String {
        switch reason {
        case .badName: "head \"\(path)\": a head's name is lower-case letters, digits and hyphens"
        case .notFound(let known, _) where known.isEmpty:
            "head \"\(path)\" is unknown, and there is no head plugin at all; set WATCHWORD_PLUGIN_PATH"
        case .notFound(let known, _): "head \"\(path)\" is unknown; there are: \(known.joined(separator: ", "))"
        case .cannotOpen(let why): "head plugin \(path) cannot be opened: \(why)"
        case .notAHead(let why): "\(path) is not a head plugin: \(why)"
        case .abiMismatch(let host, let plugin):
            "head plugin \(path) was built for ABI \(plugin), this Watchword has ABI \(host): rebuild the plugin"
        case .call(let call, let why): "head \"\(path)\": \(call) failed: \(why)"
        }
    }
}
