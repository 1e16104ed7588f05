import CLIP
import Pixels
import Tensors

/// A picture that frames of a window show; kept with them, in case the window is scored again in float32.
///
/// Not Sendable: it belongs to the engine.
final class HeldPicture {
    let picture: Picture
    /// The picture's float32 embedding, once computed.
    ///
    /// With 3D patches it is not kept, since it depends on the neighbours.
    fileprivate(set) var embedding: [Float]?

    init(_ picture: Picture) { self.picture = picture }

    /// Returns the float32 embeddings of a window's frames, `[frames, d]`; nil unless all are computed.
    static func embeddings(of window: [HeldPicture]) -> [Float]? {
        guard !window.isEmpty, window.allSatisfy({ $0.embedding != nil }) else { return nil }
        return window.flatMap { $0.embedding ?? [] }
    }

    /// Returns the pictures of a window without a float32 embedding, each once: unchanged frames share a picture.
    static func missing(of window: [HeldPicture]) -> [HeldPicture] {
        var missing: [HeldPicture] = []
        for held in window where held.embedding == nil && !missing.contains(where: { $0 === held }) {
            missing.append(held)
        }
        return missing
    }
}

/// The float32 image tower, beside one of lower precision, for windows whose scores are too close to a threshold.
///
/// A picture costs several times as much here as in the lower precision, and cameras must not wait. So at most as many
/// pictures are embedded here as in the lower precision, one each turn, and none while frames are late.
final class ExactEncoder {
    /// The most pictures that can be saved up: a window or two, so that no lane waits long for others.
    static let mostSaved = 16.0
    static let leastShare = 1.0 / 64
    /// The pictures that are embedded at once if no camera waits: more are hardly faster, and take memory.
    static let batch = 4

    private let images: ImageEncoder
    /// Whether cameras wait, so that the number of pictures is limited.
    let isLimited: Bool
    /// The number of pictures that may be embedded now.
    ///
    /// Each frame embedded in the lower precision adds `share`.
    private var saved = mostSaved
    private var share = 1.0
    private var isFree = false

    init(_ images: ImageEncoder, isLimited: Bool) {
        self.images = images
        self.isLimited = isLimited
    }

    /// Begins a turn, after `frames` frames were embedded in the lower precision.
    ///
    /// `isLate`: frames already wait too long. Then nothing is embedded here in this turn, and less for a while.
    func beginTurn(frames: Int, isLate: Bool) {
        share = isLate ? max(Self.leastShare, share / 2) : min(1, share + Self.leastShare)
        saved = min(Self.mostSaved, saved + share * Double(frames))
        isFree = !isLate
    }

    /// Whether a window's frames may be embedded again; if so, their number is subtracted from `saved`.
    ///
    /// A window longer than the most that can be saved up takes all of it.
    func admits(_ window: [HeldPicture]) -> Bool {
        guard isLimited else { return true }
        let price = min(Double(HeldPicture.missing(of: window).count), Self.mostSaved)
        guard saved >= price else { return false }
        saved -= price
        return true
    }

    /// Embeds one frame of a window if the turn is free, or all frames if there is no limit.
    ///
    /// Returns the embeddings `[frames, d]` once all are computed, else nil.
    func embed(_ window: [HeldPicture]) throws -> [Float]? {
        if images.architecture.vision.linearPatch == .spatiotemporal {
            // Three embeddings a frame would be needed for other windows, and few of these come: a window is one
            // turn's.
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
