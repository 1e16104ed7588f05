import Pixels

/// Gives a frame that shows nothing new the previous picture, so that it need not be resized and embedded.
///
/// A frame is compared with the last one that was new, not with the last one, so that slow changes add up. Belongs to
/// the thread of one sink.
struct ChangeGate {
    private let threshold: Float?
    private var signature: ColourSignature?
    private var picture: Picture?
    private(set) var number: UInt64 = 0

    /// Whether pictures are compared at all.
    var isOn: Bool { threshold != nil }

    /// Makes a gate; see `SourceDescription.gate` for `threshold`.
    init(threshold: Double?) { self.threshold = threshold.map { Float($0) } }

    /// Returns the frame's picture with its number, and whether it is the previous picture again.
    mutating func picture(_ frame: DecodedFrame, _ resizer: Resizer) -> (Picture, number: UInt64, isSame: Bool) {
        if let threshold {
            let seen = ColourSignature(frame)
            if let signature, let picture, seen.difference(from: signature) < threshold {
                return (picture, number, true)
            }
            signature = seen
        }
        let made = resizer.picture(frame)
        number += 1
        picture = threshold == nil ? nil : made
        return (made, number, false)
    }
}
