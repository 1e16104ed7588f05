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
}

/// The image tower in float32, beside that of a lower precision: for windows whose score leaves it open what they match.
///
/// A frame costs several times as much here. So that cameras need not wait, frames are limited to a share of those that were
/// embedded anyway; what is left of it is saved up for a few windows, no more.
final class ExactEncoder {
    /// Frames that may be embedded again, of those that were embedded.
    static let share = 0.125
    static let mostSaved = 64.0
    /// Pictures that are embedded at once: more are hardly faster, and take memory.
    static let batch = 4

    private let images: ImageEncoder
    /// Frames that may be embedded now; nil if nothing waits for them, and all may.
    private var allowance: Double?

    init(_ images: ImageEncoder, isLimited: Bool) {
        self.images = images
        allowance = isLimited ? Self.mostSaved : nil
    }

    /// Frames were embedded in the other precision.
    func earn(frames: Int) { allowance = allowance.map { min(Self.mostSaved, $0 + Self.share * Double(frames)) } }

    /// The embeddings of a window's frames, `[frames, d]`, oldest first; nil if they would cost too much now.
    func embed(_ window: [HeldPicture]) throws -> [Float]? {
        if let known = HeldPicture.embeddings(of: window) { return known }
        if images.architecture.vision.linearPatch == .spatiotemporal {
            // Three embeddings a frame would be needed for other windows, and few of these come.
            guard pay(window.count) else { return nil }
            return try images.encode(FrameInContext.window(window.map(\.picture))).values
        }
        // Frames that the gate found unchanged show the same picture.
        var missing: [HeldPicture] = []
        for held in window where held.embedding == nil && !missing.contains(where: { $0 === held }) {
            missing.append(held)
        }
        guard pay(missing.count) else { return nil }
        for start in stride(from: 0, to: missing.count, by: Self.batch) {
            let some = missing[start..<min(start + Self.batch, missing.count)]
            let rows = try images.encode(some.map(\.picture))
            for (row, held) in some.enumerated() { held.embedding = rows.row(row) }
        }
        return HeldPicture.embeddings(of: window)
    }

    /// A window is paid whole, however long, as soon as anything is saved up: what is owed then is earned first.
    private func pay(_ frames: Int) -> Bool {
        if let saved = allowance {
            guard saved > 0 else { return false }
            allowance = saved - Double(frames)
        }
        return true
    }
}
