import CGStreamer
import CReach
import StreamSources

/// GIO's own object, which sources ask about certificates.
// @unchecked: the object is thread-safe, and the pointer never changes
final class TLSDatabase: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer

    /// Takes the reference.
    init(_ pointer: UnsafeMutableRawPointer) { self.pointer = pointer }

    deinit { g_object_unref(pointer) }
}

extension Pipeline {
    /// Certificates are checked by `database` alone, which must live as long as the pipeline.
    func trust(_ database: TLSDatabase) { ww_trust(element, database.pointer) }
}

extension TLSTrust {
    /// Reads the file.
    func database() throws(SourceError) -> TLSDatabase {
        if let problem { throw SourceError("tls: \(problem)") }
        if let text = fingerprint, let digest = Self.digest(text) { return TLSDatabase(ww_tls_pinned(digest)) }
        var why: UnsafeMutablePointer<CChar>?
        guard let made = ww_tls_file(ca ?? "", &why) else {
            defer { g_free(why) }
            throw SourceError(
                "tls: ca: \(ca ?? ""): expected a PEM file of certificates (\(why.map { String(cString: $0) } ?? "?"))")
        }
        return TLSDatabase(made)
    }
}
