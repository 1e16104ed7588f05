import CLIP
import Pixels
import Tensors

/// A frame's picture, kept while windows contain it, in case one is scored again in float32.
///
/// Frames with an unchanged picture share it. Not Sendable: only the engine uses it.
final class HeldPicture {
    let picture: Picture
    /// The picture's float32 embedding; nil until it is computed.
    ///
    /// With 3D patches it stays nil, since an embedding then depends on neighbouring frames.
    fileprivate(set) var embedding: [Float]?

    init(_ picture: Picture) { self.picture = picture }

    /// Returns the float32 embeddings of a window's frames, `[frames, d]`; nil unless all are computed.
    static func embeddings(of window: [HeldPicture]) -> [Float]? {
        guard !window.isEmpty, window.allSatisfy({ $0.embedding != nil }) else { return nil }
        return window.flatMap { $0.embedding ?? [] }
    }

    /// Returns the window's pictures without a float32 embedding, each only once although frames may share one.
    static func missing(of window: [HeldPicture]) -> [HeldPicture] {
        var missing: [HeldPicture] = []
        for held in window where held.embedding == nil && !missing.contains(where: { $0 === held }) {
            missing.append(held)
        }
        return missing
    }
}

/// Computes float32 embeddings of windows whose scores in a lower precision are too close to a threshold.
///
/// A picture costs several times as much in float32, and live streams must not wait. So, if `isLimited`, it embeds one
/// picture per call of the engine, none while frames are late, and overall no more than the lower precision embeds.
final class ExactEncoder {
    /// The greatest value of `saved`, in pictures: one or two windows, so that no stream waits long for others.
    static let mostSaved = 16.0
    static let leastShare = 1.0 / 64
    /// The number of pictures embedded at once if there is no limit; more would be hardly faster and take memory.
    static let batch = 4

    private let images: ImageEncoder
    /// True if live streams wait for the engine, so that float32 work is limited.
    let isLimited: Bool
    /// The number of pictures that may be embedded in float32 now.
    ///
    /// Each frame embedded in the lower precision adds `share`.
    private var saved = mostSaved
    private var share = 1.0
    private var isFree = false

    init(_ images: ImageEncoder, isLimited: Bool) {
        self.images = images
        self.isLimited = isLimited
    }

    /// Sets how much may be embedded in float32 until the next call, after `frames` frames in the lower precision.
    ///
    /// `isLate` is true if frames already waited too long: then nothing is embedded until the next call, and less
    /// later.
    func beginTurn(frames: Int, isLate: Bool) {
        share = isLate ? max(Self.leastShare, share / 2) : min(1, share + Self.leastShare)
        saved = min(Self.mostSaved, saved + share * Double(frames))
        isFree = !isLate
    }

    /// Returns true if a window may be embedded in float32; its missing pictures are then subtracted from `saved`.
    ///
    /// A window with more pictures than `mostSaved` uses all of it.
    func admits(_ window: [HeldPicture]) -> Bool {
        guard isLimited else { return true }
        let price = min(Double(HeldPicture.missing(of: window).count), Self.mostSaved)
        guard saved >= price else { return false }
        saved -= price
        return true
    }

    /// Embeds a window's next picture in float32, one per call of `beginTurn`; or all pictures if there is no limit.
    ///
    /// Returns the embeddings `[frames, d]` once all are computed, otherwise nil.
    func embed(_ window: [HeldPicture]) throws -> [Float]? {
        if images.architecture.vision.linearPatch == .spatiotemporal {
            // With 3D patches, embeddings of a frame can be shared between few windows only, so a whole window is
            // embedded in one call.
            guard !isLimited || isFree else { return nil }
            isFree = false
            return try images.encode(FrameInContext.window(window.map(\.picture))).values
        }
        var missing = HeldPicture.missing(of: window)[...]
        while !missing.isEmpty, !isLimited || isFree {
            let some = missing.prefix(isLimited ? 1 : Self.batch)
            let rows = try images.encode(some.map(\.picture))
            for (row, held) in some.enumerated() { held.embedding = rows.row(row) }
            missing = missing.dropFirst(some.count)
            isFree = false
        }
        return HeldPicture.embeddings(of: window)
    }
}
