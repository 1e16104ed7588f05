import CLIP
import Pixels
import Tensors

/// A picture that frames of a window show, kept as long as they are: it may be asked for in float32.
///
/// Not Sendable: it belongs to the engine.
final class HeldPicture {
    let picture: Picture
    /// Its float32 embedding, once it was asked for; with 3D patches it depends on its neighbours, and is not kept.
    fileprivate(set) var embedding: [Float]?

    init(_ picture: Picture) { self.picture = picture }

    /// The float32 embeddings of a window's frames, `[frames, d]`, if there are all of them.
    static func embeddings(of window: [HeldPicture]) -> [Float]? {
        guard !window.isEmpty, window.allSatisfy({ $0.embedding != nil }) else { return nil }
        return window.flatMap { $0.embedding ?? [] }
    }

    /// Pictures of a window without a float32 embedding, each once; frames that the gate found unchanged share one.
    static func missing(of window: [HeldPicture]) -> [HeldPicture] {
        var missing: [HeldPicture] = []
        for held in window where held.embedding == nil && !missing.contains(where: { $0 === held }) {
            missing.append(held)
        }
        return missing
    }
}

/// The image tower in float32, beside that of a lower precision: for windows whose score leaves it open what they
/// match.
///
/// A picture costs several times as much here, and cameras must not wait for it. So there are no more pictures than
/// frames that were embedded anyway, and one is embedded a turn, if frames are not late already.
final class ExactEncoder {
    /// Pictures that are saved up at most: a window or two, so that no lane waits long behind others.
    static let mostSaved = 16.0
    static let leastShare = 1.0 / 64
    /// Pictures that are embedded at once where nobody waits: more are hardly faster, and take memory.
    static let batch = 4

    private let images: ImageEncoder
    /// Whether others wait.
    let isLimited: Bool
    /// Pictures that may be embedded, and how many more each frame that was embedded in the other precision allows.
    private var saved = mostSaved
    private var share = 1.0
    private var isFree = false

    init(_ images: ImageEncoder, isLimited: Bool) {
        self.images = images
        self.isLimited = isLimited
    }

    /// A turn begins: so many frames have been embedded in the other precision.
    ///
    /// `isLate`: frames have waited long enough. Then none is embedded here, and fewer are for a while.
    func beginTurn(frames: Int, isLate: Bool) {
        share = isLate ? max(Self.leastShare, share / 2) : min(1, share + Self.leastShare)
        saved = min(Self.mostSaved, saved + share * Double(frames))
        isFree = !isLate
    }

    /// Whether a window's frames may be embedded again; if so, they are paid.
    ///
    /// One that is longer than what can be saved up takes all of it.
    func admits(_ window: [HeldPicture]) -> Bool {
        guard isLimited else { return true }
        let price = min(Double(HeldPicture.missing(of: window).count), Self.mostSaved)
        guard saved >= price else { return false }
        saved -= price
        return true
    }

    /// Embeds one of a window's frames, if the turn is free, or all; their embeddings, `[frames, d]`, once there are
    /// all.
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
