import CGStreamer
import Foundation
import StreamSources
import World

/// Pushes pictures that this process generates into a pipeline's `appsrc name=pictures`, when it asks for them.
// @unchecked: only used by the source's streaming thread once it is attached
final class PictureFeed: @unchecked Sendable {
    private let fps: Int
    private let isLive: Bool
    private let next: (Int) throws -> [UInt8]?
    private var number = 0
    /// The error thrown by `next`, if that ended the pictures; else nil.
    private(set) var failure: (any Error)?

    /// Makes a feed of generated pictures; `next` returns the RGB bytes of a frame by its number, nil after the last.
    init(fps: Int, isLive: Bool = false, next: @escaping (Int) throws -> [UInt8]?) {
        (self.fps, self.isLive, self.next) = (fps, isLive, next)
    }

    /// Makes a feed that plays a generated film in real time; frames that are late are left out.
    convenience init(live film: Film) {
        var film = film
        self.init(fps: film.fps, isLive: true) { number in
            film.frameCount.map { number >= $0 } == true ? nil : film.frame(number).pixels
        }
    }

    /// Returns the generated film of a URI: `shapes://SEED`, which never ends, or `shapes://SEED?seconds=N`.
    static func film(_ uri: String) throws(SourceError) -> Film {
        let rest = uri.range(of: "://").map { uri[$0.upperBound...] } ?? ""
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let seed = parts.first.flatMap({ UInt64($0) }) else {
            throw SourceError("\(SourceURI.redacted(uri)): after shapes:// there must be a seed, a whole number")
        }
        guard parts.count == 2 else { return Film(seed: seed) }
        guard parts[1].hasPrefix("seconds="), let seconds = Double(parts[1].dropFirst(8)),
            (1...86_400).contains(seconds)
        else { throw SourceError("\(SourceURI.redacted(uri)): after the seed there may be ?seconds= and 1 to 86400") }
        return .finite(seed: seed, seconds: seconds, mayCut: true)
    }

    /// Makes the pictures go to the pipeline's `appsrc name=pictures`, for as long as that element exists.
    func attach(to pipeline: UnsafeMutablePointer<GstElement>, shown: String) throws(SourceError) {
        guard let source = ww_bin_get_app_src(pipeline, "pictures") else {
            throw SourceError("\(shown): the launch line must begin with an appsrc called pictures")
        }
        defer { gst_object_unref(source) }
        ww_app_src_feed(
            source,
            { source, _, user in
                guard let source, let user else { return }
                Unmanaged<PictureFeed>.fromOpaque(user).takeUnretainedValue().push(to: source)
            }, Unmanaged.passRetained(self).toOpaque(),
            { user in if let user { Unmanaged<PictureFeed>.fromOpaque(user).release() } })
    }

    private func push(to source: UnsafeMutablePointer<GstAppSrc>) {
        if isLive { number = max(number, Int(ww_running_seconds(source) * Double(fps)) - fps / 4) }
        do {
            guard let bytes = try next(number) else { return ww_app_src_end(source) }
            let (start, end) = (nanoseconds(number), nanoseconds(number + 1))
            // `appsrc` reports its errors as messages on the pipeline's bus.
            _ = bytes.withUnsafeBytes {
                ww_app_src_push(source, $0.baseAddress, gsize($0.count), start, end - start)
            }
            number += 1
        } catch {
            failure = error
            ww_app_src_end(source)
        }
    }

    private func nanoseconds(_ frame: Int) -> guint64 { guint64(frame) * 1_000_000_000 / guint64(fps) }
}
