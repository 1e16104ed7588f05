import CGStreamer
import CReach
import StreamSources

/// The owner of a GIO certificate database, against which sources verify TLS certificates.
// @unchecked: the object is thread-safe, and the pointer never changes
package final class TLSDatabase: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer

    /// Makes the owner of the database, and takes over the caller's reference.
    init(_ pointer: UnsafeMutableRawPointer) { self.pointer = pointer }

    deinit { g_object_unref(pointer) }
}

extension Pipeline {
    /// Makes the pipeline verify TLS certificates only by `database`, which must live as long as the pipeline.
    func trust(_ database: TLSDatabase) { ww_trust(element, database.pointer) }
}

extension TLSTrust {
    /// Makes the certificate database: of the one fingerprint, or of the PEM file's certificates.
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
